package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

var (
	everyDay = [7]bool{true, true, true, true, true, true, true}
	// dayNames are in the order of time.Weekday.
	dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// parseDays reads days of the week and ranges of them.
func parseDays(text string) ([7]bool, error) {
	if strings.TrimSpace(text) == "" {
		return everyDay, nil
	}
	var days [7]bool
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		first := slices.Index(dayNames, strings.TrimSpace(from))
		last := first
		if ranged {
			last = slices.Index(dayNames, strings.TrimSpace(to))
		}
		if first < 0 || last < 0 {
			return days, fmt.Errorf("%q is not a day or a range of days; write them like mon-fri or mon,wed,sat-sun", strings.TrimSpace(part))
		}
		for d := first; ; d = (d + 1) % 7 {
			days[d] = true
			if d == last {
				break
			}
		}
	}
	return days, nil
}

// daysText names days, three and more in a row as a range: "Mon–Fri, Sun".
func daysText(days [7]bool) string {
	name := func(d int) string { return time.Weekday(d % 7).String()[:3] }
	var parts []string
	for d := 1; d <= 7; d++ { // weeks begin with Monday
		if !days[d%7] {
			continue
		}
		first := d
		for d < 7 && days[(d+1)%7] {
			d++
		}
		switch d - first {
		case 0:
			parts = append(parts, name(first))
		case 1:
			parts = append(parts, name(first), name(d))
		default:
			parts = append(parts, name(first)+"–"+name(d))
		}
	}
	return strings.Join(parts, ", ")
}

// BeginsOn reports whether windows begin on a day of the week.
func (w Window) BeginsOn(day time.Weekday) bool {
	days, err := parseDays(w.Days)
	return err != nil || days[day]
}
