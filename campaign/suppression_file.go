package campaign

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"broadside/campaign/listfile"
)

// suppressionColumns are the columns of an export; an import knows them by these names.
var suppressionColumns = []string{"who", "list", "reason", "detail", "at"}

// suppressionBatch entries are written, or read, at a time: each batch is durable and
// keeps nobody waiting for long.
const suppressionBatch = 5000

// SuppressionStore is what the import and export of suppressions need of the store.
type SuppressionStore interface {
	Suppress(ctx context.Context, entries []Suppression) (int64, error)
	Suppressions(ctx context.Context, after int64, limit int) ([]Suppression, error)
	// OwnHash reports whether a hash was made by this database: another's says nothing.
	OwnHash(hash string) bool
	ListByName(ctx context.Context, name string) (List, error)
	Lists(ctx context.Context) ([]List, error)
}

// SuppressionReport says what an import of suppressions did: every row of the file is
// New, Known or Invalid.
type SuppressionReport struct {
	File     string          `json:"file"`
	Rows     int64           `json:"rows"` // without header and blank ones
	New      int64           `json:"new"`
	Known    int64           `json:"known"` // suppressed already, or earlier in the file
	Invalid  int64           `json:"invalid"`
	Findings []ImportFinding `json:"findings,omitempty"` // the first invalid rows
}

// SuppressionImporter suppresses what a file lists: addresses, domains and hashes, one
// a row, with the columns of an export or in a column of addresses. Rows are suppressed
// as they are read, in bounded memory; an import that was cut short is run again, and
// counts what it did before as known.
type SuppressionImporter struct {
	Store SuppressionStore
	// List, Reason and Detail are for rows that say nothing of their own.
	List           ListID
	Reason, Detail string
	// Progress, when not nil, is called after each batch.
	Progress func(ImportProgress)
}

// Run reads the file, which the caller opened and closes. Errors are as those of
// Importer.Run, but what came before stays suppressed.
func (im *SuppressionImporter) Run(ctx context.Context, file *listfile.Reader, now time.Time) (SuppressionReport, error) {
	report := SuppressionReport{File: file.Name()}
	columns, err := suppressionFileColumns(file)
	if err != nil {
		return report, fmt.Errorf("%s: %w", file.Name(), err)
	}
	r := suppressionReader{im: im, columns: columns, lists: map[string]ListID{}, now: now, report: &report}
	batch := make([]Suppression, 0, suppressionBatch)
	for {
		batch, err = r.fill(ctx, file, batch[:0])
		if err != nil && !errors.Is(err, io.EOF) {
			return report, err
		}
		added, failed := im.Store.Suppress(ctx, batch)
		if failed != nil {
			return report, fmt.Errorf("import %s: %w", file.Name(), failed)
		}
		report.New += added
		report.Known += int64(len(batch)) - added
		if im.Progress != nil {
			im.Progress(ImportProgress{Rows: report.Rows, Bytes: file.Consumed(), Size: file.Size()})
		}
		if err != nil {
			return report, nil
		}
	}
}

// suppressionFileColumns finds the columns by their names, in the order of
// suppressionColumns; -1 for one that the file does not have.
func suppressionFileColumns(file *listfile.Reader) ([]int, error) {
	columns := []int{-1, -1, -1, -1, -1}
	for i, name := range file.Columns() {
		for k, known := range suppressionColumns {
			if FieldName(name) == known && columns[k] < 0 {
				columns[k] = i
			}
		}
		if FieldName(name) == "domain" && columns[0] < 0 {
			columns[0] = i
		}
	}
	if columns[0] >= 0 {
		return columns, nil
	}
	if len(file.Columns()) == 1 {
		columns[0] = 0
		return columns, nil
	}
	var err error
	columns[0], err = emailColumn(map[string]int{}, file.Columns(), file.Head())
	return columns, err
}

// suppressionReader makes entries of rows.
type suppressionReader struct {
	im      *SuppressionImporter
	columns []int
	lists   map[string]ListID
	now     time.Time
	report  *SuppressionReport
}

