package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"broadside/campaign"
)

// HistoryOf returns a contact's rows, those of messages to them included, newest run
// first, with their attempts: all that were made but for plain acceptance. The replies of
// attempts are as they came.
func (db *DB) HistoryOf(ctx context.Context, c campaign.ContactID, limit int) ([]campaign.HistoryRow, error) {
	history, err := db.history(ctx, "ledger l", "l.contact = ? ORDER BY l.run DESC", c, limit)
	if err != nil {
		return nil, err
	}
	messages, err := db.history(ctx, "messages m JOIN ledger l ON l.run = m.run AND l.lane = m.lane AND l.contact = m.id", "m.contact = ? ORDER BY m.id DESC", c, limit)
	if err != nil {
		return nil, err
	}
	history = append(history, messages...)
	slices.SortStableFunc(history, func(a, b campaign.HistoryRow) int {
		return cmp.Or(cmp.Compare(b.Row.Run, a.Row.Run), cmp.Compare(b.Row.Contact, a.Row.Contact))
	})
	history = history[:min(len(history), limit)]
	return history, db.addAttempts(ctx, c, history)
}

func (db *DB) history(ctx context.Context, from, where string, c campaign.ContactID, limit int) ([]campaign.HistoryRow, error) {
	var rows []struct {
		ledgerRow
		Campaign string
		RunState string `db:"run_state"`
	}
	err := db.selectAll(ctx, &rows, "SELECT "+rowColumns+", k.name AS campaign, r.state AS run_state FROM "+from+`
		LEFT JOIN replies p ON p.id = l.reply JOIN runs r ON r.id = l.run JOIN campaigns k ON k.id = r.campaign
		WHERE `+where+" LIMIT ?", int64(c), limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of contact %d: %w", c, err)
	}
	history := make([]campaign.HistoryRow, len(rows))
	for i, r := range rows {
		history[i] = campaign.HistoryRow{Campaign: r.Campaign, RunState: campaign.RunState(r.RunState), Row: r.row(), Person: c}
	}
	return history, nil
}

// addAttempts reads the attempts of a contact's rows.
func (db *DB) addAttempts(ctx context.Context, c campaign.ContactID, history []campaign.HistoryRow) error {
	runs, messages := []int64{}, []int64{}
	for _, h := range history {
		runs = append(runs, int64(h.Row.Run))
		if h.Row.Contact != c {
			messages = append(messages, int64(h.Row.Contact))
		}
	}
	attempts, err := db.attempts(ctx, runs, append(messages, int64(c)))
	if err != nil {
		return fmt.Errorf("read the attempts for contact %d: %w", c, err)
	}
	for i := range history {
		history[i].Attempts = attempts[attemptsOf{history[i].Row.Run, history[i].Row.Contact}]
	}
	return nil
}

// attemptsOf names a recipient, whatever the lane.
type attemptsOf struct {
	run     campaign.RunID
	contact campaign.ContactID
}

func (db *DB) attempts(ctx context.Context, runs, contacts []int64) (map[attemptsOf][]campaign.Attempt, error) {
	var rows []struct {
		Run         campaign.RunID
		Contact     campaign.ContactID
		Number      uint16
		State       campaign.State
		Reason      campaign.Reason
		Code        uint16
		Enhanced    int32
		Reply, Host string
		At          int64
	}
	err := db.selectAll(ctx, &rows, `
		SELECT run, contact, number, state, reason, code, enhanced, reply, host, at
		FROM attempts WHERE `+db.in("run")+" AND "+db.in("contact")+" ORDER BY run, contact, number", db.array(runs), db.array(contacts))
	if err != nil {
		return nil, err
	}
	attempts := make(map[attemptsOf][]campaign.Attempt)
	for _, r := range rows {
		of := attemptsOf{r.Run, r.Contact}
		attempts[of] = append(attempts[of], campaign.Attempt{
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
