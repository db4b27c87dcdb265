package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

const postgresConns = 16

func openPostgres(url string, opt Options) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(withoutJIT))
	conns := opt.Conns
	if conns == 0 {
		conns = postgresConns
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	db := sqlx.NewDb(pool, "pgx")
	return &DB{postgres: true, read: db, write: db}, nil
}

// withoutJIT keeps PostgreSQL from compiling our look-ups by key: it takes a page of
// them for a large query, and compiling takes longer than answering.
func withoutJIT(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET jit = off")
	return err
}
