package campaign

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Mapping says which column of a file a field is read from: "email", or the name of
// an attribute. A column is given by its name, in any case, or by its number from 1.
type Mapping map[string]string

// ParseMapping reads "email=E-Mail,name=Full name". A column's name may stand in
// double quotes, in which a doubled one means itself.
func ParseMapping(s string) (Mapping, error) {
	m := make(Mapping)
	for rest := s; strings.TrimSpace(rest) != ""; {
		field, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, fmt.Errorf("mapping %q: %q has no =; write field=column", s, strings.TrimSpace(rest))
		}
		name := FieldName(field)
		if name == "" {
			return nil, fmt.Errorf("mapping %q: %q is no name for a field; use Latin letters and digits", s, strings.TrimSpace(field))
		}
		var column string
		if column, rest, ok = cutColumn(after); !ok {
			return nil, fmt.Errorf("mapping %q: a quotation mark after %s= is not closed or something follows it", s, name)
		}
		if column == "" {
			return nil, fmt.Errorf("mapping %q: no column after %s=", s, name)
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("mapping %q: %s is mapped twice", s, name)
		}
		m[name] = column
	}
	return m, nil
}

// cutColumn takes a column's name off s, with the comma after it.
func cutColumn(s string) (column, rest string, ok bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, `"`) {
		column, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(column), rest, true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		rest, comma := strings.CutPrefix(strings.TrimSpace(s[i+1:]), ",")
		return b.String(), rest, comma || rest == ""
	}
	return "", "", false
}

// String writes the mapping as ParseMapping reads it, in order of the fields.
func (m Mapping) String() string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, field+`="`+strings.ReplaceAll(m[field], `"`, `""`)+`"`)
	}
	return strings.Join(parts, ",")
}

// resolve finds the mapping's columns among a file's.
func (m Mapping) resolve(columns []string) (map[string]int, error) {
	found := make(map[string]int, len(m)+3)
	for _, field := range slices.Sorted(maps.Keys(m)) {
		column := m[field]
		i := slices.Index(columns, column)
		if i < 0 {
			i = slices.IndexFunc(columns, func(c string) bool {
				return strings.EqualFold(strings.TrimSpace(c), strings.TrimSpace(column))
			})
		}
		if n, err := strconv.Atoi(column); i < 0 && err == nil && n >= 1 && n <= len(columns) {
			i = n - 1
		}
		if i < 0 {
			return nil, fmt.Errorf("there is no column %q for %s (columns: %s)", column, field, listColumns(columns))
		}
		found[field] = i
	}
	return found, nil
}

// listColumns names the columns of a file for an error.
func listColumns(columns []string) string {
	if len(columns) > 12 {
		return strings.Join(columns[:12], ", ") + fmt.Sprintf(" and %d more", len(columns)-12)
	}
	return strings.Join(columns, ", ")
}

// foreignLetters are Latin letters that don't decompose into an ASCII one and a mark.
var foreignLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// FieldName makes a column's name one that templates and segments can use: ASCII
// letters in lower case, digits and underscores, not beginning with a digit. It is ""
// when nothing of the name is left.
func FieldName(column string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(foreignLetters.Replace(strings.ToLower(column))) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 || b.Len() == 0 && r <= '9' {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		case unicode.In(r, unicode.Mn):
		default:
			gap = true
		}
	}
	return b.String()
}
