package campaign

import (
	"regexp"
	"time"
)

// when writes a time by the clock of whoever reads it, with the zone.
func when(t time.Time, reader *time.Location) string {
	return t.In(reader).Format("Mon 2 Jan, 15:04 MST")
}

// clockAt writes what the clock of whoever reads it shows at a time, with the zone.
func clockAt(t time.Time, reader *time.Location) string { return t.In(reader).Format("15:04 MST") }

// Noted writes a time into a note that is kept: whose clock it is to be read by is not
// known before somebody reads it. See InZone.
func Noted(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var noted = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// InZone writes the times that a note has, as Noted wrote them, by the clock of whoever
// reads it, with the zone. What else stands in the note stays as it is.
func InZone(note string, reader *time.Location) string {
	return noted.ReplaceAllStringFunc(note, func(text string) string {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return text // no day of the calendar
		}
		return at.In(reader).Format("Mon 2 Jan 2006, 15:04 MST")
	})
}
