package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the tables up to date. On PostgreSQL an advisory lock lets one
// process at a time do so. On SQLite each migration is one transaction under the
// write lock: a process that comes second at one fails on it, and tries again for as
// long as fewer are pending each time.
func (db *DB) migrate(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("the database has schema version %d and this program knows %d: use the newer version of the program that wrote it", current, newest)
	}
	left := -1 // when it failed last
	for {
		behind, err := provider.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		if !behind {
			return nil
		}
		_, failed := provider.Up(ctx)
		if failed == nil {
			continue
		}
		before := left
		if left, err = pending(ctx, provider); err != nil || left == before {
			return fmt.Errorf("update the tables from schema version %d: %w", current, failed)
		}
	}
}

// pending counts the migrations that the database does not have.
func pending(ctx context.Context, provider *goose.Provider) (int, error) {
	all, err := provider.Status(ctx)
	n := 0
	for _, m := range all {
		if m.State == goose.StatePending {
			n++
		}
	}
	return n, err
}

func (db *DB) migrations() (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)),
		goose.WithTableName("schema_version"),
		// Numbers are given when work on a table begins, and come in the order in which it
		// is ready: a database may have a later one before an earlier one.
		goose.WithAllowOutofOrder(true),
	}
	if db.postgres {
		dialect, dir = goose.DialectPostgres, "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db.write.DB, files, options...)
}
