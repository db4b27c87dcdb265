package message

import (
	"fmt"
	"strings"
	"time"
)

// nowField is the built-in field that holds the send time (RFC 3339).
const nowField = "now"

// dateInputs are the forms of a date that the date filter reads.
var dateInputs = []string{time.RFC3339, "2006-01-02", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05"}

// dateVerbs are strftime's conversions in Go's notation.
var dateVerbs = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002",
	'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'Z': "MST", 'z': "-0700",
	'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06",
}

// dateUnpadded are the conversions after a "-": %-d is the day without a zero.
var dateUnpadded = map[byte]string{'m': "1", 'd': "2", 'e': "2", 'I': "3", 'M': "4", 'S': "5"}

// filterDate formats a date by strftime's conversions.
func filterDate(in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	t, err := parseDate(in)
	if err != nil {
		return nil, err
	}
	return formatDate(t, toText(args[0]))
}

func parseDate(in any) (time.Time, error) {
	s := strings.TrimSpace(toText(in))
	for _, layout := range dateInputs {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date like 2026-01-31", s)
}

func formatDate(t time.Time, format string) (any, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		verbs := dateVerbs
		if format[i] == '-' && i+1 < len(format) {
			i++
			verbs = dateUnpadded
		}
		layout, ok := verbs[format[i]]
		switch {
		case format[i] == '%':
			b.WriteByte('%')
		case !ok:
			return nil, fmt.Errorf("%%%c is not a part of a date", format[i])
		default:
			b.WriteString(t.Format(layout))
		}
	}
	return bounded(b.String())
}
