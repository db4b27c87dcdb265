package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String says when: "every Monday at 09:00, Europe/Berlin".
func (t Times) String() string {
	return t.daysInWords() + " " + t.hoursInWords() + ", " + t.zone.String()
}

func (t Times) daysInWords() string {
	in := ""
	if t.months != allMonths {
		in = " in " + listed(t.months, func(m int) string { return time.Month(m).String() })
	}
	switch {
	case t.days != allDays:
		if in == "" {
			in = " of every month"
		}
		return "on the " + listed(t.days, ordinal) + in
	case t.onDays == allOnDays:
		return "every day" + in
	case t.onDays == 1<<time.Monday|1<<time.Tuesday|1<<time.Wednesday|1<<time.Thursday|1<<time.Friday:
		return "every weekday" + in
	}
	sundayLast := t.onDays&^1 | t.onDays&1<<7
	return "every " + listed(sundayLast, func(d int) string { return time.Weekday(d % 7).String() }) + in
}

func (t Times) hoursInWords() string {
	if t.hours == allHours {
		return fmt.Sprintf("in every hour at minute %d", t.minute)
	}
	return "at " + listed(t.hours, func(h int) string { return clockText(h*60 + t.minute) })
}

// listed names the members of a set: "a, b and c".
func listed(set uint64, name func(int) string) string {
	var names []string
	for i := range 64 {
		if set&(1<<i) != 0 {
			names = append(names, name(i))
		}
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%10 == 1 && n != 11:
		suffix = "st"
	case n%10 == 2 && n != 12:
		suffix = "nd"
	case n%10 == 3 && n != 13:
		suffix = "rd"
	}
	return strconv.Itoa(n) + suffix
}
