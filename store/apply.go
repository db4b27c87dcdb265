package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"broadside/campaign"
	"broadside/delivery"
)

// Checkpoint is the last stream sequence of EVENTS that is applied; 0 at first.
func (db *DB) Checkpoint(ctx context.Context) (uint64, error) {
	return db.checkpoint(ctx, eventsCheckpoint)
}

// eventsCheckpoint names the checkpoint of the stream EVENTS.
const eventsCheckpoint = "events"

func (db *DB) checkpoint(ctx context.Context, name string) (uint64, error) {
	var seq int64
	if err := db.read.GetContext(ctx, &seq, db.read.Rebind("SELECT seq FROM checkpoints WHERE name = ?"), name); err != nil {
		return 0, fmt.Errorf("read the checkpoint of %s: %w", name, err)
	}
	return uint64(seq), nil
}

// ResetCheckpoint sets the checkpoint for a new event stream; delivery.ErrCheckpoint
// when it is not at from.
func (db *DB) ResetCheckpoint(ctx context.Context, from, to uint64) error {
	return db.change(ctx, func(t *tx) error { return t.moveCheckpoint(ctx, eventsCheckpoint, from, to) })
}

// moveCheckpoint also takes the lock that keeps other recorders out.
func (t *tx) moveCheckpoint(ctx context.Context, name string, from, to uint64) error {
	n, err := t.exec(ctx, "UPDATE checkpoints SET seq = ? WHERE name = ? AND seq = ?", int64(to), name, int64(from))
	if err != nil {
		return fmt.Errorf("move the checkpoint of %s: %w", name, err)
	}
	if n == 0 {
		return fmt.Errorf("it is not at %d: %w", from, delivery.ErrCheckpoint)
	}
	return nil
}

// Apply applies events in order and moves the checkpoint, in one transaction: see
// delivery.Ledger. Events of recipients that are not in the ledger change nothing.
// Most events say that the first attempt was accepted: their rows are written where they
// are still as the snapshot made them. The rows of the others are read, the events are
// applied in memory, and the rows that changed are written. Then come the history, the
// counts, and the suppression of those whose mailbox is gone.
func (db *DB) Apply(ctx context.Context, from, to uint64, events []campaign.Event) error {
	db.replies.mu.Lock() // the checkpoint's row lock would serialise callers anyway
	defer db.replies.mu.Unlock()
	err := db.change(ctx, func(t *tx) error {
		if err := t.moveCheckpoint(ctx, eventsCheckpoint, from, to); err != nil {
			return err
		}
		return db.applyEvents(context.WithoutCancel(ctx), t, events)
	})
	if err != nil {
		return fmt.Errorf("apply %d events after %d: %w", len(events), from, err)
	}
	return nil
}

// applyEvents runs without cancellation, which costs the SQLite driver a goroutine
// for every statement; a batch takes milliseconds.
func (db *DB) applyEvents(ctx context.Context, t *tx, events []campaign.Event) error {
	if len(events) == 0 {
		return nil
	}
	moves := make([]move, len(events))
	rest, err := db.applyFirst(ctx, t, events, moves)
	if err != nil {
		return err
	}
	if err := db.applyRest(ctx, t, events, rest, moves); err != nil {
		return err
	}
	counts := make(deltas)
	var history []*campaign.Event
	var heard []campaign.Feedback
	var ended []campaign.ContactID
	for i := range events {
		e, m := &events[i], &moves[i]
		if m.to.last == nil {
			continue
		}
		counts.add(e.Run, e.Lane, m.from.state, m.from.reason, -1, m.from.resent)
		counts.add(e.Run, e.Lane, m.to.state, m.to.reason, 1, m.to.resent)
		if !plain(e) {
			history = append(history, e)
		}
		if m.to.state.Final() {
			ended = append(ended, e.Contact)
		}
		if m.to.state == campaign.Bounced {
			heard = append(heard, delivery.FeedbackOf(e))
		}
	}
	if err := db.dropData(ctx, t, ended); err != nil {
		return err
	}
	if err := db.writeAttempts(ctx, t, history); err != nil {
		return err
	}
	if err := counts.write(ctx, t); err != nil {
		return err
	}
	if err := db.countVariants(ctx, t, events, moves); err != nil {
		return err
	}
	return db.heardAtOnce(ctx, t, heard)
}

// move is what an event does to its row; to.last is nil when it does nothing.
type move struct{ from, to line }

