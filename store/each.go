package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// each executes a statement of SQLite once for each of n rows and returns for each whether
// it changed any. bind sets a row's arguments: int64, float64, bool, []byte or string.
//
// It goes to the driver itself: what database/sql does for each execution costs as much
// as SQLite's search and change of a row.
func (t *tx) each(ctx context.Context, query string, columns, n int, bind func(args []driver.NamedValue, i int)) ([]bool, error) {
	changed := make([]bool, n)
	err := t.conn.Raw(func(conn any) (err error) {
		s, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		exec := s.(driver.StmtExecContext)
		args := make([]driver.NamedValue, columns)
		for i := range args {
			args[i].Ordinal = i + 1
		}
		for i := range n {
			bind(args, i)
			result, err := exec.ExecContext(ctx, args)
			if err != nil {
				return err
			}
			rows, err := result.RowsAffected()
			if err != nil {
				return err
			}
			changed[i] = rows > 0
		}
		return nil
	})
	return changed, err
}
