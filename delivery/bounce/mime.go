package bounce

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
)

// Limits of what is read out of one message. Bounces repeat what others sent us, and
// some are made to hurt.
const (
	maxDepth  = 8
	maxParts  = 64
	maxFields = 256
	maxValue  = 8 << 10
)

// field is one header field: its name in lower case, its value unfolded.
type field struct{ name, value string }

// fields are a header, or a group of a delivery status, in order.
type fields []field

// get returns the first value of a field, "" when there is none.
func (f fields) get(name string) string {
	for _, x := range f {
		if x.name == name {
			return x.value
		}
	}
	return ""
}

// cutFields takes the fields off the beginning of text, up to a blank line or to
// what is not a field: bounces of old begin their text without one.
func cutFields(text []byte) (f fields, rest []byte) {
	for len(text) > 0 && len(f) < maxFields {
		line, after := cutLine(text)
		name, value, isField := bytes.Cut(line, []byte(":"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			return f, after
		case len(f) > 0 && (line[0] == ' ' || line[0] == '\t'):
			last := &f[len(f)-1]
			if len(last.value)+len(line) < maxValue {
				last.value = strings.TrimSpace(last.value + " " + string(bytes.TrimSpace(line)))
			}
		case isField && fieldName(name):
			value = bytes.TrimSpace(value)
			f = append(f, field{strings.ToLower(string(bytes.TrimSpace(name))), string(value[:min(len(value), maxValue)])})
		case len(f) == 0 && bytes.HasPrefix(bytes.TrimPrefix(line, []byte(">")), []byte("From ")):
			// A mailbox file's separator.
		default:
			return f, text
		}
		text = after
	}
	return f, text
}

func cutLine(text []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

func fieldName(name []byte) bool {
	name = bytes.TrimRight(name, " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(name) > 0
}

// mediaType reads a Content-Type, also one that breaks the rules of its parameters.
func mediaType(value string) (media string, params map[string]string) {
	media, params, err := mime.ParseMediaType(value)
	if err == nil {
		return media, params
	}
	media, rest, _ := strings.Cut(value, ";")
	params = make(map[string]string)
	for p := range strings.SplitSeq(rest, ";") {
		name, v, _ := strings.Cut(p, "=")
		params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return strings.ToLower(strings.TrimSpace(media)), params
}

// splitParts cuts a multipart body at its boundary (RFC 2046 §5.1.1); the last part
// needs no end. There are none when the boundary never comes.
func splitParts(body []byte, boundary string) [][]byte {
	if boundary == "" {
		return nil
	}
	delimiter := []byte("--" + boundary)
	var parts [][]byte
	start := -1
	for at := 0; at < len(body) && len(parts) < maxParts; {
		line, rest := cutLine(body[at:])
		next := len(body) - len(rest)
		if tail, ok := bytes.CutPrefix(line, delimiter); ok {
			if tail = bytes.TrimSpace(tail); len(tail) == 0 || string(tail) == "--" {
				if start >= 0 {
					parts = append(parts, body[start:at])
				}
				if start = next; len(tail) > 0 {
					return parts
				}
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) && len(parts) < maxParts {
		parts = append(parts, body[start:])
	}
	return parts
}

// decode undoes a transfer encoding as far as it goes: what is cut off or damaged
// begins with what is not.
func decode(body []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, body)
		out := make([]byte, base64.StdEncoding.DecodedLen(len(clean)))
		n, _ := base64.StdEncoding.Decode(out, clean)
		return out[:n]
	case "quoted-printable":
		out, _ := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		return out
	}
	return body
}

// decodeWords decodes the encoded words of a header field (RFC 2047) in the
// character sets that the standard library knows, and leaves the others.
func decodeWords(value string) string {
	if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		return decoded
	}
	return value
}