// applyFirst applies the acceptances at the first attempt that are alone about their
// recipient in the batch, and returns the places of all other events: what is decided
// with the row in sight, also when the row was not as expected.
func (db *DB) applyFirst(ctx context.Context, t *tx, events []campaign.Event, moves []move) (rest []int, err error) {
	first := make([]int, 0, len(events))
	rows := make([]written, 0, len(events))
	for i, alone := range alone(events) {
		if e := &events[i]; alone && e.State == campaign.Accepted && e.Attempt == 1 {
			moves[i].to.apply(e)
			first = append(first, i)
			rows = append(rows, moves[i].to.row(nil))
		} else {
			rest = append(rest, i)
		}
	}
	fresh, err := db.writeFresh(ctx, t, rows)
	if err != nil {
		return nil, err
	}
	for k, i := range first {
		if !fresh[k] { // its place among the others doesn't matter: it is alone
			moves[i] = move{}
			rest = append(rest, i)
		}
	}
	return rest, nil
}

// alone tells for each event whether no other is about its recipient.
func alone(events []campaign.Event) []bool {
	alone := make([]bool, len(events))
	first := make(map[campaign.Recipient]int, len(events))
	for i := range events {
		at, seen := first[events[i].Recipient]
		if seen {
			alone[at] = false
			continue
		}
		first[events[i].Recipient] = i
		alone[i] = true
	}
	return alone
}

// applyRest applies the events at some places, with their rows read before.
func (db *DB) applyRest(ctx context.Context, t *tx, events []campaign.Event, rest []int, moves []move) error {
	if len(rest) == 0 {
		return nil
	}
	replies, err := db.openReplies(ctx, t)
	if err != nil {
		return err
	}
	lines, err := db.lines(ctx, t, recipients(events, rest))
	if err != nil {
		return err
	}
	var changed []*line // in order of their first event
	for _, i := range rest {
		l := lines[events[i].Recipient]
		if l == nil {
			continue
		}
		from := *l
		if !l.apply(&events[i]) {
			continue
		}
		if from.last == nil {
			changed = append(changed, l)
		}
		moves[i] = move{from, *l}
	}
	rows := make([]written, len(changed))
	for i, l := range changed {
		rows[i] = l.row(&replies)
	}
	if err := replies.write(ctx, t); err != nil {
		return err
	}
	return db.writeLedger(ctx, t, rows)
}

// recipients are those the events at some places are about, once each.
func recipients(events []campaign.Event, places []int) []campaign.Recipient {
	who := make([]campaign.Recipient, 0, len(places))
	seen := make(map[campaign.Recipient]struct{}, len(places))
	for _, i := range places {
		r := events[i].Recipient
		if _, ok := seen[r]; !ok {
			seen[r] = struct{}{}
			who = append(who, r)
		}
	}
	return who
}

// lines reads what the rows of recipients are.
func (db *DB) lines(ctx context.Context, t *tx, who []campaign.Recipient) (map[campaign.Recipient]*line, error) {
	lines := make(map[campaign.Recipient]*line, len(who))
	for l, contacts := range byLane(who) {
		rows, err := t.QueryContext(ctx, t.Rebind("SELECT l.contact, l.state, l.reason, l.attempts, l.first_tried, l.resent"+db.ledgerOf(l.Run)),
			db.array(contacts), int64(l.Lane))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var contact int64
			var read line
			if err := rows.Scan(&contact, &read.state, &read.reason, &read.attempts, &read.first, &read.resent); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			lines[campaign.Recipient{Run: l.Run, Lane: l.Lane, Contact: campaign.ContactID(contact)}] = &read
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// byLane sorts the contacts of recipients by run and lane; the keys' Contact is 0.
func byLane(who []campaign.Recipient) map[campaign.Recipient][]int64 {
	lanes := make(map[campaign.Recipient][]int64)
	for _, r := range who {
		key := campaign.Recipient{Run: r.Run, Lane: r.Lane}
		lanes[key] = append(lanes[key], int64(r.Contact))
	}
	return lanes
}

// writeAttempts keeps history: the server's text as it came.
func (db *DB) writeAttempts(ctx context.Context, t *tx, history []*campaign.Event) error {
	_, err := t.insertRows(ctx, "INSERT INTO attempts (run, contact, number, state, reason, code, enhanced, reply, host, at)", 10, "", len(history), func(args []any, i int) []any {
		e := history[i]
		return append(args, int64(e.Run), int64(e.Contact), int64(e.Attempt), int64(e.State), int64(e.Reason), int64(e.Code),
			packEnhanced(e.Enhanced), storable(e.Reply), storable(e.Host), millis(e.At))
	})
	return err
}

// storable is text that every database takes: one bad byte of a server must not
// stop the recorder.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "�"), "�")
}
