package campaign

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// statusColumn says in an export whether the member was subscribed. An import reads it
// as that, so that copying a list brings nobody back who had left.
const statusColumn = "list_status"

// exportPage is how many members are read at a time.
const exportPage = 1000

// ExportList writes a list's members as CSV in UTF-8: email, list_status ("subscribed" or
// "unsubscribed"), then a column for every attribute that any contact has. Cells that
// a spreadsheet would run as a formula get an apostrophe before them (X10), which an
// import takes off again. It returns how many members it wrote.
func ExportList(ctx context.Context, store ImportStore, list ListID, w io.Writer) (int64, error) {
	fields, err := store.Fields(ctx)
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == "email" || f == statusColumn })
	out := csv.NewWriter(w)
	line := append([]string{"email", statusColumn}, fields...)
	if err := out.Write(line); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	written := int64(0)
	for after := ContactID(0); ; {
		members, err := store.ListContacts(ctx, list, after, exportPage)
		if err != nil {
			return written, fmt.Errorf("export: %w", err)
		}
		for _, m := range members {
			if err := exportLine(line, fields, m); err != nil {
				return written, fmt.Errorf("export contact %d: %w", m.ID, err)
			}
			if err := out.Write(line); err != nil {
				return written, fmt.Errorf("export: %w", err)
			}
			written++
			after = m.ID
		}
		if len(members) < exportPage {
			break
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return written, fmt.Errorf("export: %w", err)
	}
	return written, nil
}

func exportLine(line, fields []string, m Member) error {
	attributes := make(map[string]any)
	dec := json.NewDecoder(bytes.NewReader(m.Attributes))
	dec.UseNumber() // 20 digits stay 20 digits
	if err := dec.Decode(&attributes); err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	line[0], line[1] = neutral(m.Email), "subscribed"
	if m.Status == OptedOut {
		line[1] = "unsubscribed"
	}
	for i, f := range fields {
		switch v := attributes[f].(type) {
		case nil:
			line[2+i] = ""
		case string:
			line[2+i] = neutral(v)
		default:
			line[2+i] = neutral(fmt.Sprint(v))
		}
	}
	return nil
}

// neutral makes a cell harmless to spreadsheets (X10): an apostrophe goes before what
// they would take for a formula, and before such an apostrophe, so that it can be
// taken off without doubt.
func neutral(cell string) string {
	if isFormula([]byte(strings.TrimLeft(cell, "'"))) {
		return "'" + cell
	}
	return cell
}

// isFormula reports whether a spreadsheet may run the text.
func isFormula(text []byte) bool {
	return len(text) > 0 && strings.IndexByte("=+-@\t\r", text[0]) >= 0
}
