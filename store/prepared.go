package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jmoiron/sqlx"
)

// prepared keeps the statements that are asked for every few messages: parsing and
// planning them anew costs SQLite more than answering. PostgreSQL's driver keeps them by
// itself. They are few, and live as long as the database is open.
type prepared struct {
	on  *sqlx.DB
	mu  sync.Mutex
	all map[string]*sqlx.Stmt
}

func (p *prepared) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.all[query]; s != nil {
		return s, nil
	}
	s, err := p.on.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if p.all == nil {
		p.all = make(map[string]*sqlx.Stmt)
	}
	p.all[query] = s
	return s, nil
}

func (p *prepared) close() error {
	var errs error
	for _, s := range p.all {
		errs = errors.Join(errs, s.Close())
	}
	return errs
}

// hot reads with statements that are kept. A query's text must be constant: what varies
// is a parameter.
type hot struct{ db *DB }

func (h hot) Rebind(query string) string { return h.db.read.Rebind(query) }

func (h hot) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if h.db.postgres {
		return h.db.read.QueryContext(ctx, query, args...)
	}
	s, err := h.db.prepared.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// scanRows asks a query and has scan called for each row.
func scanRows(ctx context.Context, q querier, query string, args []any, scan func(rows *sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, q.Rebind(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
