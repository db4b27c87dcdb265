package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"

	"broadside/campaign/listfile"
)

// maxAttributes bounds one contact's attributes as JSON: they travel with each of its
// jobs on the queue.
const maxAttributes = 32 << 10

// importReader turns records into checked rows. It is used by one goroutine.
type importReader struct {
	file     *listfile.Reader
	plan     *importPlan
	findings *importFindings
	rows     int64
	email    []byte
}

// readAll fills batches from free and sends them to full until the file ends.
func (r *importReader) readAll(ctx context.Context, free <-chan *importBatch, full chan<- *importBatch) error {
	for {
		var batch *importBatch
		select {
		case batch = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err := r.fill(batch)
		if err != nil && err != io.EOF {
			return err
		}
		select {
		case full <- batch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err == io.EOF {
			return nil
		}
	}
}

// fill reads up to a batch of valid rows; io.EOF comes with the last ones.
func (r *importReader) fill(batch *importBatch) error {
	batch.reset()
	defer func() {
		batch.seal()
		batch.read, batch.consumed = r.rows, r.file.Consumed()
	}()
	for len(batch.rows) < importBatchRows {
		rec, err := r.file.Next()
		if err != nil {
			return err
		}
		r.rows++
		if err := r.row(batch, rec); err != nil {
			return err
		}
	}
	return nil
}

// row adds a record to the batch, or to the findings when it is invalid.
func (r *importReader) row(batch *importBatch, rec *listfile.Record) error {
	if rec.Broken != "" {
		return r.findings.add("invalid", rec.Row, nil, rec.Broken)
	}
	r.plan.extend(r.file.Columns())
	var given []byte
	if r.plan.email < len(rec.Cells) {
		given = r.plan.text(rec.Cells[r.plan.email])
	}
	email, name, err := appendAddress(r.email[:0], given)
	r.email = email
	if err != nil {
		if rec.Ragged != 0 {
			err = fmt.Errorf("%w (%s)", err, raggedReason(rec.Ragged))
		}
		return r.findings.add("invalid", rec.Row, given, err.Error())
	}
	if s := r.plan.status; s >= 0 && s < len(rec.Cells) && string(r.plan.text(rec.Cells[s])) == "unsubscribed" {
		return r.findings.add("invalid", rec.Row, given, "unsubscribed in the list it was exported from")
	}
	role := roleOf(email)
	if role == roleRefused {
		return r.findings.add("invalid", rec.Row, given, "an address of machines or complaints, never a subscriber's")
	}
	from := len(batch.values)
	batch.values = r.plan.appendAttributes(batch.values, rec.Cells, name)
	if n := len(batch.values) - from; n > maxAttributes {
		batch.values = batch.values[:from]
		return r.findings.add("invalid", rec.Row, given, fmt.Sprintf("its attributes have %d bytes, more than %d", n, maxAttributes))
	}
	address := string(email)
	batch.ends = append(batch.ends, len(batch.values))
	batch.rows = append(batch.rows, ImportRow{Row: rec.Row, Email: address})
	return r.remarks(rec, address, role)
}

// remarks notes what a person should look at in a row that is imported as given.
func (r *importReader) remarks(rec *listfile.Record, address string, role roleKind) error {
	var errs []error
	if role == roleShared {
		errs = append(errs, r.findings.add("role", rec.Row, []byte(address), "an address of a function, not of a person"))
	}
	if meant := suggestDomain(domainOf(address)); meant != "" {
		local := address[:len(address)-len(domainOf(address))]
		errs = append(errs, r.findings.add("typo", rec.Row, []byte(address), "probably "+local+meant))
	}
	if rec.Ragged != 0 {
		errs = append(errs, r.findings.add("ragged", rec.Row, []byte(address), raggedReason(rec.Ragged)))
	}
	if rec.Quotes {
		errs = append(errs, r.findings.add("repaired", rec.Row, []byte(address), "a quotation mark that quotes nothing was read as text"))
	}
	if rec.Recoded {
		errs = append(errs, r.findings.add("repaired", rec.Row, []byte(address), "not UTF-8 as the other rows; read as Windows-1252"))
	}
	return errors.Join(errs...)
}

func raggedReason(n int) string {
	switch {
	case n == 1:
		return "the row has a cell too many"
	case n == -1:
		return "the row has a cell too few"
	case n > 0:
		return fmt.Sprintf("the row has %d cells too many", n)
	}
	return fmt.Sprintf("the row has %d cells too few", -n)
}
