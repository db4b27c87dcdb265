package store

import (
	"bytes"
	"encoding/json"
	"errors"
)

// attribute is one member of a contact's attribute object. Both halves are JSON as
// written and share the object's memory.
type attribute struct{ key, value []byte }

var errAttributes = errors.New("the attributes are not a JSON object of strings, numbers, booleans and nulls")

// appendAttributes appends the members of a flat JSON object, in order. It trusts
// that scalars are well formed (Contact.Attributes is made by the program), but never
// reads past the end.
func appendAttributes(to []attribute, object []byte) ([]attribute, error) {
	s := bytes.TrimSpace(object)
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return nil, errAttributes
	}
	s = bytes.TrimSpace(s[1 : len(s)-1])
	for len(s) > 0 {
		n := stringLen(s)
		if n == 0 {
			return nil, errAttributes
		}
		key := s[:n]
		s = bytes.TrimLeft(s[n:], " \t\r\n")
		if len(s) == 0 || s[0] != ':' {
			return nil, errAttributes
		}
		s = bytes.TrimLeft(s[1:], " \t\r\n")
		n = scalarLen(s)
		if n == 0 {
			return nil, errAttributes
		}
		to = append(to, attribute{key, s[:n]})
		s = bytes.TrimLeft(s[n:], " \t\r\n")
		if len(s) == 0 {
			return to, nil
		}
		if s[0] != ',' {
			return nil, errAttributes
		}
		s = bytes.TrimLeft(s[1:], " \t\r\n")
		if len(s) == 0 {
			return nil, errAttributes // a comma before the end
		}
	}
	return to, nil
}

// stringLen is the length of the JSON string that s begins with, 0 when none does.
func stringLen(s []byte) int {
	if len(s) == 0 || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// scalarLen is the length of the scalar that s begins with, 0 when none does.
func scalarLen(s []byte) int {
	if len(s) > 0 && s[0] == '"' {
		return stringLen(s)
	}
	n := bytes.IndexAny(s, ", \t\r\n{}[]:\"")
	if n < 0 {
		n = len(s)
	}
	return n
}

// keyName is the attribute name that a key is the JSON of.
func keyName(key []byte) (string, error) {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key[1 : len(key)-1]), nil
	}
	var name string
	err := json.Unmarshal(key, &name)
	return name, err
}

func objectOf(attributes []attribute) []byte {
	b := []byte{'{'}
	for i, a := range attributes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a.key...)
		b = append(b, ':')
		b = append(b, a.value...)
	}
	return append(b, '}')
}

// mergeAttributes sets the given attributes in old ones: those of the same name are
// replaced, others stay. It also reports whether that changes anything.
func mergeAttributes(old, given []byte) (merged []byte, changed bool, err error) {
	if bytes.Equal(old, given) {
		return old, false, nil
	}
	have, err := appendAttributes(nil, old)
	if err != nil {
		return nil, false, err
	}
	set, err := appendAttributes(nil, given)
	if err != nil {
		return nil, false, err
	}
	for _, g := range set {
		i := indexOf(have, g.key)
		switch {
		case i < 0:
			have = append(have, g)
		case bytes.Equal(have[i].value, g.value):
			continue
		default:
			have[i].value = g.value
		}
		changed = true
	}
	if !changed {
		return old, false, nil
	}
	return objectOf(have), true, nil
}

// restoreAttributes takes back what setting the given attributes did to before,
// except where an attribute has been changed again since.
func restoreAttributes(current, before, given []byte) ([]byte, bool, error) {
	have, err := appendAttributes(nil, current)
	if err != nil {
		return nil, false, err
	}
	was, err := appendAttributes(nil, before)
	if err != nil {
		return nil, false, err
	}
	set, err := appendAttributes(nil, given)
	if err != nil {
		return nil, false, err
	}
	changed := false
	for _, g := range set {
		i := indexOf(have, g.key)
		if i < 0 || !bytes.Equal(have[i].value, g.value) {
			continue // changed again
		}
		j := indexOf(was, g.key)
		switch {
		case j < 0:
			have = append(have[:i], have[i+1:]...)
		case bytes.Equal(was[j].value, g.value):
			continue // as it was
		default:
			have[i].value = was[j].value
		}
		changed = true
	}
	if !changed {
		return current, false, nil
	}
	return objectOf(have), true, nil
}

func indexOf(attributes []attribute, key []byte) int {
	for i, a := range attributes {
		if bytes.Equal(a.key, key) {
			return i
		}
	}
	return -1
}
