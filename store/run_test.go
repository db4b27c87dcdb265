package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery"
	"broadside/store"
)

// newCampaign makes a campaign to the list news, which is made if it is not there.
func newCampaign(t testing.TB, db *store.DB, name string) campaign.Campaign {
	t.Helper()
	if _, err := db.CreateList(context.Background(), "news", now); err != nil && !errors.Is(err, campaign.ErrExists) {
		t.Fatal(err)
	}
	spec := campaign.Spec{
		Name:   name,
		Source: message.Source{From: "news@example.org", Subject: "Hi", Attachments: []message.File{{Name: "a.bin", Data: []byte{0, 1, 255}}}},
		Lists:  []string{"news"},
		GiveUp: campaign.Duration(72 * time.Hour),
	}
	return must(db.CreateCampaign(context.Background(), spec, now))(t)
}

// newRun starts a run with a ledger of waiting rows, the snapshot done: lanes by
// contact, each with contacts 1 to n.
func newRun(t testing.TB, db *store.DB, name string, lanes map[campaign.Lane]int) campaign.Run {
	t.Helper()
	ctx := context.Background()
	run := must(db.CreateRun(ctx, newCampaign(t, db, name), campaign.RunRunning, now, now))(t)
	var rows []campaign.NewRecipient
	for lane, n := range lanes {
		for i := range n {
			rows = append(rows, campaign.NewRecipient{Lane: lane, Contact: campaign.ContactID(int(lane)*1_000_000 + i + 1)})
		}
	}
	if err := db.AppendRecipients(ctx, run.ID, 0, 1, rows, true); err != nil {
		t.Fatal(err)
	}
	return must(db.RunByID(ctx, run.ID))(t)
}

func TestCampaigns(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		c := newCampaign(t, db, "may")
		if _, err := db.CreateCampaign(ctx, c.Spec, now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("same name: %v", err)
		}
		june := newCampaign(t, db, "june")
		spec := c.Spec
		spec.Name = "june"
		if _, err := db.UpdateCampaign(ctx, c.ID, spec, now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("name of another: %v", err)
		}
		if _, err := db.UpdateCampaign(ctx, 99, spec, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no campaign: %v", err)
		}
		run := must(db.CreateRun(ctx, c, campaign.RunScheduled, now.Add(time.Hour), now))(t)
		spec.Name, spec.Subject = "may", "Changed"
		later := now.Add(time.Minute)
		updated := must(db.UpdateCampaign(ctx, c.ID, spec, later))(t)
		if updated.Spec.Subject != "Changed" || !updated.Updated.Equal(later) || !updated.Created.Equal(now) {
			t.Errorf("updated %+v", updated)
		}
		// A second handle has nothing cached.
		fresh := open(t, url)
		if r := must(fresh.RunByID(ctx, run.ID))(t); r.Spec.Subject != "Hi" || string(r.Spec.Attachments[0].Data) != "\x00\x01\xff" || r.Spec.GiveUp != c.Spec.GiveUp || !r.StartAt.Equal(now.Add(time.Hour)) {
			t.Errorf("the run has lost its spec: %+v", r)
		}
		if got := must(fresh.CampaignByName(ctx, "may"))(t); got.Spec.Subject != "Changed" {
			t.Errorf("campaign %+v", got)
		}
		spec.Subject = "Changed again"
		must(db.UpdateCampaign(ctx, c.ID, spec, later))(t)
		if n := len(allRows(t, rawDB(t, url), "specs")); n != 3 {
			t.Errorf("%d specs are kept, want may's, june's and the run's", n)
		}
		page := must(db.Campaigns(ctx, false, 0, 1))(t)
		if len(page) != 1 || page[0].ID != june.ID {
			t.Fatalf("first page %+v", page)
		}
		if page = must(db.Campaigns(ctx, false, june.ID, 5))(t); len(page) != 1 || page[0].ID != c.ID {
			t.Errorf("second page %+v", page)
		}
		if _, err := db.CampaignByName(ctx, "nope"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no campaign: %v", err)
		}
	})
}

