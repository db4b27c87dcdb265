package campaign

import (
	"strings"

	"broadside/campaign/listfile"
)

// ImportColumn is a column of a file, with what an import would make of it.
type ImportColumn struct {
	Name   string   `json:"name"`             // as the file calls it, or "column 3"
	Field  string   `json:"field"`            // "email", or an attribute's name
	Values []string `json:"values,omitempty"` // of the first rows
}

// LookAt tells what an import by a mapping would make of a file's columns, with their
// values in the first rows. The error is the mapping's; the columns are told all the
// same, those that nobody mapped without a field.
func LookAt(file *listfile.Reader, m Mapping, rows int) ([]ImportColumn, error) {
	columns := make([]ImportColumn, len(file.Columns()))
	for i, name := range file.Columns() {
		columns[i].Name = name
	}
	plan, err := newImportPlan(file, m, nil)
	if err == nil {
		for i := range columns {
			columns[i].Field = plan.fields[i]
		}
	}
	head := file.Head()
	for _, rec := range head[:min(rows, len(head))] {
		for i := range columns {
			value := ""
			if i < len(rec.Cells) {
				value = strings.ToValidUTF8(string(rec.Cells[i].Text), "\uFFFD")
			}
			columns[i].Values = append(columns[i].Values, value)
		}
	}
	return columns, err
}
