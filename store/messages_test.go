package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/store"
)

// template creates a campaign that is a template.
func template(t *testing.T, db *store.DB) campaign.Campaign {
	t.Helper()
	return must(db.CreateCampaign(t.Context(), campaign.Spec{Name: "welcome", Class: campaign.Transactional, Source: message.Source{Subject: "Hello"}}, now))(t)
}

func addMessage(t *testing.T, db *store.DB, run campaign.RunID, email, data string) campaign.Message {
	t.Helper()
	made, known, err := db.AddMessage(t.Context(), campaign.MessageRow{Run: run, Lane: 1, Email: email, Data: []byte(data)}, now)
	if err != nil || known {
		t.Fatalf("known %t, error %v", known, err)
	}
	return made
}

// A run stands open for messages beside the one before, which ends when its messages
// have; there is one for what the template is now.
func TestStandingRun(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		c := template(t, db)
		if _, run, err := db.StandingRun(ctx, "welcome"); run.ID != 0 || err != nil {
			t.Errorf("run %d, error %v", run.ID, err)
		}
		ids := make([]campaign.RunID, 4)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				run, err := db.OpenStandingRun(ctx, c.ID, now)
				if err != nil {
					t.Error(err)
				}
				ids[i] = run.ID
			})
		}
		wg.Wait()
		if slices.Min(ids) != slices.Max(ids) {
			t.Fatalf("runs %v", ids)
		}
		_, run, err := db.StandingRun(ctx, "welcome")
		if err != nil || run.ID != ids[0] || run.Standing != campaign.StandsOpen || !run.SnapshotDone || run.State != campaign.RunRunning {
			t.Fatalf("run %+v, error %v", run, err)
		}
		addMessage(t, db, run.ID, "ann@example.org", "{}")
		if finished := must(db.FinishRun(ctx, run.ID, now))(t); finished {
			t.Error("a run that stands open was finished")
		}
		edited := c.Spec
		edited.Subject = "Hi"
		must(db.UpdateCampaign(ctx, c.ID, edited, now))(t)
		next := must(db.OpenStandingRun(ctx, c.ID, now))(t)
		if next.ID == run.ID || next.Spec.Subject != "Hi" {
			t.Errorf("run %+v", next)
		}
		if _, _, err := db.AddMessage(ctx, campaign.MessageRow{Run: run.ID, Lane: 1, Email: "ann@example.org", Data: []byte("{}")}, now); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("a closed run took a message: %v", err)
		}
		if open := must(db.OpenRuns(ctx))(t); len(open) != 2 {
			t.Errorf("%d runs are open", len(open))
		}
		if err := db.CloseStandingRun(ctx, next.ID); err != nil {
			t.Fatal(err)
		}
		if finished := must(db.FinishRun(ctx, next.ID, now))(t); !finished {
			t.Error("a run without messages was not finished")
		}
	})
}

// A message is a row of its own in the ledger, and its person's in all else.
func TestMessagesAreTheirPersons(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		run := must(db.OpenStandingRun(ctx, template(t, db).ID, now))(t)
		first, second := addMessage(t, db, run.ID, "ANN@example.org", `{"code":"1"}`), addMessage(t, db, run.ID, "ann@example.org", `{"code":"2"}`)
		other := addMessage(t, db, run.ID, "new@example.org", `{}`)
		if first.Contact != 1 || first.Email != "Ann@example.org" || first.ID < campaign.FirstMessage || other.Contact < 5 {
			t.Errorf("messages %+v, %+v", first, other)
		}
		rows := must(db.WaitingAfter(ctx, run.ID, 1, 0, 10))(t)
		if len(rows) != 3 || string(rows[0].Attributes) != `{"code":"1"}` || rows[1].Email != "Ann@example.org" || rows[2].Email != "new@example.org" {
			t.Errorf("rows %+v", rows)
		}
		deferred := campaign.Event{Recipient: first.Recipient(), Attempt: 1, State: campaign.Deferred, Reason: campaign.Greylisted, At: now, Due: now.Add(time.Minute), Reply: "later"}
		gone := campaign.Event{Recipient: second.Recipient(), Attempt: 1, State: campaign.Accepted, At: now}
		if err := db.Apply(ctx, 0, 2, []campaign.Event{deferred, gone}); err != nil {
			t.Fatal(err)
		}
		due := must(db.DeferredDue(ctx, run.ID, time.Time{}, now.Add(time.Hour), 10))(t)
		if len(due) != 1 || string(due[0].Attributes) != `{"code":"1"}` {
			t.Errorf("due %+v", due)
		}
		state := must(db.MessageByID(ctx, first.ID))(t)
		if state.Row.State != campaign.Deferred || len(state.Attempts) != 1 || state.Attempts[0].Reply != "later" || state.Message != first {
			t.Errorf("state %+v", state)
		}
		history := must(db.HistoryOf(ctx, 1, campaign.Recipient{}, 10))(t)
		if len(history) != 2 || history[0].Row.Contact != campaign.ContactID(second.ID) || len(history[1].Attempts) != 1 {
			t.Errorf("history %+v", history)
		}
		if got := must(db.RecipientOf(ctx, run.ID, campaign.ContactID(second.ID)))(t); got.Email != "Ann@example.org" || got.State != campaign.Accepted {
			t.Errorf("recipient %+v", got)
		}
		if got := must(db.Recipients(ctx, run.ID, campaign.Accepted, campaign.Recipient{}, 10))(t); len(got) != 1 || got[0].Email != "Ann@example.org" {
			t.Errorf("recipients %+v", got)
		}
		if err := db.Heard(ctx, []campaign.Feedback{{Recipient: second.Recipient(), Kind: campaign.Complaint, Detail: "abuse", At: now}}); err != nil {
			t.Fatal(err)
		}
		if got, want := suppressed(t, db), []string{"ann@example.org: complained, abuse"}; !slices.Equal(got, want) {
			t.Errorf("suppressed %q, want %q", got, want)
		}
		must(db.Erase(ctx, "ann@example.org", now))(t)
		if _, err := db.MessageByID(ctx, first.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("an erased person's message is there: %v", err)
		}
		if got := must(db.DeferredDue(ctx, run.ID, time.Time{}, now.Add(time.Hour), 10))(t); len(got) != 1 || got[0].Email != "" {
			t.Errorf("due %+v", got)
		}
	})
}