func TestArchive(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		may, june := newCampaign(t, db, "may"), newCampaign(t, db, "june")
		run := must(db.CreateRun(ctx, may, campaign.RunScheduled, now.Add(time.Hour), now))(t)
		if _, err := db.ArchiveCampaign(ctx, may.ID, now); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("with an open run: %v", err)
		}
		if _, err := db.ArchiveCampaign(ctx, 99, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no campaign: %v", err)
		}
		must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunScheduled}, campaign.RunCancelled, "", now))(t)
		if c := must(db.ArchiveCampaign(ctx, may.ID, now))(t); !c.Archived.Equal(now) || c.Spec.Name != "may" {
			t.Errorf("archived %+v", c)
		}
		if page := must(db.Campaigns(ctx, true, 0, 5))(t); len(page) != 1 || page[0].ID != may.ID {
			t.Errorf("the archive has %+v", page)
		}
		if page := must(db.Campaigns(ctx, false, 0, 5))(t); len(page) != 1 || page[0].ID != june.ID {
			t.Errorf("in use are %+v", page)
		}
		if c := must(db.ArchiveCampaign(ctx, may.ID, time.Time{}))(t); !c.Archived.IsZero() {
			t.Errorf("restored %+v", c)
		}
	})
}

func TestForecastOfARun(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		if fastest := must(db.FastestRun(ctx))(t); fastest != 0 {
			t.Errorf("without a run: %v", fastest)
		}
		run := newRun(t, db, "may", map[campaign.Lane]int{campaign.LaneGoogle: 12})
		f := campaign.Forecast{Lasts: 90 * time.Minute, Bound: "Gmail"}
		if err := db.SetForecast(ctx, run.ID, f); err != nil {
			t.Fatal(err)
		}
		if got := must(db.RunByID(ctx, run.ID))(t); got.Forecast != f {
			t.Errorf("kept %+v", got.Forecast)
		}
		if fastest := must(db.FastestRun(ctx))(t); fastest != 0 {
			t.Errorf("a run under way tells %v", fastest)
		}
	})
}

// A recurrence keeps the spec that it was turned on with, and its time makes one run.
func TestRecurrences(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		c := newCampaign(t, db, "may")
		if _, err := db.RecurrenceOf(ctx, c.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		due := now.Add(time.Hour)
		r := must(db.SetRecurrence(ctx, c, due))(t)
		edited := c.Spec
		edited.Subject = "Edited"
		must(db.UpdateCampaign(ctx, c.ID, edited, now))(t)
		fresh := open(t, url)
		if r = must(fresh.RecurrenceOf(ctx, c.ID))(t); r.Spec.Subject != "Hi" || !r.Next.Equal(due) {
			t.Errorf("kept %+v", r)
		}
		if _, err := db.ArchiveCampaign(ctx, c.ID, now); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("archived while it repeats: %v", err)
		}
		if early := must(db.DueRecurrences(ctx, due.Add(-1)))(t); len(early) != 0 {
			t.Errorf("due early: %+v", early)
		}
		if list := must(db.DueRecurrences(ctx, due))(t); len(list) != 1 || list[0].Campaign != c.ID {
			t.Fatalf("due %+v", list)
		}
		next := r
		next.Next = due.Add(time.Hour)
		var runs sync.Map
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				run, moved, err := db.Recur(ctx, r, next, due, due)
				if err != nil {
					t.Error(err)
				}
				if moved {
					runs.Store(run, true)
				}
			})
		}
		wg.Wait()
		n := 0
		runs.Range(func(any, any) bool { n++; return true })
		run := must(db.LatestRun(ctx, c.ID))(t)
		if n != 1 || run.Spec.Subject != "Hi" || run.State != campaign.RunRunning || !run.StartAt.Equal(due) {
			t.Errorf("%d runs, the last %+v", n, run)
		}
		later := next
		later.Next = next.Next.Add(time.Hour)
		if id, moved, err := db.Recur(ctx, next, later, next.Next, next.Next); id != 0 || !moved || err != nil {
			t.Errorf("with an open run: %d, %v, %v", id, moved, err)
		}
		if got := must(db.RecurrenceOf(ctx, c.ID))(t); !got.Next.Equal(later.Next) || got.Note == "" {
			t.Errorf("nothing is told of the open run: %+v", got)
		}
		if err := db.StopRecurrence(ctx, c.ID); err != nil {
			t.Error(err)
		}
		if err := db.StopRecurrence(ctx, c.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("stopped twice: %v", err)
		}
	})
}

