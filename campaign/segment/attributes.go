package segment

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// readAttributes sets values to the members of a JSON object that fields names, and
// reports whether data is one. Decoding the whole object would take several times
// as long as the expression; the walk may be simple because the JSON is valid.
func readAttributes(data []byte, fields []string, values []value) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return false
	}
	for data = after(data, 1); data[0] != '}'; {
		end := valueEnd(data)
		name := data[:end]
		data = after(data, end) // the colon
		data = after(data, 1)   // the value
		end = valueEnd(data)
		for i, field := range fields {
			if isName(name, field) {
				values[i] = decode(data[:end])
			}
		}
		data = after(data, end)
		if data[0] == ',' {
			data = after(data, 1)
		}
	}
	return true
}

// after skips n bytes and the blanks behind them.
func after(data []byte, n int) []byte { return bytes.TrimLeft(data[n:], " \t\r\n") }

// valueEnd is the length of the value at the beginning of data.
func valueEnd(data []byte) int {
	depth := 0
	for i := 0; ; i++ {
		switch data[i] {
		case '"':
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
}

func isName(quoted []byte, field string) bool {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner) == field
	}
	return decode(quoted).s == field
}

// decode returns a value as text, number or truth; what is none of them is missing.
func decode(raw []byte) value {
	switch raw[0] {
	case '"':
		if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return text(string(inner))
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return value{}
		}
		return text(s)
	case 't', 'f':
		return truth(raw[0] == 't')
	case 'n', '{', '[':
		return value{}
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return value{}
	}
	return num(n)
}
