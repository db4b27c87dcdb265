package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// people imports ann, bob, cid and dan as the contacts 1 to 4.
func people(t *testing.T, db *store.DB) {
	t.Helper()
	runImport(t, db, newList(t, db, "a"), false, row(1, "Ann@example.org", `{}`), row(2, "bob@example.org", `{}`), row(3, "cid@example.org", `{}`), row(4, "dan@example.org", `{}`))
}

// runOfPeople is a run with the contacts 1 to 4, and 99, who was erased, in lane 1.
func runOfPeople(t *testing.T, db *store.DB, name string) campaign.RunID {
	t.Helper()
	run := must(db.CreateRun(t.Context(), newCampaign(t, db, name), campaign.RunRunning, now, now))(t)
	rows := []campaign.NewRecipient{{Lane: 1, Contact: 1}, {Lane: 1, Contact: 2}, {Lane: 1, Contact: 3}, {Lane: 1, Contact: 4}, {Lane: 1, Contact: 99}}
	if err := db.AppendRecipients(t.Context(), run.ID, 0, 1, rows, true); err != nil {
		t.Fatal(err)
	}
	return run.ID
}

// suppressed lists the suppression list as "address: reason, detail".
func suppressed(t *testing.T, db *store.DB) []string {
	t.Helper()
	var list []string
	for _, s := range must(db.Suppressions(context.Background(), 0, 100))(t) {
		list = append(list, s.Email+": "+s.Reason+", "+s.Detail)
	}
	return list
}

// B2, B5: who complains or is gone is suppressed, once, and all is counted by lane.
func TestHeard(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		people(t, db)
		run := runOfPeople(t, db, "may")
		who := func(c campaign.ContactID) campaign.Recipient {
			return campaign.Recipient{Run: run, Lane: 1, Contact: c}
		}
		heard := []campaign.Feedback{
			{Recipient: who(1), Kind: campaign.HardBounce, Detail: "550 no such user", At: now},
			{Recipient: who(2), Kind: campaign.Complaint, Detail: "abuse", At: now},
			{Recipient: who(3), Kind: campaign.SoftBounce, Detail: "full", At: now},
			{Recipient: who(4), Kind: campaign.Refusal, Detail: "spam", At: now},
			{Recipient: who(99), Kind: campaign.Complaint, Detail: "abuse", At: now},
		}
		for range 2 { // the second time everything is a repetition
			if err := db.Heard(t.Context(), heard); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := suppressed(t, db), []string{"ann@example.org: bounced, 550 no such user", "bob@example.org: complained, abuse"}; !slices.Equal(got, want) {
			t.Errorf("suppressed %q, want %q", got, want)
		}
		want := []campaign.FeedbackCount{{Lane: 1, Kind: campaign.SoftBounce, N: 1}, {Lane: 1, Kind: campaign.HardBounce, N: 1}, {Lane: 1, Kind: campaign.Refusal, N: 1}, {Lane: 1, Kind: campaign.Complaint, N: 2}}
		if got := must(db.FeedbackCounts(t.Context(), run))(t); !slices.Equal(got, want) {
			t.Errorf("counts %+v, want %+v", got, want)
		}
	})
}

// Soft bounces of enough runs within the time suppress; refusals never do, nor do soft
// bounces that are further apart. Those of replies and those that come later add up.
func TestSoftBouncesAddUp(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, url string) {
		ctx := t.Context()
		db := must(store.Open(ctx, url, store.Options{SoftBounces: campaign.SoftRule{Bounces: 3, Within: 30 * 24 * time.Hour}}))(t)
		defer db.Close()
		people(t, db)
		days := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
		for i, name := range []string{"may", "june", "july"} {
			run := runOfPeople(t, db, name)
			who := func(c campaign.ContactID) campaign.Recipient {
				return campaign.Recipient{Run: run, Lane: 1, Contact: c}
			}
			full := campaign.Event{Recipient: who(1), Attempt: 1, State: campaign.Bounced, Reason: campaign.MailboxFull, Code: 552, Enhanced: "5.2.2", Reply: "over quota", At: days(i)}
			blocked := campaign.Event{Recipient: who(2), Attempt: 1, State: campaign.Bounced, Reason: campaign.Blocked, Code: 550, Enhanced: "5.7.1", Reply: "blocked", At: days(i)}
			heard := []campaign.Feedback{{Recipient: who(3), Kind: campaign.SoftBounce, Detail: "full", At: days(20 * i)}}
			if i == 2 {
				full.State = campaign.Accepted
				heard = append(heard, campaign.Feedback{Recipient: who(1), Kind: campaign.SoftBounce, Detail: "full after all", At: days(i)})
			}
			seq := must(db.Checkpoint(ctx))(t)
			if err := db.Apply(ctx, seq, seq+2, []campaign.Event{full, blocked}); err != nil {
				t.Fatal(err)
			}
			if i == 1 && len(suppressed(t, db)) != 0 {
				t.Errorf("after two: %q", suppressed(t, db))
			}
			for _, f := range append(heard, heard...) { // each of them twice
				if err := db.Heard(ctx, []campaign.Feedback{f}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, want := suppressed(t, db), []string{"ann@example.org: bounced, 3 soft bounces, the last: full after all"}; !slices.Equal(got, want) {
			t.Errorf("suppressed %q, want %q", got, want)
		}
	})
}

// B5: a refusal that ends a mailbox suppresses in the transaction of its event: a batch
// that is not applied suppresses nobody, and a repetition brings nobody back.
func TestHardRefusalsSuppressWithTheLedger(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		run := runOfPeople(t, db, "may")
		event := func(c campaign.ContactID, s campaign.State, r campaign.Reason, code uint16, enhanced, reply string) campaign.Event {
			return campaign.Event{Recipient: campaign.Recipient{Run: run, Lane: 1, Contact: c}, Attempt: 1, State: s, Reason: r, Code: code, Enhanced: enhanced, Reply: reply, At: now}
		}
		events := []campaign.Event{
			event(1, campaign.Bounced, campaign.UserUnknown, 550, "5.1.1", "no such user"),
			event(2, campaign.Deferred, campaign.UserUnknown, 450, "4.1.1", "unknown for now"),
			event(3, campaign.Bounced, campaign.Blocked, 550, "5.7.1", "your IP is blocked"),
			event(4, campaign.Bounced, campaign.UserUnknown, 550, "5.7.1", "user unknown, says policy"),
			event(99, campaign.Bounced, campaign.UserUnknown, 550, "5.1.1", "no such user"),
		}
		if err := db.Apply(ctx, 7, 12, events); err == nil {
			t.Fatal("applied at a checkpoint that is not there")
		}
		if got := suppressed(t, db); len(got) != 0 {
			t.Errorf("suppressed without the ledger: %q", got)
		}
		if err := db.Apply(ctx, 0, 5, events); err != nil {
			t.Fatal(err)
		}
		if got, want := suppressed(t, db), []string{"ann@example.org: bounced, no such user"}; !slices.Equal(got, want) {
			t.Errorf("suppressed %q, want %q", got, want)
		}
		if err := db.Unsuppress(ctx, "ann@example.org"); err != nil {
			t.Fatal(err)
		}
		if err := db.Apply(ctx, 5, 10, events); err != nil {
			t.Fatal(err)
		}
		if got := suppressed(t, db); len(got) != 0 {
			t.Errorf("a repetition suppressed %q", got)
		}
		if got := must(db.FeedbackCounts(ctx, run))(t); len(got) != 0 {
			t.Errorf("counted as heard later: %+v", got)
		}
	})
}
