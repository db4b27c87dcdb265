package message

import "fmt"

// problem is one thing that is wrong with a Source.
type problem struct {
	field string // the field's name in a campaign file
	line  int    // 1 for the field's first line; 0 when no line is to blame
	text  string // what is wrong and what to do
}

func (p *problem) Error() string {
	if p.line == 0 {
		return p.field + ": " + p.text
	}
	return fmt.Sprintf("%s, line %d: %s", p.field, p.line, p.text)
}

func problemf(field string, line int, format string, a ...any) *problem {
	return &problem{field, line, fmt.Sprintf(format, a...)}
}
