package message

import (
	"regexp"
	"strings"
)

// maxConstruct bounds one {{ }} or {% %}, so that no parser of them is fed more.
const maxConstruct = 2000

// construct is one {{ output }} or {% tag %} of a template.
type construct struct {
	field string // where it was written: "subject", "html", …
	line  int
	out   *output // nil for a tag
	tag   string  // the tag's name
	args  string  // the tag's arguments
}

// piece is a run of static text, a construct, or a place that counts readers.
type piece struct {
	text    string
	c       *construct
	tracked *tracked
	line    int      // where it begins; 0 for what was not written by a person
	esc     escaping // of an output
}

var (
	endRaw     = regexp.MustCompile(`\{%-?\s*endraw\s*-?%\}`)
	endComment = regexp.MustCompile(`\{%-?\s*endcomment\s*-?%\}`)
)

// scanner cuts a Liquid template at its constructs. It, and not the Liquid library,
// decides what is a construct, so that nothing is evaluated that was not checked.
type scanner struct {
	field  string
	src    string
	pos    int
	line   int
	trim   bool // the last construct ended with "-": blanks after it go
	pieces []piece
	errs   []error
}

// scan returns a template's pieces, and every problem of its constructs and nesting.
func scan(field, src string) ([]piece, []error) {
	s := scanner{field: field, src: src, line: 1}
	for s.pos < len(src) {
		open := nextOpen(src[s.pos:])
		if open < 0 {
			break
		}
		s.text(src[s.pos : s.pos+open])
		s.pos += open
		if !s.construct() {
			return nil, s.errs
		}
	}
	s.text(src[s.pos:])
	return s.pieces, append(s.errs, checkNesting(s.pieces)...)
}

func nextOpen(s string) int {
	from := 0
	for {
		i := strings.IndexByte(s[from:], '{')
		if i < 0 || from+i+1 >= len(s) {
			return -1
		}
		if next := s[from+i+1]; next == '{' || next == '%' {
			return from + i
		}
		from += i + 1
	}
}

func (s *scanner) text(t string) {
	line, end := s.line, s.line+strings.Count(t, "\n")
	if s.trim {
		t = strings.TrimLeft(t, " \t\r\n")
		line = end - strings.Count(t, "\n")
	}
	if t != "" {
		s.pieces = append(s.pieces, piece{text: t, line: line})
	}
	s.line = end
}

func (s *scanner) fail(format string, a ...any) {
	s.errs = append(s.errs, problemf(s.field, s.line, format, a...))
}

// construct reads the construct at pos. It reports false when the rest of the
// template cannot be read.
func (s *scanner) construct() bool {
	open, closer := s.src[s.pos:s.pos+2], "}}"
	if open == "{%" {
		closer = "%}"
	}
	n := closeOf(s.src[s.pos+2:], closer)
	if n < 0 {
		s.fail("%s is not closed by %s within %d characters; to show it as text write {%% raw %%}%s{%% endraw %%}", open, closer, maxConstruct, open)
		return false
	}
	inner := s.src[s.pos+2 : s.pos+2+n]
	s.pos += 2 + n + 2
	if strings.HasPrefix(inner, "-") {
		inner = inner[1:]
		s.trimLeft()
	}
	inner, s.trim = strings.CutSuffix(inner, "-")
	lines := strings.Count(inner, "\n")
	inner = strings.TrimSpace(inner)
	if open == "{{" {
		s.output(inner)
		s.line += lines
		return true
	}
	name, args, _ := strings.Cut(strings.ReplaceAll(inner, "\n", " "), " ")
	defer func() { s.line += lines }()
	switch name {
	case "raw":
		return s.skipTo(endRaw, true)
	case "comment":
		return s.skipTo(endComment, false)
	}
	c := &construct{field: s.field, line: s.line, tag: name, args: strings.TrimSpace(args)}
	if text := checkTag(c.tag, c.args); text != "" {
		s.fail("%s", text)
		if !knownTag(name) {
			return true
		}
	}
	s.pieces = append(s.pieces, piece{c: c, line: c.line})
	return true
}

func (s *scanner) output(src string) {
	out, err := parseOutput(src)
	if err != nil {
		s.fail("{{ %s }} %v", src, err)
		return
	}
	s.pieces = append(s.pieces, piece{c: &construct{field: s.field, line: s.line, out: out}, line: s.line})
}

// skipTo goes on after a block whose content is not parsed, keeping it as text or not.
func (s *scanner) skipTo(end *regexp.Regexp, keep bool) bool {
	at := end.FindStringIndex(s.src[s.pos:])
	if at == nil {
		s.fail("the block is not closed; add its {%% end… %%}")
		return false
	}
	body := s.src[s.pos : s.pos+at[0]]
	s.pos += at[1]
	if keep {
		s.text(body)
		s.trim = false
		return true
	}
	s.line += strings.Count(body, "\n")
	return true
}

func (s *scanner) trimLeft() {
	n := len(s.pieces)
	if n == 0 || s.pieces[n-1].c != nil {
		return
	}
	if s.pieces[n-1].text = strings.TrimRight(s.pieces[n-1].text, " \t\r\n"); s.pieces[n-1].text == "" {
		s.pieces = s.pieces[:n-1]
	}
}

// closeOf finds closer outside of quoted strings.
func closeOf(s, closer string) int {
	var quote byte
	for i := 0; i+1 < len(s) && i < maxConstruct; i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case s[i:i+2] == closer:
			return i
		}
	}
	return -1
}

// blockEnd returns the index after the block whose opening tag is pieces[i]; the
// nesting has been checked.
func blockEnd(pieces []piece, i int) int {
	depth := 0
	for ; i < len(pieces); i++ {
		c := pieces[i].c
		switch {
		case c == nil || c.tag == "":
		case isBlock(c.tag):
			depth++
		case isBlockEnd(c.tag):
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}
