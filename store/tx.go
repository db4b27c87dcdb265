package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

// tx is a write transaction and its connection, which COPY needs.
type tx struct {
	*sqlx.Tx
	conn *sqlx.Conn
}

// querier reads, inside a transaction or outside.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	Rebind(query string) string
}

// rowReader reads rows into values, inside a transaction or outside. On PostgreSQL a
// transaction that reads outside of it wants a second connection of the same pool.
type rowReader interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	Rebind(query string) string
}

func (db *DB) begin(ctx context.Context) (*tx, error) {
	conn, err := db.write.Connx(ctx)
	if err != nil {
		return nil, err
	}
	t, err := conn.BeginTxx(ctx, nil)
	for busy(err) && ctx.Err() == nil {
		t, err = conn.BeginTxx(ctx, nil)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &tx{t, conn}, nil
}

func (t *tx) commit() error { return errors.Join(t.Commit(), t.conn.Close()) }

func (t *tx) rollback() error {
	err := t.Rollback()
	if errors.Is(err, sql.ErrTxDone) { // its context ended, and it with it
		err = nil
	}
	return errors.Join(err, t.conn.Close())
}

// change runs f in a write transaction, and commits when f returns nil.
func (db *DB) change(ctx context.Context, f func(t *tx) error) error {
	t, err := db.begin(ctx)
	if err != nil {
		return err
	}
	if err := f(t); err != nil {
		return errors.Join(err, t.rollback())
	}
	return t.commit()
}

// exec returns how many rows the statement changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, t.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *tx) get(ctx context.Context, dest any, query string, args ...any) error {
	return t.GetContext(ctx, dest, t.Rebind(query), args...)
}

// The things that PostgreSQL lets one transaction at a time do; SQLite has one
// writer anyway.
const (
	lockSuppressions = 8_270_001 + iota // ids are committed in ascending order
	lockSpecs                           // a spec is not swept while it is being shared
	lockUsers                           // the first user, and the last admin, are one
	lockSignUps                         // what they are limited by is counted and written by one
	lockLinks                           // a run's link gets one number
	lockWebhooks                        // they are counted
)

func (db *DB) lock(ctx context.Context, t *tx, what int64) error {
	if !db.postgres {
		return nil
	}
	_, err := t.exec(ctx, "SELECT pg_advisory_xact_lock(?)", what)
	return err
}

// rowsPerInsert keeps a statement below SQLite's cost of planning a larger one and
// PostgreSQL's 65,535 parameters.
const rowsPerInsert = 100

// insertRows inserts n rows of so many columns: head is the statement up to VALUES,
// tail what follows the values; row appends a row's values. It returns how many
// rows were changed.
func (t *tx) insertRows(ctx context.Context, head string, columns int, tail string, n int, row func(args []any, i int) []any) (int64, error) {
	return t.insertTuples(ctx, head, "("+strings.Repeat("?,", columns-1)+"?)", tail, n, row)
}

// insertTuples is insertRows with a row's tuple written out.
func (t *tx) insertTuples(ctx context.Context, head, values, tail string, n int, row func(args []any, i int) []any) (int64, error) {
	statement := func(rows int) string {
		return t.Rebind(head + " VALUES " + strings.Repeat(values+",", rows-1) + values + " " + tail)
	}
	var args []any
	var changed int64
	i := 0
	if n >= rowsPerInsert {
		full, err := t.PrepareContext(ctx, statement(rowsPerInsert))
		if err != nil {
			return 0, err
		}
		defer full.Close()
		for ; n-i >= rowsPerInsert; i += rowsPerInsert {
			args = args[:0]
			for j := range rowsPerInsert {
				args = row(args, i+j)
			}
			result, err := full.ExecContext(ctx, args...)
			if err != nil {
				return changed, err
			}
			c, err := result.RowsAffected()
			if err != nil {
				return changed, err
			}
			changed += c
		}
	}
	if i == n {
		return changed, nil
	}
	args = args[:0]
	for j := i; j < n; j++ {
		args = row(args, j)
	}
	result, err := t.ExecContext(ctx, statement(n-i), args...)
	if err != nil {
		return changed, err
	}
	c, err := result.RowsAffected()
	return changed + c, err
}

// copyRows is PostgreSQL's COPY of n rows into a table.
func (t *tx) copyRows(ctx context.Context, table string, columns []string, n int, row func(i int) ([]any, error)) error {
	return t.conn.Raw(func(driver any) error {
		c := driver.(*stdlib.Conn).Conn()
		_, err := c.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, row))
		return err
	})
}

// in is the condition that a column has one of the values of one parameter, which
// array makes.
func (db *DB) in(column string) string {
	if db.postgres {
		return column + " = ANY(?)"
	}
	return column + " IN (SELECT value FROM json_each(?))"
}

// array makes a parameter of a slice of numbers or strings: PostgreSQL takes it as
// it is, SQLite as a JSON array.
func (db *DB) array(slice any) any {
	if db.postgres {
		return slice
	}
	text, err := json.Marshal(slice)
	if err != nil {
		panic(fmt.Sprintf("store: %T as a parameter: %v", slice, err)) // not for numbers and strings
	}
	return string(text)
}

// beforeOrAll is the bound of a page in descending order of id: 0 starts.
func beforeOrAll(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

// millis is how times are stored: Unix milliseconds, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