// The data of a message goes with its outcome, or its run's end.
func TestMessageDataGoes(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		run := must(db.OpenStandingRun(ctx, template(t, db).ID, now))(t)
		sent := addMessage(t, db, run.ID, "ann@example.org", `{"code":"1"}`)
		addMessage(t, db, run.ID, "bob@example.org", `{"code":"2"}`)
		data := func() []string { return strs(t, rawDB(t, url), "SELECT data FROM messages ORDER BY id") }
		if err := db.Apply(ctx, 0, 1, []campaign.Event{{Recipient: sent.Recipient(), Attempt: 1, State: campaign.Accepted, At: now}}); err != nil {
			t.Fatal(err)
		}
		if got := data(); !slices.Equal(got, []string{"", `{"code":"2"}`}) {
			t.Errorf("data %q", got)
		}
		if p := must(db.PersonOf(ctx, "bob@example.org"))(t); len(p.Messages) != 1 || string(p.Messages[0].Data) != `{"code":"2"}` || p.Messages[0].Run != run.ID {
			t.Errorf("who waits for it is handed out %+v", p.Messages)
		}
		must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
		must(db.CancelOpen(ctx, run.ID, 100, now))(t)
		if got := data(); !slices.Equal(got, []string{"", ""}) {
			t.Errorf("data %q", got)
		}
	})
}

// At one time, one key makes one message.
func TestMessageKey(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := must(db.OpenStandingRun(ctx, template(t, db).ID, now))(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		fresh, ids := 0, map[campaign.MessageID]bool{}
		for range 6 {
			wg.Go(func() {
				made, known, err := db.AddMessage(ctx, campaign.MessageRow{Run: run.ID, Lane: 1, Email: "ann@example.org", Key: "k", Request: [32]byte{7}, Data: []byte("{}")}, now)
				mu.Lock()
				defer mu.Unlock()
				if err != nil || made.Request != [32]byte{7} {
					t.Errorf("made %+v, error %v", made, err)
				}
				ids[made.ID] = true
				if !known {
					fresh++
				}
			})
		}
		wg.Wait()
		if fresh != 1 || len(ids) != 1 {
			t.Errorf("%d messages were made: %v", fresh, ids)
		}
		if c := must(db.Counts(ctx, run.ID))(t); c.Planned != 1 || c != must(db.Recount(ctx, run.ID))(t) {
			t.Errorf("counts %+v", c)
		}
		if _, err := db.MessageByKey(ctx, ""); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("found by no key: %v", err)
		}
	})
}

// What somebody wants no more advertising for does not keep from them what is for them
// alone; all else does.
func TestUnwantedForThePersonAlone(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		must(db.Suppress(t.Context(), []campaign.Suppression{{Email: "ann@example.org", Reason: "unsubscribed"}, {Email: "bob@example.org", Reason: "complained"}}))(t)
		who := []campaign.Addressee{{Contact: 1, Email: "ann@example.org"}, {Contact: 2, Email: "Bob@example.org"}}
		if got := must(db.UnwantedOf(t.Context(), nil, who, now))(t); !slices.Equal(got, []campaign.Reason{campaign.NoReason, campaign.Suppressed}) {
			t.Errorf("unwanted %v", got)
		}
	})
}
