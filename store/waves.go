package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

// WavesOf returns a run's waves; campaign.ErrNotFound when none were frozen.
func (db *DB) WavesOf(ctx context.Context, id campaign.RunID) (campaign.Waves, error) {
	var r struct {
		Kind              string
		Share             int
		Base, Opened, Due int64
		Open              campaign.Wave
		Note              string
	}
	err := db.get(ctx, fmt.Sprintf("waves of run %d", id), &r, "SELECT kind, share, base, open, opened, note, due FROM run_waves WHERE run = ?", int64(id))
	if err != nil {
		return campaign.Waves{}, err
	}
	return campaign.Waves{
		Kind: campaign.WaveKind(r.Kind), Share: r.Share, Base: fromMillis(r.Base),
		Open: r.Open, Opened: fromMillis(r.Opened), Note: r.Note, Due: fromMillis(r.Due),
	}, nil
}

// FreezeWaves keeps how a run's audience is parted for good and returns it: an earlier
// answer stays.
func (db *DB) FreezeWaves(ctx context.Context, id campaign.RunID, w campaign.Waves) (campaign.Waves, error) {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO run_waves (run, kind, share, base) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			int64(id), string(w.Kind), w.Share, millis(w.Base))
		return err
	})
	if err != nil {
		return w, fmt.Errorf("freeze the waves of run %d: %w", id, err)
	}
	return db.WavesOf(ctx, id)
}

// OpenWaves lets a run's waves up to one be fed, and keeps why; false when they may be
// already.
func (db *DB) OpenWaves(ctx context.Context, id campaign.RunID, upTo campaign.Wave, why string, now time.Time) (bool, error) {
	return db.moveRun(ctx, id, "open the next wave of", "UPDATE run_waves SET open = ?, opened = ?, note = ?, due = 0 WHERE run = ? AND open < ?",
		int64(upTo), millis(now), storable(why), int64(id), int64(upTo))
}

// SetWavesDue keeps when a run's next wave, of two, is to open, unless that is known or it
// is open already.
func (db *DB) SetWavesDue(ctx context.Context, id campaign.RunID, due time.Time) error {
	_, err := db.moveRun(ctx, id, "set when the next wave opens of", "UPDATE run_waves SET due = ? WHERE run = ? AND due = 0 AND open < 2", millis(due), int64(id))
	return err
}

// WaveCounts returns how many the snapshot has in each wave so far, by lane and wave.
func (db *DB) WaveCounts(ctx context.Context, id campaign.RunID) ([]campaign.WaveCount, error) {
	var counts []campaign.WaveCount
	if err := db.selectAll(ctx, &counts, "SELECT lane, wave, n FROM wave_counts WHERE run = ? ORDER BY lane, wave", int64(id)); err != nil {
		return nil, fmt.Errorf("read the waves of run %d: %w", id, err)
	}
	return counts, nil
}

// countWaves adds a page's recipients to the counts of their waves.
func (t *tx) countWaves(ctx context.Context, id campaign.RunID, rows []campaign.NewRecipient) error {
	type part struct {
		lane campaign.Lane
		wave campaign.Wave
	}
	n := map[part]int64{}
	for _, r := range rows {
		if r.Wave > 0 {
			n[part{r.Lane, r.Wave}]++
		}
	}
	parts := make([]part, 0, len(n))
	for p := range n {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.wave, b.wave)) })
	_, err := t.insertRows(ctx, "INSERT INTO wave_counts (run, lane, wave, n)", 4,
		"ON CONFLICT (run, lane, wave) DO UPDATE SET n = wave_counts.n + excluded.n", len(parts), func(args []any, i int) []any {
			return append(args, int64(id), int64(parts[i].lane), int64(parts[i].wave), n[parts[i]])
		})
	return err
}

// WaitingInWaves returns Waiting rows of a lane behind a place, in order of wave and
// contact, of waves from 1 up to one. The index has only rows that are in a wave: both
// databases use it because the query says so too. (Said as wave > 0, SQLite would read each
// page from the first wave's beginning.)
func (db *DB) WaitingInWaves(ctx context.Context, id campaign.RunID, lane campaign.Lane, after campaign.Place, upTo campaign.Wave, limit int) ([]campaign.FeedRow, error) {
	rows, err := db.feed(ctx, limit, "WHERE "+ofRun("l.run", id)+` AND l.lane = ? AND l.wave <> 0 AND (l.wave, l.contact) > (?, ?) AND l.wave <= ? AND l.state = 0
		ORDER BY l.wave, l.contact LIMIT ?`, int64(lane), int64(after.Wave), int64(after.Contact), int64(upTo), limit)
	if err != nil {
		return nil, fmt.Errorf("read the waiting of run %d in lane %s: %w", id, lane, err)
	}
	return rows, nil
}
