package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// testOf is a run of contacts 1 to n in lane 1 with an A/B test: of each three one gets A,
// one B, and one waits for the winner.
func testOf(t *testing.T, db *store.DB, name string, n int) (campaign.RunID, []campaign.Recipient) {
	t.Helper()
	run := must(db.CreateRun(t.Context(), newCampaign(t, db, name), campaign.RunRunning, now, now))(t)
	var rows []campaign.NewRecipient
	var who []campaign.Recipient
	for i := range n {
		c := campaign.ContactID(i + 1)
		rows = append(rows, campaign.NewRecipient{Lane: 1, Contact: c, Tested: true, Variant: campaign.Variant(i % 3)})
		who = append(who, campaign.Recipient{Run: run.ID, Lane: 1, Contact: c})
	}
	half := len(rows) / 2
	for i, page := range [][]campaign.NewRecipient{rows[:half], rows[half:]} {
		if err := db.AppendRecipients(t.Context(), run.ID, campaign.ContactID(i), campaign.ContactID(i+1), page, i == 1); err != nil {
			t.Fatal(err)
		}
	}
	return run.ID, who
}

// Whatever happens, the kept counts of the variants are those of the rows, and together
// the run's.
func TestVariantsBalance(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx, rng := t.Context(), rand.New(rand.NewPCG(3, 4))
		run, who := testOf(t, db, "may", 90)
		plain := newRun(t, db, "june", map[campaign.Lane]int{1: 5})
		var seq uint64
		for round := range 12 {
			var events []campaign.Event
			for range 1 + rng.IntN(30) {
				events = append(events, randomEvent(rng, who[rng.IntN(len(who))]))
			}
			first := randomEvent(rng, who[rng.IntN(len(who))])
			first.Attempt, first.State, first.Reason, first.Resent = 1, campaign.Accepted, 0, false
			events = append(events, first, campaign.Event{Recipient: campaign.Recipient{Run: plain.ID, Lane: 1, Contact: 1_000_001}, Attempt: uint16(round + 1), State: campaign.Deferred, At: now, Due: now})
			if err := db.Apply(ctx, seq, seq+1, events); err != nil {
				t.Fatal(err)
			}
			seq++
			if round == 8 {
				must(db.SetRunState(ctx, run, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
				for must(db.CancelOpen(ctx, run, 7, now))(t) > 0 {
				}
			}
			want := map[campaign.Variant]campaign.Counts{}
			for i, r := range must(db.RowsOf(ctx, who))(t) {
				if r.Variant != campaign.Variant(i%3) {
					t.Fatalf("contact %d has variant %q", r.Contact, r.Variant)
				}
				c := want[r.Variant]
				c.Add(r.State, 1)
				want[r.Variant] = c
			}
			var sum campaign.Counts
			for _, f := range must(db.VariantFigures(ctx, run))(t) {
				if f.Counts != want[f.Variant] || f.Counts.Planned != 30 {
					t.Fatalf("round %d: variant %q has %+v, the rows %+v", round, f.Variant, f.Counts, want[f.Variant])
				}
				for _, s := range campaign.States() {
					sum.Add(s, numberIn(f.Counts, s))
				}
			}
			all := must(db.Counts(ctx, run))(t)
			all.Resent = 0
			if sum != all {
				t.Fatalf("round %d: the variants have %+v, the run %+v", round, sum, all)
			}
		}
		if f := must(db.VariantFigures(ctx, plain.ID))(t); len(f) > 0 {
			t.Errorf("a run without a test has %+v", f)
		}
	})
}

func numberIn(c campaign.Counts, s campaign.State) int64 {
	return map[campaign.State]int64{
		campaign.Waiting: c.Waiting, campaign.Accepted: c.Accepted, campaign.Deferred: c.Deferred, campaign.Bounced: c.Bounced,
		campaign.Unknown: c.Unknown, campaign.Skipped: c.Skipped, campaign.Cancelled: c.Cancelled,
	}[s]
}

// What readers do is counted by variant: by the ledger where it is known who it was, by
// the link itself where not; machines apart; and so is what is heard.
func TestVariantsReaders(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		run, who := testOf(t, db, "may", 4) // contact 1 waits for the winner, 2 has A, 3 B, 4 waits
		var events []campaign.Event
		for _, r := range who {
			events = append(events, campaign.Event{Recipient: r, Attempt: 1, State: campaign.Accepted, Code: 250, At: now})
		}
		if err := db.Apply(ctx, 0, 1, events); err != nil {
			t.Fatal(err)
		}
		later := now.Add(time.Minute)
		hits := []campaign.Hit{
			{Run: run, Contact: 2, At: later}, {Run: run, Contact: 2, At: later.Add(time.Hour)}, {Run: run, Contact: 2, Link: 1, At: later},
			{Run: run, Contact: 2, Link: 2, At: later.Add(time.Hour)},
			{Run: run, Contact: 3, At: later}, {Run: run, Contact: 3, At: later, Evidence: campaign.PrivacyProxy},
			{Run: run, Contact: 1, At: later},
			{Run: run, Variant: campaign.VariantA + 1, At: later}, {Run: run, Variant: campaign.VariantA + 1, At: later},
			{Run: run, Variant: campaign.VariantA + 1, Link: 1, At: later, Evidence: campaign.HeadRequest},
		}
		if err := db.ApplyHits(ctx, 0, 1, hits); err != nil {
			t.Fatal(err)
		}
		heard := []campaign.Feedback{
			{Recipient: who[1], Kind: campaign.Complaint, At: later},
			{Recipient: who[2], Kind: campaign.HardBounce, At: later},
		}
		for range 2 {
			if err := db.Heard(ctx, heard); err != nil {
				t.Fatal(err)
			}
			if err := db.Leave(ctx, 3, 0, run, later); err != nil { // by the message's link
				t.Fatal(err)
			}
		}
		count := func(person, people, nameless, machine int64) campaign.ReaderCount {
			return campaign.ReaderCount{Person: person, People: people, Nameless: nameless, Machine: machine}
		}
		want := []campaign.VariantFigures{
			{Variant: campaign.NoVariant, Counts: campaign.Counts{Planned: 2, Accepted: 2}, Opens: campaign.VariantReaders{ReaderCount: count(1, 1, 0, 0)}},
			{Variant: campaign.VariantA, Counts: campaign.Counts{Planned: 1, Accepted: 1}, Opens: campaign.VariantReaders{ReaderCount: count(2, 1, 0, 0)},
				Clicks: campaign.VariantReaders{ReaderCount: count(2, 1, 0, 0)}, Complaints: 1},
			{Variant: campaign.VariantA + 1, Counts: campaign.Counts{Planned: 1, Accepted: 1}, Opens: campaign.VariantReaders{ReaderCount: count(3, 1, 2, 1)},
				Clicks: campaign.VariantReaders{ReaderCount: count(0, 0, 0, 1)}, Returned: 1, Unsubscribed: 1},
		}
		got := must(db.VariantFigures(ctx, run))(t)
		if len(got) != len(want) {
			t.Fatalf("%d variants: %+v", len(got), got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("variant %q:\n got %+v\nwant %+v", want[i].Variant, got[i], want[i])
			}
		}
	})
}