// fill reads up to a batch of valid rows; io.EOF comes with the last ones.
func (r *suppressionReader) fill(ctx context.Context, file *listfile.Reader, batch []Suppression) ([]Suppression, error) {
	for len(batch) < suppressionBatch {
		rec, err := file.Next()
		if err != nil {
			return batch, err
		}
		r.report.Rows++
		e, err := r.entry(ctx, rec)
		if err == nil {
			batch = append(batch, e)
			continue
		}
		if invalid, ok := errors.AsType[invalidRow](err); !ok {
			return batch, err
		} else if r.report.Invalid++; len(r.report.Findings) < maxSuppressionFindings {
			r.report.Findings = append(r.report.Findings, ImportFinding{Row: rec.Row, Value: shortened(r.cell(rec, 0)), Reason: invalid.Error()})
		}
	}
	return batch, nil
}

const maxSuppressionFindings = 100

// invalidRow is a row's own fault; other errors are our machinery's.
type invalidRow struct{ error }

func (r *suppressionReader) entry(ctx context.Context, rec *listfile.Record) (Suppression, error) {
	if rec.Broken != "" {
		return Suppression{}, invalidRow{errors.New(rec.Broken)}
	}
	e, err := ParseSuppressed(r.cell(rec, 0))
	if err != nil {
		return e, invalidRow{err}
	}
	if e.Hash != "" && !r.im.Store.OwnHash(e.Hash) {
		return e, invalidRow{errors.New("a hash made by another database, which names nobody here")}
	}
	e.List, e.Reason, e.Detail, e.At = r.im.List, r.im.Reason, r.im.Detail, r.now
	if name := r.cell(rec, 1); name != "" {
		if e.List, err = r.list(ctx, name); err != nil {
			return e, err
		}
	}
	if reason := r.cell(rec, 2); reason != "" {
		e.Reason = shortened(reason)
	}
	if detail := r.cell(rec, 3); detail != "" {
		e.Detail = shortened(detail)
	}
	if at := r.cell(rec, 4); at != "" {
		if e.At, err = time.Parse(time.RFC3339, at); err != nil {
			return e, invalidRow{fmt.Errorf("%q is not a time such as 2026-05-04T03:02:01Z", shortened(at))}
		}
	}
	return e, nil
}

func (r *suppressionReader) list(ctx context.Context, name string) (ListID, error) {
	if id, ok := r.lists[name]; ok {
		return id, nil
	}
	l, err := r.im.Store.ListByName(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return 0, invalidRow{fmt.Errorf("no list is named %q", shortened(name))}
	}
	if err != nil {
		return 0, err
	}
	r.lists[name] = l.ID
	return l.ID, nil
}

// cell is the text of one of suppressionColumns, "" when the row has none; an export's
// apostrophe before a formula is taken off.
func (r *suppressionReader) cell(rec *listfile.Record, column int) string {
	i := r.columns[column]
	if i < 0 || i >= len(rec.Cells) {
		return ""
	}
	text := string(trimInvisible(rec.Cells[i].Text))
	if len(text) > 1 && text[0] == '\'' && isFormula([]byte(strings.TrimLeft(text, "'"))) {
		text = text[1:]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// shortened bounds what is kept of a text that strangers wrote.
func shortened(s string) string {
	if len(s) <= longestValue {
		return s
	}
	return strings.ToValidUTF8(s[:longestValue], "") + "…"
}

// ExportSuppressions writes all suppressions as CSV in UTF-8, in order of arrival, with
// the columns who, list (the name, "" for whatever the list), reason, detail and at. A
// hash is written as it is; it names somebody only to the database that made it. It
// returns how many entries it wrote.
func ExportSuppressions(ctx context.Context, store SuppressionStore, w io.Writer) (int64, error) {
	lists, err := store.Lists(ctx)
	if err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	names := map[ListID]string{}
	for _, l := range lists {
		names[l.ID] = l.Name
	}
	out := csv.NewWriter(w)
	_ = out.Write(suppressionColumns) // buffered: the end tells
	written, after := int64(0), int64(0)
	for {
		page, err := store.Suppressions(ctx, after, suppressionBatch)
		if err != nil {
			return written, fmt.Errorf("export: %w", err)
		}
		for _, s := range page {
			line := []string{neutral(s.Who()), neutral(names[s.List]), neutral(s.Reason), neutral(s.Detail), s.At.UTC().Format(time.RFC3339)}
			if err := out.Write(line); err != nil {
				return written, fmt.Errorf("export: %w", err)
			}
			written++
			after = s.ID
		}
		if len(page) < suppressionBatch {
			break
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return written, fmt.Errorf("export: %w", err)
	}
	return written, nil
}
