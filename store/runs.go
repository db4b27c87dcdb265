package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

const runColumns = "id, campaign, spec, state, note, epoch, start_at, started, finished, snapshot_cursor, snapshot_done, standing, forecast, forecast_bound, ab_winner, ab_decision, whole_counts"

type runRow struct {
	ID, Campaign   int64
	Spec           string // hash
	State, Note    string
	Epoch          int64
	StartAt        int64 `db:"start_at"`
	Started        int64
	Finished       int64
	SnapshotCursor int64 `db:"snapshot_cursor"`
	SnapshotDone   bool  `db:"snapshot_done"`
	Forecast       int64
	ForecastBound  string `db:"forecast_bound"`
	Standing       campaign.Standing
	ABWinner       campaign.Variant `db:"ab_winner"`
	ABDecision     string           `db:"ab_decision"`
	WholeCounts    bool             `db:"whole_counts"`
}

func (db *DB) run(ctx context.Context, r runRow) (campaign.Run, error) {
	return db.runFrom(ctx, db.read, r)
}

func (db *DB) runFrom(ctx context.Context, q rowReader, r runRow) (campaign.Run, error) {
	spec, err := db.spec(ctx, q, r.Spec)
	if err != nil {
		return campaign.Run{}, fmt.Errorf("run %d: %w", r.ID, err)
	}
	won, err := r.won()
	if err != nil {
		return campaign.Run{}, fmt.Errorf("run %d: %w", r.ID, err)
	}
	return campaign.Run{
		ID:             campaign.RunID(r.ID),
		Campaign:       campaign.CampaignID(r.Campaign),
		Spec:           spec,
		State:          campaign.RunState(r.State),
		Note:           r.Note,
		Epoch:          r.Epoch,
		StartAt:        fromMillis(r.StartAt),
		Started:        fromMillis(r.Started),
		Finished:       fromMillis(r.Finished),
		SnapshotCursor: campaign.ContactID(r.SnapshotCursor),
		SnapshotDone:   r.SnapshotDone,
		Forecast:       campaign.Forecast{Lasts: time.Duration(r.Forecast) * time.Millisecond, Bound: r.ForecastBound},
		Standing:       r.Standing,
		Won:            won,
		WholeCounts:    r.WholeCounts,
	}, nil
}

// CreateRun records a run, and makes its part of the ledger. The run keeps the spec
// that c carries. campaign.ErrConflict when the campaign has an open run,
// campaign.ErrNotFound when a list that it names is gone.
func (db *DB) CreateRun(ctx context.Context, c campaign.Campaign, state campaign.RunState, startAt, now time.Time) (campaign.Run, error) {
	var r runRow
	err := db.change(ctx, func(t *tx) error {
		hash, err := db.internSpec(ctx, t, c.Spec)
		if err != nil {
			return err
		}
		if err := db.holdAudience(ctx, t, c.Spec); err != nil {
			return err
		}
		r, err = db.insertRun(ctx, t, c.ID, hash, state, startAt, now)
		return err
	})
	if err != nil {
		return campaign.Run{}, fmt.Errorf("create a run of campaign %q: %w", c.Spec.Name, err)
	}
	return db.run(ctx, r)
}

// insertRun records a run with its part of the ledger; campaign.ErrConflict, with the
// transaction as it was, when the campaign has an open run.
func (db *DB) insertRun(ctx context.Context, t *tx, c campaign.CampaignID, spec string, state campaign.RunState, startAt, now time.Time) (runRow, error) {
	started := int64(0)
	if state == campaign.RunRunning {
		started = millis(now)
	}
	var r runRow
	err := t.get(ctx, &r, "INSERT INTO runs (campaign, spec, state, start_at, started, whole_counts) VALUES (?, ?, ?, ?, ?, TRUE) ON CONFLICT DO NOTHING RETURNING "+runColumns,
		int64(c), spec, string(state), millis(startAt), started)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("the campaign has an open run: %w", campaign.ErrConflict)
	}
	if err == nil && state == campaign.RunRunning {
		err = t.tellRun(ctx, campaign.RunID(r.ID), webhook.RunStarted, "", now)
	}
	if err != nil || !db.postgres {
		return r, err
	}
	return r, t.addPartition(ctx, r.ID)
}