func TestRunStates(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		c := newCampaign(t, db, "may")
		if _, err := db.LatestRun(ctx, c.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no run: %v", err)
		}
		run := must(db.CreateRun(ctx, c, campaign.RunScheduled, now.Add(time.Hour), now))(t)
		if _, err := db.CreateRun(ctx, c, campaign.RunRunning, now, now); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("second open run: %v", err)
		}
		if ok := must(db.StartRun(ctx, run.ID, now))(t); !ok {
			t.Error("not started")
		}
		if ok := must(db.StartRun(ctx, run.ID, now))(t); ok {
			t.Error("started twice")
		}
		if ok := must(db.FinishRun(ctx, run.ID, now))(t); ok {
			t.Error("finished before its snapshot")
		}
		set := func(from []campaign.RunState, to campaign.RunState, note string) (campaign.Run, error) {
			return db.SetRunState(ctx, run.ID, from, to, note, now.Add(time.Minute))
		}
		running, paused := []campaign.RunState{campaign.RunRunning}, []campaign.RunState{campaign.RunPaused}
		if r := must(set(running, campaign.RunPaused, "too many bounces"))(t); r.Note != "too many bounces" || r.Epoch != 0 {
			t.Errorf("paused %+v", r)
		}
		if _, err := set(running, campaign.RunPaused, ""); !errors.Is(err, campaign.ErrConflict) || err.Error() != "set run 1 to paused: it is paused: not possible in its present state" {
			t.Errorf("paused twice: %v", err)
		}
		if r := must(set(paused, campaign.RunRunning, ""))(t); r.Epoch != 1 || r.Note != "" || !r.Started.Equal(now) {
			t.Errorf("resumed %+v", r)
		}
		if open := must(db.OpenRuns(ctx))(t); len(open) != 1 || open[0].Spec.Name != "may" {
			t.Errorf("open %+v", open)
		}
		if r := must(set(running, campaign.RunCancelled, "by hand"))(t); r.Open() || r.Finished.IsZero() {
			t.Errorf("cancelled %+v", r)
		}
		if open := must(db.OpenRuns(ctx))(t); len(open) != 0 {
			t.Errorf("open %+v", open)
		}
		second := must(db.CreateRun(ctx, c, campaign.RunRunning, time.Time{}, now))(t)
		if r := must(db.LatestRun(ctx, c.ID))(t); r.ID != second.ID || !r.Started.Equal(now) || !r.StartAt.IsZero() {
			t.Errorf("latest %+v", r)
		}
		if runs := must(db.Runs(ctx, 0, 10))(t); len(runs) != 2 || runs[0].ID != second.ID {
			t.Errorf("runs %+v", runs)
		}
		if runs := must(db.Runs(ctx, second.ID, 10))(t); len(runs) != 1 || runs[0].ID != run.ID {
			t.Errorf("runs before the second %+v", runs)
		}
		if _, err := db.RunByID(ctx, 99); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no run: %v", err)
		}
		if _, err := db.SetRunState(ctx, 99, running, campaign.RunPaused, "", now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no run: %v", err)
		}
	})
}

