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
// write lock: a process that comes second at one fails on it, finds that the
// version has moved, and goes on from there.
func (db *DB) migrate(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	for current < newest {
		_, failed := provider.Up(ctx)
		before := current
		if current, _, err = provider.GetVersions(ctx); err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		if failed != nil && current == before {
			return fmt.Errorf("update the tables from schema version %d: %w", before, failed)
		}
	}
	if current > newest {
		return fmt.Errorf("the database has schema version %d and this program knows %d: use the newer version of the program that wrote it", current, newest)
	}
	return nil
}

func (db *DB) migrations() (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)),
		goose.WithTableName("schema_version"),
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
