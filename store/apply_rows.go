package store

import (
	"context"
	"database/sql/driver"

	"broadside/campaign"
)

// writeLedger writes rows whatever they were.
func (db *DB) writeLedger(ctx context.Context, t *tx, rows []written) error {
	_, err := db.updateLedger(ctx, t, rows, "")
	return err
}

// writeFresh writes the rows that are as the snapshot made them, Waiting and untouched,
// and tells for each row whether it was.
func (db *DB) writeFresh(ctx context.Context, t *tx, rows []written) ([]bool, error) {
	untouched := " AND l.state = 0 AND l.reason = 0 AND l.attempts = 0 AND l.first_tried = 0 AND NOT l.resent"
	return db.updateLedger(ctx, t, rows, untouched)
}

// updateLedger writes the rows that meet a condition, and tells for each row whether it did.
func (db *DB) updateLedger(ctx context.Context, t *tx, rows []written, and string) ([]bool, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	if !db.postgres {
		return t.updateLedgerSQLite(ctx, rows, and)
	}
	byRun := make(map[campaign.RunID][]int)
	for i := range rows {
		byRun[rows[i].Run] = append(byRun[rows[i].Run], i)
	}
	changed := make([]bool, len(rows))
	for run, places := range byRun {
		if err := t.updateLedgerPostgres(ctx, run, rows, places, and, changed); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

func (t *tx) updateLedgerSQLite(ctx context.Context, rows []written, and string) ([]bool, error) {
	const query = `
		UPDATE ledger AS l SET state = ?, reason = ?, attempts = ?, code = ?, enhanced = ?, reply = ?, at = ?, due = ?, first_tried = ?, resent = ?
		WHERE run = ? AND lane = ? AND contact = ?`
	return t.each(ctx, query+and, 13, len(rows), func(args []driver.NamedValue, i int) {
		w := &rows[i]
		args[0].Value = int64(w.state)
		args[1].Value = int64(w.reason)
		args[2].Value = int64(w.attempts)
		args[3].Value = int64(w.code)
		args[4].Value = int64(w.enhanced)
		args[5].Value = int64(w.reply)
		args[6].Value = w.at
		args[7].Value = w.due
		args[8].Value = w.first
		args[9].Value = w.resent
		args[10].Value = int64(w.Run)
		args[11].Value = int64(w.Lane)
		args[12].Value = int64(w.Contact)
	})
}

// updateLedgerPostgres writes the rows at some places, which are of one run, hence of one
// partition, with one array per column.
func (t *tx) updateLedgerPostgres(ctx context.Context, run campaign.RunID, rows []written, places []int, and string, changed []bool) error {
	n := len(places)
	var (
		lane, state, reason, code = make([]int16, n), make([]int16, n), make([]int16, n), make([]int16, n)
		attempts, enhanced, reply = make([]int32, n), make([]int32, n), make([]int32, n)
		contact, at, due, first   = make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
		resent                    = make([]bool, n)
	)
	for i, place := range places {
		w := &rows[place]
		lane[i], state[i], reason[i], code[i] = int16(w.Lane), w.state, w.reason, w.code
		attempts[i], enhanced[i], reply[i] = w.attempts, w.enhanced, w.reply
		contact[i], at[i], due[i], first[i] = int64(w.Contact), w.at, w.due, w.first
		resent[i] = w.resent
	}
	done, err := t.QueryContext(ctx, `
		UPDATE ledger l SET state = u.state, reason = u.reason, attempts = u.attempts, code = u.code, enhanced = u.enhanced,
			reply = u.reply, at = u.at, due = u.due, first_tried = u.first_tried, resent = u.resent
		FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::smallint[], $5::integer[], $6::smallint[], $7::integer[],
				$8::integer[], $9::bigint[], $10::bigint[], $11::bigint[], $12::boolean[], $13::integer[])
			u (lane, contact, state, reason, attempts, code, enhanced, reply, at, due, first_tried, resent, place)
		WHERE `+ofRun("l.run", run)+` AND l.lane = u.lane AND l.contact = u.contact`+and+` RETURNING u.place`,
		lane, contact, state, reason, attempts, code, enhanced, reply, at, due, first, resent, places)
	if err != nil {
		return err
	}
	defer done.Close()
	for done.Next() {
		var place int
		if err := done.Scan(&place); err != nil {
			return err
		}
		changed[place] = true
	}
	return done.Err()
}
