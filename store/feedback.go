package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"broadside/campaign"
)

// Heard keeps feedback about messages that had been accepted, and what follows from it
// in the same transaction: who is gone or complained is suppressed, and who bounced
// softly too often. What was heard before changes nothing. Feedback about a contact
// that was erased is counted, and suppresses nobody.
func (db *DB) Heard(ctx context.Context, heard []campaign.Feedback) error {
	err := db.change(ctx, func(t *tx) error {
		heard, err := db.ofPeople(ctx, t, heard)
		if err != nil {
			return err
		}
		counts, news := make(map[feedbackKey]int64), []campaign.Feedback{}
		for i := range heard {
			f := &heard[i]
			n, err := t.insertFeedback(ctx, heard[i:i+1])
			if err != nil {
				return err
			}
			counts[feedbackKey{f.Run, f.Lane, f.Kind}] += n
			if n == 0 {
				continue
			}
			news = append(news, *f)
			if err := t.tell(ctx, heardFact(f)); err != nil {
				return err
			}
		}
		if err := t.addFeedbackCounts(ctx, counts); err != nil {
			return err
		}
		if err := db.countHeard(ctx, t, news); err != nil {
			return err
		}
		return db.follow(ctx, t, heard)
	})
	if err != nil {
		return fmt.Errorf("keep what was heard of %d recipients: %w", len(heard), err)
	}
	return nil
}

// heardAtOnce keeps what the events of a ledger's batch say about people. The ledger
// itself has all but how often they bounced softly, and when their domain was not found.
func (db *DB) heardAtOnce(ctx context.Context, t *tx, heard []campaign.Feedback) error {
	heard, err := db.ofPeople(ctx, t, heard)
	if err != nil {
		return err
	}
	counted := slices.DeleteFunc(slices.Clone(heard), func(f campaign.Feedback) bool {
		return f.Kind != campaign.SoftBounce && f.Kind != campaign.NoDomain
	})
	if _, err := t.insertFeedback(ctx, counted); err != nil {
		return err
	}
	return db.follow(ctx, t, heard)
}

func (t *tx) insertFeedback(ctx context.Context, heard []campaign.Feedback) (int64, error) {
	return t.insertRows(ctx, "INSERT INTO feedback (contact, kind, run, at, detail)", 5, "ON CONFLICT DO NOTHING", len(heard), func(args []any, i int) []any {
		f := &heard[i]
		return append(args, int64(f.Contact), int64(f.Kind), int64(f.Run), millis(f.At), storable(f.Detail))
	})
}

// feedbackKey is a line of feedback_counts.
type feedbackKey struct {
	run  campaign.RunID
	lane campaign.Lane
	kind campaign.FeedbackKind
}

// addFeedbackCounts adds to the kept counts, in one order for all writers.
func (t *tx) addFeedbackCounts(ctx context.Context, counts map[feedbackKey]int64) error {
	keys := make([]feedbackKey, 0, len(counts))
	for k, n := range counts {
		if n > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b feedbackKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.lane, b.lane), cmp.Compare(a.kind, b.kind))
	})
	_, err := t.insertRows(ctx, "INSERT INTO feedback_counts (run, lane, kind, n)", 4,
		"ON CONFLICT (run, lane, kind) DO UPDATE SET n = feedback_counts.n + excluded.n", len(keys), func(args []any, i int) []any {
			k := keys[i]
			return append(args, int64(k.run), int64(k.lane), int64(k.kind), counts[k])
		})
	return err
}

// follow suppresses whom feedback suppresses, by itself or by the rule for soft bounces.
func (db *DB) follow(ctx context.Context, t *tx, heard []campaign.Feedback) error {
	worn, err := db.wornOut(ctx, t, heard)
	if err != nil {
		return err
	}
	unfound, err := db.unfoundBefore(ctx, t, heard)
	if err != nil {
		return err
	}
	because := make(map[int64]campaign.Suppression)
	for _, f := range heard {
		s := campaign.Suppression{Reason: f.Kind.Suppresses(), Detail: storable(f.Detail), At: f.At}
		if n := worn[int64(f.Contact)]; f.Kind == campaign.SoftBounce && n > 0 {
			s.Reason = "bounced"
			s.Detail = fmt.Sprintf("%d soft bounces, the last: %s", n, s.Detail)
		}
		if first, before := unfound[int64(f.Contact)]; f.Kind == campaign.NoDomain && before && f.At.Sub(first) >= campaign.GoneAfter {
			s.Reason = "bounced"
			s.Detail += ", also on " + first.Format(time.DateOnly)
		}
		if s.Reason != "" {
			because[int64(f.Contact)] = s
		}
	}
	if len(because) == 0 {
		return nil
	}
	entries, err := db.suppressionsOf(ctx, t, because)
	if err != nil {
		return err
	}
	_, err = db.suppress(ctx, t, entries)
	return err
}

