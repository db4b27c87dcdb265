package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// HistoryOf returns a contact's rows, newest run first, with their attempts: all
// that were made but for plain acceptance. The replies of attempts are as they came.
func (db *DB) HistoryOf(ctx context.Context, c campaign.ContactID, limit int) ([]campaign.HistoryRow, error) {
	var rows []struct {
		ledgerRow
		Campaign string
		RunState string `db:"run_state"`
	}
	err := db.selectAll(ctx, &rows, "SELECT "+rowColumns+`, k.name AS campaign, r.state AS run_state
		FROM ledger l LEFT JOIN replies p ON p.id = l.reply JOIN runs r ON r.id = l.run JOIN campaigns k ON k.id = r.campaign
		WHERE l.contact = ? ORDER BY l.run DESC LIMIT ?`, int64(c), limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of contact %d: %w", c, err)
	}
	history := make([]campaign.HistoryRow, len(rows))
	runs := make([]int64, len(rows))
	for i, r := range rows {
		history[i] = campaign.HistoryRow{Campaign: r.Campaign, RunState: campaign.RunState(r.RunState), Row: r.row()}
		runs[i] = int64(r.Run)
	}
	attempts, err := db.attempts(ctx, c, runs)
	if err != nil {
		return nil, fmt.Errorf("read the attempts for contact %d: %w", c, err)
	}
	for i := range history {
		history[i].Attempts = attempts[history[i].Row.Run]
	}
	return history, nil
}

func (db *DB) attempts(ctx context.Context, c campaign.ContactID, runs []int64) (map[campaign.RunID][]campaign.Attempt, error) {
	var rows []struct {
		Run         campaign.RunID
		Number      uint16
		State       campaign.State
		Reason      campaign.Reason
		Code        uint16
		Enhanced    int32
		Reply, Host string
		At          int64
	}
	err := db.selectAll(ctx, &rows, `
		SELECT run, number, state, reason, code, enhanced, reply, host, at
		FROM attempts WHERE `+db.in("run")+" AND contact = ? ORDER BY run, number", db.array(runs), int64(c))
	if err != nil {
		return nil, err
	}
	attempts := make(map[campaign.RunID][]campaign.Attempt)
	for _, r := range rows {
		attempts[r.Run] = append(attempts[r.Run], campaign.Attempt{
			Number:   r.Number,
			State:    r.State,
			Reason:   r.Reason,
			Code:     r.Code,
			Enhanced: unpackEnhanced(r.Enhanced),
			Reply:    r.Reply,
			Host:     r.Host,
			At:       fromMillis(r.At),
		})
	}
	return attempts, nil
}
