package benchmarks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5" // peer
	_ "modernc.org/sqlite"    // peer

	"broadside/campaign"
	"broadside/store"
	"broadside/store/pgtest"
)

// measureSQLite compares an import with multi-row inserts of the same rows.
func measureSQLite(ctx context.Context, b *bench) (r Result, err error) {
	err = b.inDir(func(dir string) error {
		n := 0
		fresh := func() (string, error) {
			n++
			return filepath.Join(dir, "import"+strconv.Itoa(n)+".db"), nil
		}
		r, err = b.compareImport(ctx, fresh, insertSQLite)
		return err
	})
	r.Setting += ", SQLite; raw: inserts of 100 rows in one transaction"
	return r, err
}

// measurePostgres compares an import with COPY of the same rows.
func measurePostgres(ctx context.Context, b *bench) (r Result, err error) {
	server, err := pgtest.Start()
	if err != nil {
		return Result{Setting: "not measured: " + err.Error()}, nil
	}
	r, err = b.compareImport(ctx, func() (string, error) { return server.Database(ctx) }, copyPostgres)
	r.Setting += ", PostgreSQL without fsync; raw: COPY in one transaction"
	return r, errors.Join(err, server.Stop())
}

// compareImport imports the rows, and writes them raw into the same tables of another
// database, by turns.
func (b *bench) compareImport(ctx context.Context, fresh func() (string, error), raw func(context.Context, string, []campaign.ImportRow) error) (r Result, err error) {
	rows := importRows(b.Rows)
	r.Setting = fmt.Sprintf("%d rows in no order", b.Rows)
	var imported, plain, ratio []float64
	for range b.Rounds + 1 {
		p, err := timeImport(ctx, fresh, func(url string, _ *store.DB) error { return raw(ctx, url, rows) })
		if err != nil {
			return r, err
		}
		o, err := timeImport(ctx, fresh, func(_ string, db *store.DB) error { return importList(ctx, db, letterList, rows, asIs) })
		if err != nil {
			return r, err
		}
		imported = append(imported, perSecond(b.Rows, o))
		plain = append(plain, perSecond(b.Rows, p))
		ratio = append(ratio, p.Seconds()/o.Seconds())
	}
	r.add("import", "rows/s", imported...)
	r.add("raw", "rows/s", plain...)
	r.add("import/raw", "×", ratio...).atLeast(0.5)
	return r, nil
}

func asIs(_ int, row campaign.ImportRow) campaign.ImportRow { return row }

// timeImport times work on a fresh database with our tables.
func timeImport(ctx context.Context, fresh func() (string, error), work func(url string, db *store.DB) error) (time.Duration, error) {
	url, err := fresh()
	if err != nil {
		return 0, err
	}
	db, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	err = work(url, db)
	took := time.Since(start)
	return took, errors.Join(err, db.Close())
}

// insertSQLite is what one would write by hand.
func insertSQLite(ctx context.Context, path string, rows []campaign.ImportRow) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-65536)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after the commit it does nothing
	if _, err := tx.ExecContext(ctx, "INSERT INTO lists (name, created) VALUES ('raw', 1)"); err != nil {
		return err
	}
	const batch = 100
	contacts, err := tx.PrepareContext(ctx, "INSERT INTO contacts (address, spelling, attributes, created, updated, import) VALUES "+
		strings.Repeat("(?,'',?,1,1,1),", batch-1)+"(?,'',?,1,1,1)")
	if err != nil {
		return err
	}
	members, err := tx.PrepareContext(ctx, "INSERT INTO members (list, contact, status, changed, import) VALUES "+
		strings.Repeat("(1,?,0,1,1),", batch-1)+"(1,?,0,1,1)")
	if err != nil {
		return err
	}
	for i := 0; i+batch <= len(rows); i += batch {
		var c, m []any
		for j := i; j < i+batch; j++ {
			c = append(c, rows[j].Email, string(rows[j].Attributes))
			m = append(m, j+1)
		}
		if _, err := contacts.ExecContext(ctx, c...); err != nil {
			return err
		}
		if _, err := members.ExecContext(ctx, m...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func copyPostgres(ctx context.Context, url string, rows []campaign.ImportRow) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) // after the commit it does nothing
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"contacts"}, []string{"address", "spelling", "attributes", "created", "updated", "import"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			return []any{rows[i].Email, "", rows[i].Attributes, int64(1), int64(1), int64(1)}, nil
		}))
	if err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"members"}, []string{"list", "contact", "status", "changed", "import"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			return []any{int64(1), int64(i + 1), int16(0), int64(1), int64(1)}, nil
		}))
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}
