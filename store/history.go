package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"broadside/campaign"
)

// HistoryOf returns a contact's rows, those of messages to them included, newest run
// first, with their attempts: all that were made but for plain acceptance. The replies of
// attempts are as they came. It begins after a row; the zero Recipient is before the first.
func (db *DB) HistoryOf(ctx context.Context, c campaign.ContactID, after campaign.Recipient, limit int) ([]campaign.HistoryRow, error) {
	if after == (campaign.Recipient{}) {
		after = campaign.Recipient{Run: allRuns, Contact: math.MaxInt64}
	}
	history, err := db.ledgerHistory(ctx, c, after, limit)
	if err != nil {
		return nil, err
	}
	messages, err := db.messageHistory(ctx, c, after, limit)
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

// historyRuns is how many runs are asked at once: PostgreSQL plans for each partition.
const historyRuns = 64

// ledgerHistory reads a contact's own rows after another, run by run.
func (db *DB) ledgerHistory(ctx context.Context, c campaign.ContactID, after campaign.Recipient, limit int) ([]campaign.HistoryRow, error) {
	last := after.Run
	if c >= after.Contact {
		last--
	}
	var history []campaign.HistoryRow
	for len(history) < limit {
		runs, err := db.runsOf(ctx, db.read, c, last, min(historyRuns, limit-len(history)))
		if err != nil || len(runs) == 0 {
			return history, err
		}
		rows, err := db.history(ctx, c, runs, []int64{int64(c)})
		if err != nil {
			return nil, err
		}
		history = append(history, rows...)
		last = campaign.RunID(runs[len(runs)-1]) - 1
	}
	return history, nil
}

// messageHistory reads the rows of messages to a contact after another row.
func (db *DB) messageHistory(ctx context.Context, c campaign.ContactID, after campaign.Recipient, limit int) ([]campaign.HistoryRow, error) {
	var found []struct{ ID, Run int64 }
	err := db.selectAll(ctx, &found, "SELECT id, run FROM messages WHERE contact = ? AND (run, id) < (?, ?) ORDER BY run DESC, id DESC LIMIT ?",
		int64(c), int64(after.Run), int64(after.Contact), limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var runs, ids []int64
	for _, m := range found {
		runs, ids = append(runs, m.Run), append(ids, m.ID)
	}
	return db.history(ctx, c, slices.Compact(runs), ids)
}

// history reads the rows of runs that are a contact's, or of messages to them. The runs
// stand in the query itself: see ofRun.
func (db *DB) history(ctx context.Context, c campaign.ContactID, runs, rowsOf []int64) ([]campaign.HistoryRow, error) {
	var rows []struct {
		ledgerRow
		Campaign string
		RunState string `db:"run_state"`
	}
	ledger := "SELECT * FROM ledger WHERE run IN (" + literal(runs) + ") AND " + db.in("contact")
	if db.postgres {
		ledger += " OFFSET 0" // or it begins with the runs, for each of which it would ask all partitions
	}
	err := db.selectAll(ctx, &rows, "SELECT "+rowColumns+", k.name AS campaign, r.state AS run_state FROM ("+ledger+`) l
		LEFT JOIN replies p ON p.id = l.reply JOIN runs r ON r.id = l.run JOIN campaigns k ON k.id = r.campaign
		ORDER BY l.run DESC, l.contact DESC`, db.once(db.array(rowsOf))...)
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
