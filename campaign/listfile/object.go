package listfile

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxDepth is how deep objects may nest; lists of people are flat.
const maxDepth = 4

// objectParser reads one JSON object (RFC 8259) into keys and cells without building
// a tree, since most of an import's time would go there.
type objectParser struct {
	b    []byte
	at   int
	path []byte // key of the value being read, "outer.inner"
}

func (p *objectParser) reset(b []byte) { p.b, p.at, p.path = b, 0, p.path[:0] }

// parse calls put for each value; the key is valid during the call, the cell as long
// as the object's bytes. It returns what is wrong, "" when nothing is.
func (p *objectParser) parse(put func(key []byte, c Cell)) (broken string) {
	if p.peek() != '{' {
		return "not a JSON object"
	}
	if broken := p.object(put, 1); broken != "" {
		return broken
	}
	if p.peek(); p.at < len(p.b) {
		return "something follows the JSON object"
	}
	return ""
}

// peek returns the next byte that is not white space, 0 at the end (NUL is no JSON).
func (p *objectParser) peek() byte {
	for p.at < len(p.b) {
		switch c := p.b[p.at]; c {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return c
		}
	}
	return 0
}

const cutOff = "broken JSON"

func (p *objectParser) object(put func([]byte, Cell), depth int) string {
	p.at++ // {
	outer := len(p.path)
	if p.peek() == '}' {
		p.at++
		return ""
	}
	for {
		if p.peek() != '"' {
			return cutOff
		}
		key, ok := p.str()
		if !ok || p.peek() != ':' {
			return cutOff
		}
		p.at++
		p.path = p.path[:outer]
		if outer > 0 {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, key...)
		if broken := p.value(put, depth); broken != "" {
			return broken
		}
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return ""
		default:
			return cutOff
		}
	}
}

func (p *objectParser) value(put func([]byte, Cell), depth int) string {
	switch p.peek() {
	case '"':
		text, ok := p.str()
		if !ok {
			return cutOff
		}
		put(p.path, Cell{Text: text})
	case '{':
		if depth == maxDepth {
			return "objects nest too deep"
		}
		return p.object(put, depth+1)
	case '[':
		return "the value of \"" + string(p.path) + "\" is an array; write it as text"
	default:
		text := p.literal()
		if string(text) == "null" {
			return ""
		}
		if !json.Valid(text) {
			return cutOff
		}
		put(p.path, Cell{Text: text, Literal: true})
	}
	return ""
}

func (p *objectParser) literal() []byte {
	from := p.at
	for p.at < len(p.b) && bytes.IndexByte([]byte(" \t\r\n,}]"), p.b[p.at]) < 0 {
		p.at++
	}
	return p.b[from:p.at]
}

// str reads the string at the parser's position, which is a quotation mark.
func (p *objectParser) str() ([]byte, bool) {
	from := p.at
	plain := true
	for i := from + 1; i < len(p.b); i++ {
		switch c := p.b[i]; {
		case c == '"':
			p.at = i + 1
			if plain {
				return p.b[from+1 : i], true
			}
			return unescape(p.b[from : i+1])
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return nil, false
}

// unescape reads a JSON string with escapes or characters beyond ASCII. Bytes that
// are not UTF-8 are read as Windows-1252, like those of delimited files.
func unescape(quoted []byte) ([]byte, bool) {
	if !utf8.Valid(quoted) {
		var out []byte
		for _, b := range quoted {
			out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(b))
		}
		quoted = out
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], true
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, false
	}
	return []byte(s), true
}