func TestSnapshotAndFinish(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := must(db.CreateRun(ctx, newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
		page := []campaign.NewRecipient{{Lane: 1, Contact: 5}, {Lane: 2, Contact: 6, State: campaign.Skipped, Reason: campaign.Suppressed}}

		// Two planners race for one page.
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = db.AppendRecipients(ctx, run.ID, 0, 6, page, false) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, campaign.ErrConflict) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d won", won)
		}
		if err := db.AppendRecipients(ctx, run.ID, 6, 9, []campaign.NewRecipient{{Lane: 1, Contact: 9}}, true); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecipients(ctx, run.ID, 9, 10, nil, false); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("after the end: %v", err)
		}
		if r := must(db.RunByID(ctx, run.ID))(t); r.SnapshotCursor != 9 || !r.SnapshotDone {
			t.Errorf("run %+v", r)
		}
		want := []campaign.LaneCount{{Lane: 1, State: campaign.Waiting, N: 2}, {Lane: 2, State: campaign.Skipped, Reason: campaign.Suppressed, N: 1}}
		if lanes := must(db.RunLanes(ctx, run.ID))(t); !slices.Equal(lanes, want) {
			t.Errorf("lanes %+v", lanes)
		}
		if ok := must(db.FinishRun(ctx, run.ID, now))(t); ok {
			t.Error("finished with recipients waiting")
		}
		accept := func(c campaign.ContactID) campaign.Event {
			return campaign.Event{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: c}, Attempt: 1, State: campaign.Accepted, At: now}
		}
		if err := db.Apply(ctx, 0, 2, []campaign.Event{accept(5), accept(9)}); err != nil {
			t.Fatal(err)
		}
		if ok := must(db.FinishRun(ctx, run.ID, now))(t); !ok {
			t.Error("not finished")
		}
		if c := must(db.Counts(ctx, run.ID))(t); c != (campaign.Counts{Planned: 3, Accepted: 2, Skipped: 1}) {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestFeed(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		list := newList(t, db, "news")
		runImport(t, db, list, false, row(1, "Ann@example.org", `{"name":"Ann"}`), row(2, "bob@example.org", `{}`))
		run := must(db.CreateRun(ctx, newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
		rows := []campaign.NewRecipient{{Lane: 1, Contact: 1}, {Lane: 1, Contact: 2}, {Lane: 1, Contact: 77}, {Lane: 2, Contact: 78}}
		if err := db.AppendRecipients(ctx, run.ID, 0, 78, rows, true); err != nil {
			t.Fatal(err)
		}
		got := must(db.WaitingAfter(ctx, run.ID, 1, 0, 2))(t)
		if len(got) != 2 || got[0].Email != "Ann@example.org" || string(got[0].Attributes) != `{"name":"Ann"}` || !got[0].FirstTried.IsZero() || got[1].Contact != 2 {
			t.Errorf("waiting %+v", got)
		}
		if got = must(db.WaitingAfter(ctx, run.ID, 1, 2, 2))(t); len(got) != 1 || got[0].Email != "" || got[0].Contact != 77 {
			t.Errorf("an erased contact %+v", got)
		}
		deferred := func(c campaign.ContactID, attempt uint16, at, due time.Duration, resent bool) campaign.Event {
			return campaign.Event{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: c}, Attempt: attempt, State: campaign.Deferred, Reason: campaign.Greylisted, At: now.Add(at), Due: now.Add(due), Resent: resent}
		}
		err := db.Apply(ctx, 0, 3, []campaign.Event{deferred(1, 1, 0, time.Hour, true), deferred(2, 1, 0, 2*time.Minute, false), deferred(1, 2, time.Second, time.Minute, false)})
		if err != nil {
			t.Fatal(err)
		}
		due := must(db.DeferredDue(ctx, run.ID, time.Time{}, now.Add(2*time.Minute), 10))(t)
		if len(due) != 1 {
			t.Fatalf("due %+v", due)
		}
		want := campaign.FeedRow{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: 1}, State: campaign.Deferred, Attempts: 2, Due: now.Add(time.Minute), FirstTried: now, Resent: true, Email: "Ann@example.org"}
		got1 := due[0]
		got1.Attributes = nil
		if fmt.Sprint(got1) != fmt.Sprint(want) {
			t.Errorf("due %+v, want %+v", got1, want)
		}
		if due = must(db.DeferredDue(ctx, run.ID, time.Time{}, now.Add(time.Hour), 1))(t); len(due) != 1 || due[0].Contact != 1 {
			t.Errorf("oldest first: %+v", due)
		}
		for from, want := range map[time.Duration]int{time.Minute: 1, time.Minute + time.Millisecond: 0} {
			if due = must(db.DeferredDue(ctx, run.ID, now.Add(from), now.Add(2*time.Minute), 10))(t); len(due) != want {
				t.Errorf("due from %s on: %+v", from, due)
			}
		}
	})
}

