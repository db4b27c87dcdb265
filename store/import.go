package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"broadside/campaign"
)

// How many rows are looked up and stored at once: enough for several of them to fall into
// each page of a large list's index of addresses, few enough to hold in memory.
const (
	importChunk = 32_000
	importBytes = 8 << 20 // of attributes: a field may have megabytes
)

// importTx is an import: one transaction, in which rows are stored as they come.
//
// New contacts get ids above base; a row whose contact is above base, or marked in
// seen, is a duplicate. What the report needs by row is kept in a temporary table, so
// that memory does not grow with the file.
type importTx struct {
	db     *DB
	tx     *tx // nil when over
	id     campaign.ImportID
	list   campaign.ListID
	dryRun bool
	now    int64

	base          int64    // the highest contact id before
	last          int64    // contacts up to here are in the list, if they are new
	seen          []uint64 // bit i: contact i ≤ base came in this file
	anySuppressed bool     // the suppression list is not empty
	pending       []importRow
	bytes         int                 // of pending attributes
	fields        map[string]struct{} // JSON keys
	counts        campaign.ImportCounts
	joined        int64       // memberships added
	attributes    []attribute // reused
}

// BeginImport opens an import into a list; campaign.ErrNotFound when there is none.
// It holds the database's write lock on SQLite, and the lock on changes to contacts
// on PostgreSQL, until Finish or Abort.
func (db *DB) BeginImport(ctx context.Context, list campaign.ListID, file string, dryRun bool, now time.Time) (campaign.ImportTx, error) {
	t, err := db.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin an import: %w", err)
	}
	im := &importTx{db: db, tx: t, list: list, dryRun: dryRun, now: millis(now), fields: make(map[string]struct{})}
	if err := im.begin(ctx, file); err != nil {
		return nil, errors.Join(fmt.Errorf("begin an import: %w", err), im.Abort())
	}
	return im, nil
}

func (im *importTx) begin(ctx context.Context, file string) error {
	if err := im.db.lockContacts(ctx, im.tx); err != nil {
		return err
	}
	if err := im.db.holdList(ctx, im.tx, im.list); err != nil {
		return err
	}
	if err := im.tx.get(ctx, &im.id, "INSERT INTO imports (list, file, at) VALUES (?, ?, ?) RETURNING id", im.list, file, im.now); err != nil {
		return err
	}
	if err := im.tx.get(ctx, &im.base, "SELECT COALESCE(MAX(id), 0) FROM contacts"); err != nil {
		return err
	}
	im.last = im.base
	im.seen = make([]uint64, im.base/64+1)
	if err := im.tx.get(ctx, &im.anySuppressed, "SELECT EXISTS (SELECT 1 FROM suppressions)"); err != nil {
		return err
	}
	onCommit := ""
	if im.db.postgres {
		onCommit = "ON COMMIT DROP"
	}
	_, err := im.tx.exec(ctx, "CREATE TEMPORARY TABLE import_found (row_number BIGINT, email TEXT, effect INTEGER) "+onCommit)
	return err
}

// lockContacts keeps other imports and undos away, not readers, recorders or those
// who unsubscribe.
func (db *DB) lockContacts(ctx context.Context, t *tx) error {
	if !db.postgres {
		return nil
	}
	_, err := t.exec(ctx, "LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE")
	return err
}