// addPartition attaches a run's partition, which unlike creating it in place does
// not wait for those who read and write the others.
func (t *tx) addPartition(ctx context.Context, run int64) error {
	id := strconv.FormatInt(run, 10)
	for _, statement := range []string{
		"CREATE TABLE ledger_" + id + " (LIKE ledger INCLUDING ALL)",
		"ALTER TABLE ledger ATTACH PARTITION ledger_" + id + " FOR VALUES IN (" + id + ")",
	} {
		if _, err := t.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// RunByID finds a run; campaign.ErrNotFound.
func (db *DB) RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error) {
	var r runRow
	if err := db.get(ctx, fmt.Sprintf("run %d", id), &r, "SELECT "+runColumns+" FROM runs WHERE id = ?", id); err != nil {
		return campaign.Run{}, err
	}
	return db.run(ctx, r)
}

// LatestRun finds a campaign's last run; campaign.ErrNotFound when it has none.
func (db *DB) LatestRun(ctx context.Context, c campaign.CampaignID) (campaign.Run, error) {
	var r runRow
	err := db.get(ctx, fmt.Sprintf("run of campaign %d", c), &r, "SELECT "+runColumns+" FROM runs WHERE campaign = ? ORDER BY id DESC LIMIT 1", c)
	if err != nil {
		return campaign.Run{}, err
	}
	return db.run(ctx, r)
}

// Runs pages through all runs, newest first; before 0 starts.
func (db *DB) Runs(ctx context.Context, before campaign.RunID, limit int) ([]campaign.Run, error) {
	return db.runs(ctx, "WHERE id < ? ORDER BY id DESC LIMIT ?", beforeOrAll(int64(before)), limit)
}

// OpenRuns returns runs that are scheduled, running or paused, and cancelled ones
// that still have open recipients, in order of id.
func (db *DB) OpenRuns(ctx context.Context) ([]campaign.Run, error) {
	return db.runs(ctx, `WHERE state IN ('scheduled', 'running', 'paused')
		OR state = 'cancelled' AND EXISTS (SELECT 1 FROM run_counts n WHERE n.run = runs.id AND n.state IN (0, 2) AND n.n > 0)
		ORDER BY id`)
}

func (db *DB) runs(ctx context.Context, where string, args ...any) ([]campaign.Run, error) {
	return db.runsFrom(ctx, db.read, where, args...)
}

func (db *DB) runsFrom(ctx context.Context, q rowReader, where string, args ...any) ([]campaign.Run, error) {
	var rows []runRow
	if err := q.SelectContext(ctx, &rows, q.Rebind("SELECT "+runColumns+" FROM runs "+where), args...); err != nil {
		return nil, fmt.Errorf("read the runs: %w", err)
	}
	list := make([]campaign.Run, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = db.runFrom(ctx, q, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// StartRun moves a scheduled run to running; false when it was not scheduled.
func (db *DB) StartRun(ctx context.Context, id campaign.RunID, now time.Time) (bool, error) {
	return db.tellMove(ctx, id, webhook.Fact{Type: webhook.RunStarted, At: now, Run: id}, "start", "UPDATE runs SET state = 'running', started = ? WHERE id = ? AND state = 'scheduled'", millis(now), id)
}

// FinishRun moves a running run to finished if its snapshot is done, it does not stand
// open for messages, and none of its recipients is open, in one transaction; false when not.
func (db *DB) FinishRun(ctx context.Context, id campaign.RunID, now time.Time) (bool, error) {
	return db.tellMove(ctx, id, webhook.Fact{Type: webhook.RunFinished, At: now, Run: id}, "finish", `
		UPDATE runs SET state = 'finished', finished = ?, note = '' WHERE id = ? AND state = 'running' AND snapshot_done AND standing <> 1
			AND NOT EXISTS (SELECT 1 FROM run_counts n WHERE n.run = runs.id AND n.state IN (0, 2) AND n.n > 0)`, millis(now), id)
}

func (db *DB) moveRun(ctx context.Context, id campaign.RunID, verb, query string, args ...any) (bool, error) {
	return db.tellMove(ctx, id, webhook.Fact{}, verb, query, args...)
}

// tellMove is moveRun and, when it did move, a fact unless it is zero.
func (db *DB) tellMove(ctx context.Context, id campaign.RunID, f webhook.Fact, verb, query string, args ...any) (bool, error) {
	var n int64
	err := db.change(ctx, func(t *tx) (err error) {
		if n, err = t.exec(ctx, query, args...); err != nil || n == 0 || f.Type == "" {
			return err
		}
		return t.tell(ctx, f)
	})
	if err != nil {
		return false, fmt.Errorf("%s run %d: %w", verb, id, err)
	}
	return n == 1, nil
}

// SetRunState moves a run from one of the given states; resuming (paused → running)
// increments its epoch. campaign.ErrConflict names the state it was in,
// campaign.ErrNotFound.
func (db *DB) SetRunState(ctx context.Context, id campaign.RunID, from []campaign.RunState, to campaign.RunState, note string, now time.Time) (campaign.Run, error) {
	var r runRow
	err := db.change(ctx, func(t *tx) error {
		query := "SELECT state FROM runs WHERE id = ?"
		if db.postgres {
			query += " FOR UPDATE"
		}
		var state campaign.RunState
		err := t.get(ctx, &state, query, id)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		if !slices.Contains(from, state) {
			return fmt.Errorf("it is %s: %w", state, campaign.ErrConflict)
		}
		resumed := state == campaign.RunPaused && to == campaign.RunRunning
		started := to == campaign.RunRunning
		ended := to == campaign.RunCancelled || to == campaign.RunFinished
		if what, ok := runFact(state, to); ok {
			if err := t.tellRun(ctx, id, what, note, now); err != nil {
				return err
			}
		}
		return t.get(ctx, &r, `
			UPDATE runs SET state = ?, note = ?,
				epoch = CASE WHEN ? THEN epoch + 1 ELSE epoch END,
				started = CASE WHEN ? AND started = 0 THEN ? ELSE started END,
				finished = CASE WHEN ? THEN ? ELSE finished END
			WHERE id = ? RETURNING `+runColumns, string(to), note, resumed, started, millis(now), ended, millis(now), id)
	})
	if err != nil {
		return campaign.Run{}, fmt.Errorf("set run %d to %s: %w", id, to, err)
	}
	return db.run(ctx, r)
}

// runFact is what is told when a run moves from one state to another.
func runFact(from, to campaign.RunState) (webhook.Type, bool) {
	switch to {
	case campaign.RunRunning:
		if from == campaign.RunPaused {
			return webhook.RunResumed, true
		}
		return webhook.RunStarted, true
	case campaign.RunPaused:
		return webhook.RunPaused, true
	case campaign.RunFinished:
		return webhook.RunFinished, true
	case campaign.RunCancelled:
		return webhook.RunCancelled, true
	}
	return "", false
}
