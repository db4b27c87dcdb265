package store

import (
	"context"

	"broadside/campaign"
)

func (db *DB) writeLedger(ctx context.Context, t *tx, rows []written) error {
	if len(rows) == 0 {
		return nil
	}
	if !db.postgres {
		return t.writeLedgerSQLite(ctx, rows)
	}
	byRun := make(map[campaign.RunID][]written)
	for _, w := range rows {
		byRun[w.Run] = append(byRun[w.Run], w)
	}
	for run, rows := range byRun {
		if err := t.writeLedgerPostgres(ctx, run, rows); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) writeLedgerSQLite(ctx context.Context, rows []written) error {
	statement, err := t.PrepareContext(ctx, `
		UPDATE ledger SET state = ?, reason = ?, attempts = ?, code = ?, enhanced = ?, reply = ?, at = ?, due = ?, first_tried = ?, resent = ?
		WHERE run = ? AND lane = ? AND contact = ?`)
	if err != nil {
		return err
	}
	defer statement.Close()
	for i := range rows {
		w := &rows[i]
		_, err := statement.ExecContext(ctx, w.state, w.reason, w.attempts, w.code, w.enhanced, w.reply, w.at, w.due, w.first, w.resent,
			int64(w.Run), int64(w.Lane), int64(w.Contact))
		if err != nil {
			return err
		}
	}
	return nil
}

// writeLedgerPostgres writes the rows of one run, hence of one partition, with one
// array per column.
func (t *tx) writeLedgerPostgres(ctx context.Context, run campaign.RunID, rows []written) error {
	n := len(rows)
	var (
		lane, state, reason, code = make([]int16, n), make([]int16, n), make([]int16, n), make([]int16, n)
		attempts, enhanced, reply = make([]int32, n), make([]int32, n), make([]int32, n)
		contact, at, due, first   = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		resent                    = make([]bool, n)
	)
	for i, w := range rows {
		lane[i], state[i], reason[i], code[i] = int16(w.Lane), w.state, w.reason, w.code
		attempts[i], enhanced[i], reply[i] = w.attempts, w.enhanced, w.reply
		contact[i], at[i], due[i], first[i] = int64(w.Contact), w.at, w.due, w.first
		resent[i] = w.resent
	}
	_, err := t.ExecContext(ctx, `
		UPDATE ledger l SET state = u.state, reason = u.reason, attempts = u.attempts, code = u.code, enhanced = u.enhanced,
			reply = u.reply, at = u.at, due = u.due, first_tried = u.first_tried, resent = u.resent
		FROM unnest($2::smallint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::integer[], $7::smallint[], $8::integer[],
				$9::integer[], $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[])
			u (lane, contact, state, reason, attempts, code, enhanced, reply, at, due, first_tried, resent)
		WHERE l.run = $1 AND l.lane = u.lane AND l.contact = u.contact`,
		int64(run), lane, contact, state, reason, attempts, code, enhanced, reply, at, due, first, resent)
	return err
}
