package store_test

import (
	"testing"

	"broadside/campaign"
	"broadside/store"
)

// What an acceptance at the first attempt does to rows that are not, or are no longer, as
// the snapshot made them, or that another event of the batch is about.
func TestAcceptanceFindsItsRowTouched(t *testing.T) {
	event := func(attempt uint16, s campaign.State, r campaign.Reason) campaign.Event {
		return campaign.Event{Attempt: attempt, State: s, Reason: r, Code: 250, At: now, Due: now}
	}
	accepted := event(1, campaign.Accepted, campaign.NoReason)
	deferred := event(1, campaign.Deferred, campaign.MailboxFull)
	inDoubt := event(1, campaign.Unknown, campaign.PossiblyAccepted)
	second := event(2, campaign.Bounced, campaign.UserUnknown)
	cases := map[string]struct {
		before, batch []campaign.Event
		cancelled     bool
		want          campaign.State
		attempts      uint16
	}{
		"alone":                         {batch: []campaign.Event{accepted}, want: campaign.Accepted, attempts: 1},
		"twice in a batch":              {batch: []campaign.Event{accepted, accepted}, want: campaign.Accepted, attempts: 1},
		"three times in a batch":        {batch: []campaign.Event{accepted, accepted, accepted}, want: campaign.Accepted, attempts: 1},
		"once more, later":              {before: []campaign.Event{accepted}, batch: []campaign.Event{accepted}, want: campaign.Accepted, attempts: 1},
		"after a deferral of the batch": {batch: []campaign.Event{deferred, accepted}, want: campaign.Deferred, attempts: 1},
		"before one":                    {batch: []campaign.Event{accepted, deferred}, want: campaign.Accepted, attempts: 1},
		"after its successor":           {batch: []campaign.Event{second, accepted}, want: campaign.Bounced, attempts: 2},
		"before its successor":          {batch: []campaign.Event{accepted, second}, want: campaign.Accepted, attempts: 1},
		"after a deferral":              {before: []campaign.Event{deferred}, batch: []campaign.Event{accepted}, want: campaign.Deferred, attempts: 1},
		"after doubt":                   {before: []campaign.Event{inDoubt}, batch: []campaign.Event{accepted}, want: campaign.Unknown, attempts: 1},
		"after a cancellation":          {cancelled: true, batch: []campaign.Event{accepted}, want: campaign.Accepted, attempts: 1},
		"of a cancelled run, twice":     {cancelled: true, batch: []campaign.Event{accepted, accepted}, want: campaign.Accepted, attempts: 1},
	}
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		var seq uint64
		for name, c := range cases {
			run := newRun(t, db, name, map[campaign.Lane]int{1: 3})
			who := campaign.Recipient{Run: run.ID, Lane: 1, Contact: 1_000_002}
			apply := func(events []campaign.Event) {
				t.Helper()
				batch := []campaign.Event{{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: 7}, Attempt: 1, State: campaign.Accepted, At: now}} // a stranger
				for _, e := range events {
					e.Recipient = who
					batch = append(batch, e)
				}
				if err := db.Apply(ctx, seq, seq+1, batch); err != nil {
					t.Fatal(err)
				}
				seq++
			}
			apply(c.before)
			if c.cancelled {
				must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
				for must(db.CancelOpen(ctx, run.ID, 7, now))(t) > 0 {
				}
			}
			apply(c.batch)
			if row := must(db.RowsOf(ctx, []campaign.Recipient{who}))(t)[0]; row.State != c.want || row.Attempts != c.attempts {
				t.Errorf("%s: %v after %d attempts, want %v after %d", name, row.State, row.Attempts, c.want, c.attempts)
			}
			checkCounts(t, db, run.ID)
		}
	})
}
