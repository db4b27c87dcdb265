package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jmoiron/sqlx"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/delivery"
)

// DB is a database of the program; it is safe for concurrent use, also by several
// processes.
type DB struct {
	postgres bool
	// read and write are one pool on PostgreSQL. On SQLite write is one connection.
	read, write *sqlx.DB
	specs       specCache
	replies     replyCache
	tests       tests
	prepared    prepared // on read
	soft        campaign.SoftRule
	// hashes are those of erased people, who stay suppressed; fixed at Open.
	hashes hasher
}

var (
	_ campaign.ImportStore = (*DB)(nil)
	_ campaign.PlanStore   = (*DB)(nil)
	_ campaign.RunStore    = (*DB)(nil)
	_ campaign.Store       = (*DB)(nil)
	_ delivery.Ledger      = (*DB)(nil)
	_ delivery.SendStore   = (*DB)(nil)
	_ account.Store        = (*DB)(nil)
)

// Options are the parts of Open that have defaults.
type Options struct {
	// Conns is how many connections may read at once on SQLite (default 4), and how
	// many there are at all on PostgreSQL (default 16).
	Conns int
	// SoftBounces says how many soft bounces suppress an address; the zero rule: never.
	SoftBounces campaign.SoftRule
}

// Open opens the database at a place, a file path, sqlite:PATH or postgres://…, and
// brings its tables up to date. Several processes may open the same database at
// once. A database written by a newer version of the program is refused.
func Open(ctx context.Context, at string, opt Options) (*DB, error) {
	open := openSQLite
	if strings.HasPrefix(at, "postgres://") || strings.HasPrefix(at, "postgresql://") {
		open = openPostgres
	} else if scheme, _, ok := strings.Cut(at, "://"); ok && scheme != "file" {
		return nil, fmt.Errorf("open database: %s:// is not known: give a file path, sqlite:PATH or postgres://…", scheme)
	}
	db, err := open(at, opt)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", redacted(at), err)
	}
	db.soft = opt.SoftBounces
	db.prepared.on = db.read
	err = db.migrate(ctx)
	if err == nil {
		err = db.openHashes(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", redacted(at), err), db.Close())
	}
	return db, nil
}

// redacted is a URL without its password.
func redacted(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.User != nil {
		return u.Redacted()
	}
	return raw
}

// Close waits for what is under way and closes the connections.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	// The write connection goes last: it leaves the WAL file empty.
	return errors.Join(db.prepared.close(), db.read.Close(), db.write.Close())
}

// get scans one row; campaign.ErrNotFound with what was looked for when there is none.
func (db *DB) get(ctx context.Context, what, dest any, query string, args ...any) error {
	return getFrom(ctx, db.read, what, dest, query, args...)
}

func getFrom(ctx context.Context, q rowReader, what, dest any, query string, args ...any) error {
	err := q.GetContext(ctx, dest, q.Rebind(query), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%v: %w", what, campaign.ErrNotFound)
	}
	return err
}

func (db *DB) selectAll(ctx context.Context, dest any, query string, args ...any) error {
	return db.read.SelectContext(ctx, dest, db.read.Rebind(query), args...)
}