// unfoundBefore returns when the domains of contacts, of those who are heard of because of
// that, were first not found in the time that counts.
func (db *DB) unfoundBefore(ctx context.Context, t *tx, heard []campaign.Feedback) (map[int64]time.Time, error) {
	var contacts []int64
	last := int64(0) // what is heard together is hardly apart
	for _, f := range heard {
		if f.Kind == campaign.NoDomain {
			contacts = append(contacts, int64(f.Contact))
			last = max(last, millis(f.At))
		}
	}
	if len(contacts) == 0 {
		return nil, nil
	}
	var rows []struct{ Contact, First int64 }
	err := t.SelectContext(ctx, &rows, t.Rebind("SELECT contact, MIN(at) AS first FROM feedback WHERE "+db.in("contact")+" AND kind = ? AND at > ? GROUP BY contact"),
		db.array(contacts), int64(campaign.NoDomain), last-campaign.GoneWithin.Milliseconds())
	first := make(map[int64]time.Time, len(rows))
	for _, r := range rows {
		first[r.Contact] = fromMillis(r.First)
	}
	return first, err
}

// wornOut returns how often the contacts with a soft bounce have bounced, of those for
// whom it is too often.
func (db *DB) wornOut(ctx context.Context, t *tx, heard []campaign.Feedback) (map[int64]int64, error) {
	if db.soft.Bounces <= 0 {
		return nil, nil
	}
	var contacts []int64
	first := int64(math.MaxInt64) // what is heard together is hardly apart
	for _, f := range heard {
		if f.Kind == campaign.SoftBounce {
			contacts = append(contacts, int64(f.Contact))
			first = min(first, millis(f.At))
		}
	}
	if len(contacts) == 0 {
		return nil, nil
	}
	var rows []struct{ Contact, N int64 }
	err := t.SelectContext(ctx, &rows, t.Rebind("SELECT contact, COUNT(*) AS n FROM feedback WHERE "+db.in("contact")+
		" AND kind = ? AND at > ? GROUP BY contact HAVING COUNT(*) >= ?"),
		db.array(contacts), int64(campaign.SoftBounce), first-db.soft.Within.Milliseconds(), db.soft.Bounces)
	worn := make(map[int64]int64, len(rows))
	for _, r := range rows {
		worn[r.Contact] = r.N
	}
	return worn, err
}

// suppressionsOf gives suppressions the addresses of the contacts that they are for, in
// order of contact; those that were erased have none.
func (db *DB) suppressionsOf(ctx context.Context, t *tx, because map[int64]campaign.Suppression) ([]campaign.Suppression, error) {
	contacts := make([]int64, 0, len(because))
	for c := range because {
		contacts = append(contacts, c)
	}
	var rows []struct {
		ID      int64
		Address string
	}
	if err := t.SelectContext(ctx, &rows, t.Rebind("SELECT id, address FROM contacts WHERE "+db.in("id")+" ORDER BY id"), db.array(contacts)); err != nil {
		return nil, err
	}
	entries := make([]campaign.Suppression, len(rows))
	for i, r := range rows {
		entries[i] = because[r.ID]
		entries[i].Email = r.Address
	}
	return entries, nil
}

// FeedbackCounts returns the kept counts of what was heard after a run's messages had
// been accepted, in order of lane and kind.
func (db *DB) FeedbackCounts(ctx context.Context, id campaign.RunID) ([]campaign.FeedbackCount, error) {
	var counts []campaign.FeedbackCount
	err := db.selectAll(ctx, &counts, "SELECT lane, kind, n FROM feedback_counts WHERE run = ? ORDER BY lane, kind", int64(id))
	if err != nil {
		return nil, fmt.Errorf("read what was heard of run %d: %w", id, err)
	}
	return counts, nil
}
