package message

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// A marked document is a template whose constructs are replaced by one character
// each, so that HTML tools can read it. The characters are of a private-use plane;
// a template that has them itself is refused.
const (
	markFirst = 0xF0000
	markLast  = 0xFFFFD
)

func isMark(r rune) bool { return r >= markFirst && r <= markLast }

// marked is such a document: text with a mark for each construct.
type marked struct {
	text       string
	constructs []piece // the construct of mark markFirst+i, with its escaping
	offsets    []int   // where the pieces begin in text,
	lines      []int   // and the lines they were written on
	markdown   *marked // what the document was made of, when that was not HTML
}

func newMarked(pieces []piece) *marked {
	m := &marked{}
	var b strings.Builder
	for _, p := range pieces {
		m.offsets = append(m.offsets, b.Len())
		m.lines = append(m.lines, p.line)
		m.write(&b, p)
	}
	m.text = b.String()
	return m
}

// lineAt returns the source line of an offset, 0 when it is not known.
func (m *marked) lineAt(offset int) int {
	if m.markdown != nil {
		// HTML passes Markdown unchanged.
		tag, _, _ := strings.Cut(m.text[offset:], ">")
		at := strings.Index(m.markdown.text, tag)
		if at < 0 {
			return 0
		}
		return m.markdown.lineAt(at)
	}
	i := sort.SearchInts(m.offsets, offset+1) - 1
	if i < 0 {
		return 1
	}
	return m.lines[i] + strings.Count(m.text[m.offsets[i]:offset], "\n")
}

// write writes a piece, or the mark that stands for it.
func (m *marked) write(b *strings.Builder, p piece) {
	if p.c == nil && p.tracked == nil {
		b.WriteString(p.text)
		return
	}
	b.WriteRune(markFirst + rune(len(m.constructs)))
	m.constructs = append(m.constructs, p)
}

// span is a part of a document's text.
type span struct{ start, end int }

// edit puts pieces into the place of a span.
type edit struct {
	at     span
	pieces []piece
}

// apply makes edits, whose spans do not overlap. Lines and offsets are not to be asked
// for afterwards.
func (m *marked) apply(edits []edit) {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at.start, b.at.start) })
	var b strings.Builder
	done := 0
	for _, e := range edits {
		b.WriteString(m.text[done:e.at.start])
		for _, p := range e.pieces {
			m.write(&b, p)
		}
		done = e.at.end
	}
	b.WriteString(m.text[done:])
	m.text = b.String()
}

// pieces cuts the document at its marks again.
func (m *marked) pieces() []piece {
	return m.cut(m.text)
}

// cut turns text with marks into pieces.
func (m *marked) cut(text string) []piece {
	var pieces []piece
	for text != "" {
		i := strings.IndexFunc(text, isMark)
		if i < 0 {
			return append(pieces, piece{text: text})
		}
		if i > 0 {
			pieces = append(pieces, piece{text: text[:i]})
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		pieces = append(pieces, m.constructs[r-markFirst])
		text = text[i+size:]
	}
	return pieces
}

// construct returns the construct of a mark.
func (m *marked) construct(r rune) *construct { return m.constructs[r-markFirst].c }

// withoutMarks returns text without its marks.
func withoutMarks(text string) string {
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return -1
		}
		return r
	}, text)
}
