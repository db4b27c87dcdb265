package store

import (
	"context"
	"encoding/json"
	"fmt"

	"broadside/campaign"
)

// won is who won a run's A/B test; the zero value while nobody has.
func (r runRow) won() (campaign.ABDecision, error) {
	var d campaign.ABDecision
	if r.ABWinner == campaign.NoVariant {
		return d, nil
	}
	if err := json.Unmarshal([]byte(r.ABDecision), &d); err != nil {
		return d, fmt.Errorf("the decision of its A/B test: %w", err)
	}
	d.Winner = r.ABWinner
	return d, nil
}

// DecideAB writes down who won a run's A/B test and lets the rest of its audience go, in
// one transaction. campaign.ErrConflict when it is decided, when the run is in none of the
// states from, or when its audience has not been begun.
func (db *DB) DecideAB(ctx context.Context, id campaign.RunID, from []campaign.RunState, d campaign.ABDecision) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	states := make([]string, len(from))
	for i, s := range from {
		states[i] = string(s)
	}
	err = db.change(ctx, func(t *tx) error {
		decided, err := t.exec(ctx, "UPDATE runs SET ab_winner = ?, ab_decision = ? WHERE id = ? AND ab_winner = 0 AND "+db.in("state"),
			int64(d.Winner), storable(string(text)), int64(id), db.array(states))
		if err != nil {
			return err
		}
		opened, err := t.exec(ctx, "UPDATE run_waves SET open = 2, opened = ?, note = ?, due = 0 WHERE run = ? AND kind = ? AND open < 2",
			millis(d.At), storable(d.Why), int64(id), string(campaign.ABWaves))
		if err == nil && (decided == 0 || opened == 0) {
			err = campaign.ErrConflict
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("decide the A/B test of run %d: %w", id, err)
	}
	return nil
}
