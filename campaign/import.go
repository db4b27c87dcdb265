package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"broadside/campaign/listfile"
)

// importBatchRows is how many rows go to the store at a time.
const importBatchRows = 1000

// Importer brings a list file into a list: all of its valid rows, or nothing. Its
// fields are set before Run and not changed by it.
type Importer struct {
	Store   ImportStore
	List    ListID
	Mapping Mapping // what it leaves out is guessed
	// LeaveOut are columns of which nothing is kept, by their numbers from 0.
	LeaveOut []int
	DryRun   bool // decide and report everything, keep nothing
	// Rejects, when not nil, receives a CSV line for each row that is not stored or
	// gets no mail: row, value, reason. The caller closes it.
	Rejects io.Writer
	// Progress, when not nil, is called after each batch, from Run's goroutine.
	Progress func(ImportProgress)
	// MaxFindings is how many findings of each kind the report lists; default 100.
	MaxFindings int
}

// ImportProgress is how far an import is.
type ImportProgress struct {
	Rows  int64 // read so far
	Bytes int64 // of the file as it lies on disk, consumed so far
	Size  int64 // of the file in bytes
}

// Run imports the file, which the caller opened and closes. A row that can't be
// stored is a finding; an error means that nothing was stored: the file can't be read
// on (*listfile.Error names the row), the mapping doesn't fit it, or the store failed.
// Only a rejects file that can't be finished is told after the fact, with the report.
func (im *Importer) Run(ctx context.Context, file *listfile.Reader, now time.Time) (ImportReport, error) {
	plan, err := newImportPlan(file, im.Mapping, im.LeaveOut)
	if err != nil {
		return ImportReport{}, fmt.Errorf("%s: %w", file.Name(), err)
	}
	tx, err := im.Store.BeginImport(ctx, im.List, file.Name(), im.DryRun, now)
	if err != nil {
		return ImportReport{}, fmt.Errorf("import %s: %w", file.Name(), err)
	}
	report, err := im.run(ctx, file, plan, tx)
	if err != nil {
		return report, errors.Join(err, tx.Abort())
	}
	return report, nil
}

func (im *Importer) run(ctx context.Context, file *listfile.Reader, plan *importPlan, tx ImportTx) (ImportReport, error) {
	findings := newImportFindings(im.MaxFindings, im.Rejects)
	reader := &importReader{file: file, plan: plan, findings: findings}
	if err := im.feed(ctx, reader, tx); err != nil {
		return ImportReport{}, err
	}
	id, counts, err := tx.Finish(ctx, findings.stored)
	if err != nil {
		return ImportReport{}, fmt.Errorf("import %s: %w", file.Name(), err)
	}
	report := ImportReport{
		File: file.Name(), Format: file.Format(), Mapping: plan.mapping(), DryRun: im.DryRun,
		Rows: reader.rows, ImportCounts: counts, Invalid: findings.count["invalid"],
		Role: findings.count["role"], Typo: findings.count["typo"], Ragged: findings.count["ragged"], Repaired: findings.count["repaired"],
		Findings: findings.first, Import: id,
	}
	if err := findings.flush(); err != nil {
		return report, fmt.Errorf("%s is imported, but its rejects file is not written: %w", file.Name(), err)
	}
	return report, nil
}

// feed reads the file and hands its rows to the store. Reading goes on in a goroutine
// of its own while the store works; feed returns when it has ended.
func (im *Importer) feed(ctx context.Context, reader *importReader, tx ImportTx) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full := make(chan *importBatch, 1)
	free := make(chan *importBatch, 3)
	for range cap(free) {
		free <- new(importBatch)
	}
	var reading sync.WaitGroup
	var readErr error // reading's until it has ended
	reading.Go(func() {
		defer close(full)
		readErr = reader.readAll(ctx, free, full)
	})
	var putErr error
	for batch := range full {
		if putErr != nil {
			continue // the goroutine is ending
		}
		if err := tx.Put(ctx, batch.rows); err != nil {
			putErr = fmt.Errorf("import %s: %w", reader.file.Name(), err)
			cancel(putErr)
			continue
		}
		if im.Progress != nil {
			im.Progress(ImportProgress{Rows: batch.read, Bytes: batch.consumed, Size: reader.file.Size()})
		}
		free <- batch
	}
	reading.Wait()
	if putErr != nil {
		return putErr
	}
	return readErr
}

// importBatch is rows on their way to the store; its memory is used again.
type importBatch struct {
	rows     []ImportRow
	ends     []int  // of each row's attributes in values
	values   []byte // the attributes of all rows
	read     int64  // rows of the file up to here, the invalid ones included
	consumed int64
}

func (b *importBatch) reset() { b.rows, b.ends, b.values = b.rows[:0], b.ends[:0], b.values[:0] }

// seal gives the rows their attributes, once values no longer grows.
func (b *importBatch) seal() {
	from := 0
	for i, end := range b.ends {
		b.rows[i].Attributes = b.values[from:end:end]
		from = end
	}
}
