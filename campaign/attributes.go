package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// The most that a person's or a program's edit may give.
const (
	mostAttributes  = 200
	mostOfAttribute = 4000 // of a text
)

// Attributes makes the JSON of a Contact's attributes from values in JSON. Names are as
// imports make them: small Latin letters, digits and underscores; values are texts,
// numbers, which keep all of their digits, booleans and null.
func Attributes(values map[string]json.RawMessage) ([]byte, error) {
	return object(values, mostOfAttribute, maxAttributes)
}

// object makes a JSON object of values as attributes have them, whose texts have so many
// characters at most, and which has so many bytes.
func object(values map[string]json.RawMessage, mostOfText, mostBytes int) ([]byte, error) {
	if len(values) > mostAttributes {
		return nil, fmt.Errorf("there are %d values; %d at most are taken", len(values), mostAttributes)
	}
	var out bytes.Buffer
	out.WriteByte('{')
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // as imports write them
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if name == "" || name != FieldName(name) || name == "email" {
			return nil, fmt.Errorf("%q cannot be an attribute's name; use small Latin letters, digits and _, as in first_name", name)
		}
		value, err := scalar(values[name], mostOfText)
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%q:", name)
		if err := enc.Encode(value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Truncate(out.Len() - 1) // the line's end
	}
	out.WriteByte('}')
	if out.Len() > mostBytes {
		return nil, fmt.Errorf("the values have %d KB together; %d at most are taken", out.Len()>>10, mostBytes>>10)
	}
	return out.Bytes(), nil
}

// scalar reads a value that an attribute may have.
func scalar(text []byte, mostOfText int) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("is no JSON: %w", err)
	}
	switch v := value.(type) {
	case map[string]any, []any:
		return nil, errors.New("must be a text, a number, true, false or null")
	case string:
		if n := utf8.RuneCountInString(v); n > mostOfText {
			return nil, fmt.Errorf("has %d characters; %d at most are kept", n, mostOfText)
		}
	}
	return value, nil
}