func TestCancelOpen(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := newRun(t, db, "may", map[campaign.Lane]int{1: 5, 2: 5})
		at := func(lane campaign.Lane, n int) campaign.Recipient {
			return campaign.Recipient{Run: run.ID, Lane: lane, Contact: campaign.ContactID(int(lane)*1_000_000 + n)}
		}
		err := db.Apply(ctx, 0, 2, []campaign.Event{
			{Recipient: at(1, 2), Attempt: 1, State: campaign.Accepted, At: now},
			{Recipient: at(1, 3), Attempt: 1, State: campaign.Deferred, Reason: campaign.ServerBusy, At: now, Due: now, Resent: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := must(db.CancelOpen(ctx, run.ID, 10, now))(t); n != 0 {
			t.Errorf("cancelled %d of a running run", n)
		}
		must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
		if open := must(db.OpenRuns(ctx))(t); len(open) != 1 {
			t.Errorf("a cancelled run with open recipients is to be seen: %+v", open)
		}
		var steps []int64
		for {
			n := must(db.CancelOpen(ctx, run.ID, 4, now))(t)
			checkCounts(t, db, run.ID)
			if n == 0 {
				break
			}
			steps = append(steps, n)
		}
		if !slices.Equal(steps, []int64{4, 4, 1}) {
			t.Errorf("steps %v", steps)
		}
		if open := must(db.OpenRuns(ctx))(t); len(open) != 0 {
			t.Errorf("open %+v", open)
		}

		// What was in flight arrives: final outcomes count, retries do not.
		err = db.Apply(ctx, 2, 6, []campaign.Event{
			{Recipient: at(2, 1), Attempt: 1, State: campaign.Accepted, At: now},
			{Recipient: at(2, 2), Attempt: 1, State: campaign.Deferred, At: now, Due: now},
			{Recipient: at(1, 3), Attempt: 1, State: campaign.Accepted, At: now},                              // a repetition
			{Recipient: at(1, 3), Attempt: 2, State: campaign.Bounced, Reason: campaign.UserUnknown, At: now}, // a copy was in doubt, and is
			{Recipient: at(2, 3), Attempt: 1, State: campaign.Deferred, Reason: campaign.PossiblyAccepted, At: now, Due: now},
		})
		if err != nil {
			t.Fatal(err)
		}
		checkCounts(t, db, run.ID)
		if c := must(db.Counts(ctx, run.ID))(t); c != (campaign.Counts{Planned: 10, Accepted: 2, Unknown: 2, Cancelled: 6, Resent: 1}) {
			t.Errorf("counts %+v", c)
		}
		if err := db.AppendRecipients(ctx, run.ID, 1, 2, nil, true); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("append to a cancelled run: %v", err)
		}
	})
}

// checkCounts holds the kept counts against the rows, and the ledger equation.
func checkCounts(t testing.TB, db *store.DB, id campaign.RunID) {
	t.Helper()
	kept := must(db.Counts(context.Background(), id))(t)
	counted := must(db.Recount(context.Background(), id))(t)
	if kept != counted || !kept.Balanced() {
		t.Fatalf("kept counts %+v, rows %+v", kept, counted)
	}
}

func TestRacingRecorders(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		run := newRun(t, db, "may", map[campaign.Lane]int{1: 10})
		handles := []*store.DB{db, open(t, url), open(t, url)}
		errs := make([]error, len(handles))
		var wg sync.WaitGroup
		for i, h := range handles {
			wg.Go(func() {
				errs[i] = h.Apply(ctx, 0, 10, []campaign.Event{{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: 1_000_001}, Attempt: uint16(i + 1), State: campaign.Deferred, Reply: "later", At: now, Due: now}})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, delivery.ErrCheckpoint) {
				t.Error(err)
			}
		}
		if seq := must(db.Checkpoint(ctx))(t); won != 1 || seq != 10 {
			t.Errorf("%d won, checkpoint %d", won, seq)
		}
		checkCounts(t, db, run.ID)

		if err := db.ResetCheckpoint(ctx, 9, 0); !errors.Is(err, delivery.ErrCheckpoint) {
			t.Errorf("reset from elsewhere: %v", err)
		}
		if err := db.ResetCheckpoint(ctx, 10, 0); err != nil {
			t.Error(err)
		}
		if seq := must(db.Checkpoint(ctx))(t); seq != 0 {
			t.Errorf("checkpoint %d", seq)
		}
	})
}
