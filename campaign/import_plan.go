package campaign

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"broadside/campaign/listfile"
)

// importPlan says what becomes of each column.
type importPlan struct {
	columns []string
	// leaveOut are columns of which nothing is kept.
	leaveOut []int
	fields   []string // by column: "email", or the attribute's name
	keys     [][]byte // by column: the attribute's name as a JSON key, nil for what is none
	email    int      // column
	status   int      // column of an export's list_status, or -1
	named    bool     // some column is the attribute "name"
	typed    bool     // the file says which values are strings
}

// newImportPlan maps the file's columns: by the mapping, then by guess, the others to
// attributes of their own names. Columns to leave out are given by their numbers from 0.
func newImportPlan(file *listfile.Reader, m Mapping, leaveOut []int) (*importPlan, error) {
	kind := file.Format().Kind
	p := &importPlan{columns: slices.Clone(file.Columns()), leaveOut: leaveOut, typed: kind == "json" || kind == "ndjson"}
	given, err := m.resolve(p.columns)
	if err != nil {
		return nil, err
	}
	if given["email"], err = emailColumn(given, p.columns, file.Head()); err != nil {
		return nil, err
	}
	if len(m) == 0 {
		guessNames(given, p.columns)
	}
	p.email = given["email"]
	p.fields = make([]string, len(p.columns))
	for _, field := range slices.Sorted(maps.Keys(given)) {
		column := given[field]
		if p.fields[column] != "" {
			return nil, fmt.Errorf("the column %q is mapped to %s and %s; choose one", p.columns[column], p.fields[column], field)
		}
		p.fields[column] = field
	}
	p.name()
	return p, nil
}

// extend takes in columns that appeared later in the file.
func (p *importPlan) extend(columns []string) {
	if len(columns) == len(p.columns) {
		return
	}
	p.columns = slices.Clone(columns)
	p.fields = append(p.fields, make([]string, len(columns)-len(p.fields))...)
	p.name()
}

// name gives each column without a field one, and makes the JSON keys.
func (p *importPlan) name() {
	used := map[string]bool{"email": true}
	for _, f := range p.fields {
		used[f] = true
	}
	for i, column := range p.columns {
		if p.fields[i] == "" {
			p.fields[i] = attributeNameFor(column, i, used)
			used[p.fields[i]] = true
		}
	}
	p.keys = make([][]byte, len(p.columns))
	p.status = slices.Index(p.fields, statusColumn)
	for i, f := range p.fields {
		if i != p.email && i != p.status && !slices.Contains(p.leaveOut, i) {
			p.keys[i] = append(appendJSONString(nil, []byte(f)), ':')
		}
	}
	p.named = used["name"]
}

func attributeNameFor(column string, i int, used map[string]bool) string {
	base := FieldName(column)
	if base == "" {
		base = "column_" + strconv.Itoa(i+1)
	}
	name := base
	for n := 2; used[name]; n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	return name
}

// mapping tells what became of which column.
func (p *importPlan) mapping() Mapping {
	m := make(Mapping, len(p.columns))
	for i, f := range p.fields {
		if !slices.Contains(p.leaveOut, i) {
			m[f] = p.columns[i]
		}
	}
	return m
}

// text is a cell's text without blanks around it and without the apostrophe that
// exports put before what a spreadsheet would take for a formula.
func (p *importPlan) text(c listfile.Cell) []byte {
	text := trimInvisible(c.Text)
	if !p.typed && len(text) > 1 && text[0] == '\'' && isFormula(bytes.TrimLeft(text, "'")) {
		return text[1:]
	}
	return text
}

// appendAttributes appends a row's attributes as a JSON object. The display name of
// the address is the attribute "name" where no column is.
func (p *importPlan) appendAttributes(dst []byte, cells []listfile.Cell, name string) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i, c := range cells {
		if len(c.Text) == 0 || p.keys[i] == nil {
			continue
		}
		text := p.text(c)
		if nameFields[p.fields[i]] {
			text = oneLine(text)
		}
		if len(text) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, p.keys[i]...)
		if c.Literal {
			dst = append(dst, text...)
		} else {
			dst = appendJSONString(dst, text)
		}
	}
	if name != "" && !p.named {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, `"name":`...)
		dst = appendJSONString(dst, []byte(name))
	}
	return append(dst, '}')
}

// nameFields are written on one line whatever the file says: names stand in subjects,
// where a line end would cost their owner the message (M14).
var nameFields = words(`name first_name last_name`)

// oneLine puts a blank in the place of line ends and tabs, and of what is around them.
func oneLine(text []byte) []byte {
	if !bytes.ContainsAny(text, "\r\n\t") {
		return text
	}
	return bytes.Join(bytes.Fields(text), []byte(" "))
}

// appendJSONString appends s as a JSON string (RFC 8259 §7), bytes that are not UTF-8
// as U+FFFD.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\uFFFD"))
	}
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}
