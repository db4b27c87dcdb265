package store

import (
	"database/sql"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver
	"github.com/jmoiron/sqlx"
)

const postgresConns = 16

func openPostgres(url string, opt Options) (*DB, error) {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	conns := opt.Conns
	if conns == 0 {
		conns = postgresConns
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	db := sqlx.NewDb(pool, "pgx")
	return &DB{postgres: true, read: db, write: db}, nil
}
