package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Repeat is when a campaign is sent again and again, as a person writes it. The zero
// Repeat is never.
type Repeat struct {
	// Cron is an expression of five fields: minute, hour, day of the month, month, day of
	// the week. The minute is one number; the others are *, numbers, ranges, lists of
	// them, and steps; days of the week have names, too. Not both kinds of days.
	Cron string `json:"cron,omitempty" toml:"cron" yaml:"cron"`
	Zone string `json:"zone,omitempty" toml:"zone" yaml:"zone"` // as of a Window
}

// Times are a Repeat that was read: each is a day that is meant, and an hour of it. They
// are a value and safe for concurrent use. Make them with Parse.
type Times struct {
	minute                      int
	hours, days, months, onDays uint64 // bit sets; days of the week from Sunday on
	zone                        *time.Location
}

// The values that fields have, as bits.
const (
	allHours  = 1<<24 - 1
	allDays   = 1<<32 - 2 // 1 to 31
	allMonths = 1<<13 - 2 // 1 to 12
	allOnDays = 1<<7 - 1
)

// Parse reads a Repeat. Its error begins with the key that is wrong.
func (r Repeat) Parse() (Times, error) {
	var t Times
	var errs []error
	fail := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	var err error
	t.zone, err = Zone(r.Zone)
	fail("zone", err)
	fields := strings.Fields(r.Cron)
	if len(fields) != 5 {
		fail("cron", fmt.Errorf("%q does not have five fields; write minute, hour, day of the month, month and day of the week, as in 0 9 * * mon", r.Cron))
		return t, errors.Join(errs...)
	}
	if t.minute, err = strconv.Atoi(fields[0]); err != nil || t.minute < 0 || t.minute > 59 {
		fail("cron", fmt.Errorf("the minute is %q; write one number from 0 to 59", fields[0]))
	}
	t.hours, err = readField("hour", fields[1], 0, 23, nil)
	fail("cron", err)
	t.days, err = readField("day of the month", fields[2], 1, 31, nil)
	fail("cron", err)
	t.months, err = readField("month", fields[3], 1, 12, nil)
	fail("cron", err)
	t.onDays, err = readField("day of the week", fields[4], 0, 7, dayNames)
	fail("cron", err)
	t.onDays = (t.onDays | t.onDays>>7) & allOnDays // 7 is Sunday as well
	if len(errs) == 0 && t.days != allDays && t.onDays != allOnDays {
		fail("cron", errors.New("names days of the month and of the week; keep one of them and write * for the other"))
	}
	if len(errs) == 0 && t.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		fail("cron", fmt.Errorf("%q never comes", r.Cron))
	}
	return t, errors.Join(errs...)
}

// readField reads a field as a set of bits.
func readField(what, text string, least, most int, names []string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		body, step, stepped := strings.Cut(part, "/")
		first, last, by := least, most, 1
		if len(names) > 0 && body == "*" {
			last = most - 1 // Sunday once
		}
		ok := true
		if stepped {
			n, err := strconv.Atoi(step)
			by, ok = n, err == nil && n >= 1 && n <= most
		}
		if body != "*" {
			from, to, ranged := strings.Cut(body, "-")
			var fine bool
			if first, fine = number(from, least, most, names); !fine {
				ok = false
			}
			last = first
			if ranged {
				if last, fine = number(to, least, most, names); !fine || last < first {
					ok = false
				}
			} else if stepped {
				ok = false
			}
		}
		if !ok {
			return 0, fmt.Errorf("the %s is %q; write *, numbers from %d to %d, ranges such as %d-%d, and steps such as */2", what, text, least, most, least, most)
		}
		for i := first; i <= last; i += by {
			set |= 1 << i
		}
	}
	return set, nil
}

func number(text string, least, most int, names []string) (int, bool) {
	for i, name := range names {
		if text == name {
			return i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= least && n <= most
}

// longest is how far ahead a time may be: the 29th of February comes within eight years.
const longest = 8*366 + 2

// Next returns the first time after a moment; the zero time when there is none. Each
// comes once: in the hour that comes twice in autumn the first time counts, and a time
// that spring leaves out comes when the clock jumps over it.
func (t Times) Next(after time.Time) time.Time {
	local := after.In(t.zone)
	year, month, day := local.Date()
	for i := -1; i < longest; i++ { // from yesterday: what its last hour means may come after midnight
		noon := time.Date(year, month, day+i, 12, 0, 0, 0, time.UTC)
		if !t.on(noon) {
			continue
		}
		for hour := range 24 {
			if t.hours&(1<<hour) == 0 {
				continue
			}
			if at := clockTime(noon, hour, t.minute, t.zone); at.After(after) {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}

// Last returns the last time in (after, until], the zero time when there is none.
func (t Times) Last(after, until time.Time) time.Time {
	var last time.Time
	for at := t.Next(after); !at.IsZero() && !at.After(until); at = t.Next(at) {
		last = at
	}
	return last
}

// Zone is where the clock hangs.
func (t Times) Zone() *time.Location { return t.zone }

// on reports whether a day is meant.
func (t Times) on(day time.Time) bool {
	return t.months&(1<<day.Month()) != 0 && t.days&(1<<day.Day()) != 0 && t.onDays&(1<<day.Weekday()) != 0
}

// Shown is the first moment at which a zone's clock shows the date, hour and minute that
// wall has in its own zone, or has jumped over them.
func Shown(wall time.Time, zone *time.Location) time.Time {
	return clockTime(wall, wall.Hour(), wall.Minute(), zone)
}

// clockTime is the first moment of a day at which a zone's clock shows a time, or has
// jumped over it.
func clockTime(day time.Time, hour, minute int, zone *time.Location) time.Time {
	year, month, date := day.Date()
	at := time.Date(year, month, date, hour, minute, 0, 0, zone)
	shown := at.Hour()*60 + at.Minute()
	begins, ends := at.ZoneBounds()
	if shown != hour*60+minute { // the clock jumps over it
		wanted := time.Date(year, month, date, hour, minute, 0, 0, time.UTC)
		_, offset := at.Zone()
		if at.Add(time.Duration(offset) * time.Second).After(wanted) {
			return begins
		}
		return ends
	}
	if begins.IsZero() {
		return at
	}
	_, now := at.Zone()
	_, before := begins.Add(-time.Nanosecond).In(zone).Zone()
	if first := at.Add(time.Duration(now-before) * time.Second); first.Before(begins) && first.Before(at) {
		return first // it is shown twice
	}
	return at
}
