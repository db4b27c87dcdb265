package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// kind is what a merge field's value is in the recipient's JSON object.
type kind uint8

const (
	missing kind = iota // not there, or null
	plainText
	escapedText // text with JSON escapes or invalid UTF-8, to be decoded
	number
	boolean
	composite // an object or array, which cannot be merged
)

// value is a merge field's value: a slice of the recipient's JSON.
type value struct {
	raw  []byte // without the quotes for text
	kind kind
}

var errAttributes = errors.New("the attributes are not a JSON object")

// scanAttributes finds the wanted names among the top-level members of a JSON
// object and sets vals, which has their length. The last of equal names counts, as
// in encoding/json. It checks no more of the JSON than it needs to walk it: the
// store keeps only valid objects.
func scanAttributes(data []byte, names []string, vals []value) error {
	i := skipSpace(data, 0)
	if i == len(data) {
		return nil // no attributes at all
	}
	if data[i] != '{' {
		return errAttributes
	}
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return nil
	}
	for i < len(data) {
		if data[i] != '"' {
			return errAttributes
		}
		end, escaped := stringEnd(data, i)
		if end < 0 {
			return errAttributes
		}
		name := data[i+1 : end-1]
		if escaped {
			name = unquote(name)
		}
		i = skipSpace(data, end)
		if i == len(data) || data[i] != ':' {
			return errAttributes
		}
		i = skipSpace(data, i+1)
		v, end := scanValue(data, i)
		if end < 0 {
			return errAttributes
		}
		for n := range names {
			if string(name) == names[n] {
				vals[n] = v
				break
			}
		}
		i = skipSpace(data, end)
		if i == len(data) {
			return errAttributes
		}
		switch data[i] {
		case '}':
			return nil
		case ',':
			i = skipSpace(data, i+1)
		default:
			return errAttributes
		}
	}
	return errAttributes
}

// scanValue reads the value at i and returns the index after it, or -1.
func scanValue(data []byte, i int) (value, int) {
	if i == len(data) {
		return value{}, -1
	}
	switch data[i] {
	case '"':
		end, escaped := stringEnd(data, i)
		if end < 0 {
			return value{}, -1
		}
		if escaped {
			return value{data[i+1 : end-1], escapedText}, end
		}
		return value{data[i+1 : end-1], plainText}, end
	case '{', '[':
		return value{kind: composite}, compositeEnd(data, i)
	}
	end := i
	for end < len(data) && bytes.IndexByte([]byte(",}] \t\r\n"), data[end]) < 0 {
		end++
	}
	raw := data[i:end]
	switch {
	case len(raw) == 0:
		return value{}, -1
	case string(raw) == "null":
		return value{}, end
	case string(raw) == "true", string(raw) == "false":
		return value{raw, boolean}, end
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return value{raw, number}, end
	}
	return value{}, -1
}

// stringEnd returns the index after the string that begins at i, or -1, and whether
// its bytes differ from its text.
func stringEnd(data []byte, i int) (end int, escaped bool) {
	ascii := true
	for j := i + 1; j < len(data); j++ {
		switch c := data[j]; {
		case c == '"':
			return j + 1, escaped || !ascii && !utf8.Valid(data[i+1:j])
		case c == '\\':
			escaped = true
			j++
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return -1, false
}

func compositeEnd(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			end, _ := stringEnd(data, i)
			if end < 0 {
				return -1
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// unquote decodes the inside of a JSON string.
func unquote(raw []byte) []byte {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	return []byte(s)
}

// text returns the value as it is written into a message; nil when missing.
func (v value) text() []byte {
	switch v.kind {
	case missing, composite:
		return nil
	case escapedText:
		return unquote(v.raw)
	case number:
		return numberText(v.raw)
	}
	return v.raw
}

// empty reports whether the default applies, as Liquid has it: nothing, "" or false.
func (v value) empty() bool {
	return v.kind == missing || len(v.raw) == 0 && v.kind != composite || v.kind == boolean && v.raw[0] == 'f'
}

// decoded returns the value for filters: string, int, float64, bool or nil.
func (v value) decoded() any {
	switch v.kind {
	case plainText, escapedText:
		return string(v.text())
	case boolean:
		return v.raw[0] == 't'
	case number:
		if n, err := strconv.Atoi(string(v.raw)); err == nil {
			return n
		}
		f, err := strconv.ParseFloat(string(v.raw), 64)
		if err != nil {
			return string(v.raw)
		}
		return f
	}
	return nil
}

// numberText writes a JSON number without an exponent.
func numberText(raw []byte) []byte {
	if bytes.IndexByte(raw, 'e') < 0 && bytes.IndexByte(raw, 'E') < 0 {
		return raw
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return raw
	}
	return strconv.AppendFloat(nil, f, 'f', -1, 64)
}
