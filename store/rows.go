package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// rowColumns are the columns of ledgerRow, of a ledger called l with its replies p.
const rowColumns = `l.run, l.lane, l.contact, l.state, l.reason, l.attempts, l.code, l.enhanced,
	COALESCE(p.text, '') AS reply, l.at, l.due, l.resent, l.variant`

// ofRun is the condition on a column of the ledger that a row is of a run. The run stands
// in the query itself: with a parameter PostgreSQL would once plan for all partitions,
// which takes seconds and thousands of locks when there are a thousand.
func ofRun(column string, id campaign.RunID) string { return fmt.Sprintf("%s = %d", column, id) }

// ledgerOf is the FROM clause for the rows l of contacts (an array) of a run's lane,
// each found by its key: PostgreSQL, when it has no statistics of a young run, would
// rather read the lane, and so would SQLite but for CROSS JOIN, which keeps the order.
func (db *DB) ledgerOf(id campaign.RunID) string {
	if db.postgres {
		return ` FROM unnest(CAST(? AS bigint[])) k (contact)
			JOIN LATERAL (SELECT * FROM ledger WHERE ` + ofRun("run", id) + ` AND lane = ? AND contact = k.contact OFFSET 0) l ON TRUE`
	}
	return ` FROM json_each(?) k CROSS JOIN ledger l ON ` + ofRun("l.run", id) + ` AND l.lane = ? AND l.contact = k.value`
}

type ledgerRow struct {
	Run            campaign.RunID
	Lane           campaign.Lane
	Contact        campaign.ContactID
	State          campaign.State
	Reason         campaign.Reason
	Attempts, Code uint16
	Enhanced       int32
	Reply          string
	At, Due        int64
	Resent         bool
	Variant        campaign.Variant
}

func (r ledgerRow) row() campaign.Row {
	return campaign.Row{
		Recipient: campaign.Recipient{Run: r.Run, Lane: r.Lane, Contact: r.Contact},
		State:     r.State,
		Reason:    r.Reason,
		Attempts:  r.Attempts,
		Code:      r.Code,
		Enhanced:  unpackEnhanced(r.Enhanced),
		Reply:     r.Reply,
		At:        fromMillis(r.At),
		Due:       fromMillis(r.Due),
		Resent:    r.Resent,
		Variant:   r.Variant,
	}
}

// RowsOf returns the ledger rows of recipients, in their order; a missing row is
// zero but for its Recipient. Reply is in the general form of the dictionary.
func (db *DB) RowsOf(ctx context.Context, who []campaign.Recipient) ([]campaign.Row, error) {
	found := make(map[campaign.Recipient]campaign.Row, len(who))
	for lane, contacts := range byLane(who) {
		var rows []ledgerRow
		err := db.selectAll(ctx, &rows, "SELECT "+rowColumns+db.ledgerOf(lane.Run)+" LEFT JOIN replies p ON p.id = l.reply",
			db.array(contacts), int64(lane.Lane))
		if err != nil {
			return nil, fmt.Errorf("read %d ledger rows: %w", len(who), err)
		}
		for _, r := range rows {
			row := r.row()
			found[row.Recipient] = row
		}
	}
	list := make([]campaign.Row, len(who))
	for i, r := range who {
		list[i] = found[r]
		list[i].Recipient = r
	}
	return list, nil
}

// Recipients pages through a run's rows in a state, in order of lane and contact;
// the zero Recipient starts.
func (db *DB) Recipients(ctx context.Context, id campaign.RunID, s campaign.State, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	return db.recipients(ctx, id, s, "", after, limit)
}

// Everybody pages through all rows of a run, as Recipients does through those in a state.
func (db *DB) Everybody(ctx context.Context, id campaign.RunID, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	list, err := db.people(ctx, id, "ledger l", "", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the recipients of run %d: %w", id, err)
	}
	return list, nil
}

// recipients is Recipients with a further condition.
func (db *DB) recipients(ctx context.Context, id campaign.RunID, s campaign.State, and string, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	from, state := "ledger l", fmt.Sprintf("l.state = %d", s)
	if s == campaign.Waiting { // of which no index knows: who looks for them after a run reads all of it
		if c, err := db.Counts(ctx, id); err != nil || c.Waiting == 0 {
			return nil, err
		}
	}
	if s >= 2 { // the index on the rarer states; SQLite would rather go by primary key
		state += " AND l.state >= 2"
		if !db.postgres && and == "" {
			from += " INDEXED BY ledger_state"
		} else if !db.postgres {
			from += " INDEXED BY ledger_reason"
		}
	}
	list, err := db.people(ctx, id, from, " AND "+state+and, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the %s recipients of run %d: %w", s, id, err)
	}
	return list, nil
}

// people reads a page of a run's rows under a further condition, with their addresses. The
// page is cut before they are looked up: PostgreSQL may think that the condition leaves a
// handful, and would look up all of them.
func (db *DB) people(ctx context.Context, id campaign.RunID, from, and string, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	var rows []struct {
		ledgerRow
		Email  string
		Person campaign.ContactID
	}
	err := db.selectAll(ctx, &rows, "SELECT "+rowColumns+`, COALESCE(NULLIF(c.spelling, ''), c.address, '') AS email, COALESCE(c.id, 0) AS person
		FROM (SELECT l.* FROM `+from+" WHERE "+ofRun("l.run", id)+` AND (l.lane, l.contact) > (?, ?)`+and+` ORDER BY l.lane, l.contact LIMIT ?) l
		LEFT JOIN replies p ON p.id = l.reply LEFT JOIN`+db.contactOf(personOf("l.contact"))+`
		ORDER BY l.lane, l.contact`,
		int64(after.Lane), int64(after.Contact), limit)
	if err != nil {
		return nil, err
	}
	list := make([]campaign.RecipientRow, len(rows))
	for i, r := range rows {
		list[i] = campaign.RecipientRow{Row: r.row(), Email: r.Email, Person: r.Person}
	}
	return list, nil
}

// TopReplies groups a run's rows that are neither accepted nor waiting by state,
// reason, code and reply, most frequent first.
func (db *DB) TopReplies(ctx context.Context, id campaign.RunID, limit int) ([]campaign.ReplyCount, error) {
	var replies []campaign.ReplyCount
	err := db.selectAll(ctx, &replies, `
		SELECT g.state, g.reason, g.code, COALESCE(p.text, '') AS reply, g.n
		FROM (SELECT state, reason, code, reply, COUNT(*) AS n FROM ledger WHERE `+ofRun("run", id)+` AND state >= 2
			GROUP BY state, reason, code, reply) g
		LEFT JOIN replies p ON p.id = g.reply
		ORDER BY g.n DESC, g.state, g.reason, g.code, p.text LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("group the replies of run %d: %w", id, err)
	}
	return replies, nil
}
