// Package schedule answers when a campaign may send, and when it is to be sent again,
// by the wall clock of a time zone: calendars, with their summer time, and nothing else.
//
// It keeps no data and reads no clock: each answer depends on its arguments alone. The
// zones come with the program, so that a machine without a zone database knows them too.
package schedule

import _ "time/tzdata" // see above
