package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"broadside/campaign"
)

// On PostgreSQL a run has a partition of the ledger, and asking a thousand partitions for
// one contact takes a quarter of a second and thousands of locks. So the snapshot marks, in
// the transaction in which it writes a page, who is in it: a bit for each contact, 512 of
// them in a row of run_members. For a large run that is a hundredth of its ledger, and as
// much as the ledger for a small one whose people are far apart. SQLite has one
// ledger with an index, and no marks.

const marksInRow = 512

// mark notes that a run's ledger has contacts. The first page says that the run has marks:
// an older program may write the pages of a run that this one made, and makes none.
func (t *tx) mark(ctx context.Context, id campaign.RunID, rows []campaign.NewRecipient, first bool) error {
	if first {
		if _, err := t.exec(ctx, "UPDATE runs SET marked = TRUE WHERE id = ?", int64(id)); err != nil {
			return err
		}
	}
	buckets := map[int64][]byte{}
	for _, r := range rows {
		bucket, place := int64(r.Contact)/marksInRow, int64(r.Contact)%marksInRow
		if buckets[bucket] == nil {
			buckets[bucket] = make([]byte, marksInRow/8)
		}
		buckets[bucket][place/8] |= 0x80 >> (place % 8) // PostgreSQL counts bits from the left
	}
	keys := slices.Sorted(maps.Keys(buckets))
	_, err := t.insertTuples(ctx, "INSERT INTO run_members (run, bucket, bits)", fmt.Sprintf("(%d, ?, CAST(CAST(? AS text) AS bit(%d)))", id, marksInRow),
		"ON CONFLICT (bucket, run) DO UPDATE SET bits = run_members.bits | excluded.bits",
		len(keys), func(args []any, i int) []any { return append(args, keys[i], "x"+hex.EncodeToString(buckets[keys[i]])) })
	return err
}

// marked is the condition, on PostgreSQL, that a row m of run_members, or none, and the run
// r allow a contact to be in the run's audience. Runs from before there were marks allow it
// by how far their snapshot came.
func marked(contact string) string {
	return fmt.Sprintf("(get_bit(m.bits, CAST(%[1]s %% %[2]d AS integer)) = 1 OR NOT r.marked AND r.snapshot_cursor >= %[1]s)", contact, marksInRow)
}

// allRuns is above every run.
const allRuns = campaign.RunID(math.MaxInt32)

// runsOf returns the runs up to one in whose audience a contact may be, newest first: on
// PostgreSQL it is in all that have marks.
func (db *DB) runsOf(ctx context.Context, q querier, c campaign.ContactID, last campaign.RunID, limit int) ([]int64, error) {
	query := "SELECT l.run FROM ledger l WHERE l.contact = ? AND l.run <= ? ORDER BY l.run DESC LIMIT ?"
	args := []any{int64(c), int64(last), limit}
	if db.postgres {
		query = "SELECT r.id FROM runs r LEFT JOIN run_members m ON m.run = r.id AND m.bucket = ? WHERE " + marked(strconv.FormatInt(int64(c), 10)) +
			" AND r.id <= ? AND r.standing = 0 ORDER BY r.id DESC LIMIT ?"
		args[0] = int64(c) / marksInRow
	}
	runs, err := numbers(ctx, q, query, args...)
	if err != nil {
		return nil, fmt.Errorf("find the runs of contact %d: %w", c, err)
	}
	return runs, nil
}

// inLedger is the condition that a contact, which an expression gives, is in the ledger of
// some run. All runs without marks are asked, however far their snapshot has come: it may
// go on before the condition is tried.
func (db *DB) inLedger(ctx context.Context, q querier, contact string) (string, error) {
	if !db.postgres {
		return "EXISTS (SELECT 1 FROM ledger l WHERE l.contact = " + contact + ")", nil
	}
	unmarked, err := runIDs(ctx, q, "NOT marked AND standing = 0")
	if err != nil {
		return "", err
	}
	is := fmt.Sprintf("EXISTS (SELECT 1 FROM run_members m WHERE m.bucket = %[1]s / %[2]d AND get_bit(m.bits, CAST(%[1]s %% %[2]d AS integer)) = 1)", contact, marksInRow)
	if len(unmarked) > 0 {
		is = "(" + is + " OR EXISTS (SELECT 1 FROM ledger l WHERE l.run IN (" + literal(unmarked) + ") AND l.contact = " + contact + "))"
	}
	return is, nil
}

// inOpenLedger is the condition that a contact is in the ledger of a run that is open.
func inOpenLedger(ctx context.Context, q querier, contact string) (string, error) {
	open, err := runIDs(ctx, q, "state IN ('scheduled', 'running', 'paused')")
	if len(open) == 0 {
		return "FALSE", err
	}
	return "EXISTS (SELECT 1 FROM ledger l WHERE l.run IN (" + literal(open) + ") AND l.contact = " + contact + ")", err
}

func runIDs(ctx context.Context, q querier, where string, args ...any) ([]int64, error) {
	return numbers(ctx, q, "SELECT id FROM runs WHERE "+where+" ORDER BY id", args...)
}

// numbers reads a column of them.
func numbers(ctx context.Context, q querier, query string, args ...any) ([]int64, error) {
	var all []int64
	err := scanRows(ctx, q, query, args, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		all = append(all, n)
		return err
	})
	return all, err
}

// literal writes numbers out, for a list in a query: PostgreSQL then plans for the
// partitions of these runs alone.
func literal(ids []int64) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(text, ",")
}

// once are the arguments of a query that is hardly asked again: PostgreSQL's driver does
// not keep it prepared.
func (db *DB) once(args ...any) []any {
	if db.postgres {
		return append([]any{pgx.QueryExecModeExec}, args...)
	}
	return args
}