// Put stores rows; those that do not fill a chunk wait for the next call.
func (im *importTx) Put(ctx context.Context, rows []campaign.ImportRow) error {
	if im.tx == nil {
		return errors.New("import: it is over")
	}
	for _, r := range rows {
		if err := im.collect(r); err != nil {
			return fmt.Errorf("import row %d: %w", r.Row, err)
		}
		r.Attributes = bytes.Clone(r.Attributes)
		im.pending = append(im.pending, importRow{r, address(r.Email)})
		im.bytes += len(r.Attributes)
		if len(im.pending) == importChunk || im.bytes >= importBytes {
			if err := im.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect checks that a row can be stored and notes the names of its attributes.
func (im *importTx) collect(r campaign.ImportRow) error {
	if !utf8.Valid(r.Attributes) || !utf8.ValidString(r.Email) || strings.Contains(r.Email, "\x00") {
		return errors.New("it is not UTF-8 text, which is all that the database keeps")
	}
	if hasNUL(r.Attributes) {
		return errors.New("an attribute contains a NUL character, which the database cannot keep: remove it")
	}
	var err error
	im.attributes, err = appendAttributes(im.attributes[:0], r.Attributes)
	if err != nil {
		return err
	}
	for _, a := range im.attributes {
		if _, ok := im.fields[string(a.key)]; !ok {
			im.fields[string(a.key)] = struct{}{}
		}
	}
	return nil
}

// hasNUL finds the escape \u0000, but not an escaped backslash before u0000.
func hasNUL(json []byte) bool {
	for from := 0; ; {
		i := bytes.Index(json[from:], []byte(`\u0000`))
		if i < 0 {
			return false
		}
		i += from
		backslashes := 1
		for i-backslashes >= 0 && json[i-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 1 {
			return true
		}
		from = i + 1
	}
}

// flush stores the pending rows.
func (im *importTx) flush(ctx context.Context) error {
	rows := im.pending
	if len(rows) == 0 {
		return nil
	}
	if err := im.store(ctx, rows); err != nil {
		return fmt.Errorf("import rows %d to %d: %w", rows[0].Row, rows[len(rows)-1].Row, err)
	}
	clear(rows)
	im.pending, im.bytes = rows[:0], 0
	return nil
}

// Finish stores what is left, commits or, in a dry run, undoes, and reports.
func (im *importTx) Finish(ctx context.Context, found func(row int64, email string, effect campaign.ImportEffect) error) (campaign.ImportID, campaign.ImportCounts, error) {
	if im.tx == nil {
		return 0, campaign.ImportCounts{}, errors.New("import: it is over")
	}
	err := im.finish(ctx, found)
	if err != nil || im.dryRun {
		im.id = 0
		err = errors.Join(err, im.Abort())
	} else {
		err = im.tx.commit()
		im.tx = nil
	}
	if err != nil {
		return 0, campaign.ImportCounts{}, fmt.Errorf("import: %w", err)
	}
	return im.id, im.counts, nil
}

func (im *importTx) finish(ctx context.Context, found func(row int64, email string, effect campaign.ImportEffect) error) error {
	if err := im.flush(ctx); err != nil {
		return err
	}
	if err := im.addFields(ctx); err != nil {
		return err
	}
	if err := im.joinFresh(ctx); err != nil {
		return err
	}
	if _, err := im.tx.exec(ctx, "UPDATE lists SET subscribed = subscribed + ? WHERE id = ?", im.joined, im.list); err != nil {
		return err
	}
	c := im.counts
	_, err := im.tx.exec(ctx, `
		UPDATE imports SET new = ?, updated = ?, unchanged = ?, duplicate = ?, suppressed = ?, unsubscribed = ?,
			first_contact = ?, last_contact = ?
		WHERE id = ?`, c.New, c.Updated, c.Unchanged, c.Duplicate, c.Suppressed, c.Unsubscribed, im.base+1, im.last, im.id)
	if err != nil {
		return err
	}
	return im.report(ctx, found)
}

func (im *importTx) addFields(ctx context.Context) error {
	names := make([]string, 0, len(im.fields))
	for key := range im.fields {
		name, err := keyName([]byte(key))
		if err != nil {
			return fmt.Errorf("attribute name %s: %w", key, err)
		}
		names = append(names, name)
	}
	_, err := im.tx.insertRows(ctx, "INSERT INTO fields (name)", 1, "ON CONFLICT DO NOTHING", len(names), func(args []any, i int) []any {
		return append(args, names[i])
	})
	return err
}

// report calls found for what was noted, and forgets it.
func (im *importTx) report(ctx context.Context, found func(row int64, email string, effect campaign.ImportEffect) error) error {
	if found != nil {
		rows, err := im.tx.QueryContext(ctx, "SELECT row_number, email, effect FROM import_found ORDER BY row_number")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var f finding
			if err := rows.Scan(&f.row, &f.email, &f.effect); err != nil {
				return err
			}
			if err := found(f.row, f.email, f.effect); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	_, err := im.tx.exec(ctx, "DROP TABLE import_found")
	return err
}

// Abort undoes everything; after Finish it does nothing.
func (im *importTx) Abort() error {
	if im.tx == nil {
		return nil
	}
	err := im.tx.rollback()
	im.tx = nil
	return err
}
