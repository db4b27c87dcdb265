package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// modelApply is campaign.Event's rule, written down a second time.
func modelApply(r *campaign.Row, e campaign.Event) bool {
	if e.Attempt <= r.Attempts {
		return false
	}
	switch r.State {
	case campaign.Waiting, campaign.Deferred:
	case campaign.Cancelled:
		if e.Reason == campaign.PossiblyAccepted {
			e.State = campaign.Unknown
		}
		if e.State == campaign.Deferred {
			return false
		}
	case campaign.Unknown:
		if e.State != campaign.Accepted {
			return false
		}
	default:
		return false
	}
	*r = campaign.Row{Recipient: r.Recipient, State: e.State, Reason: e.Reason, Attempts: e.Attempt, Code: e.Code, Enhanced: e.Enhanced, Reply: e.Reply, At: e.At, Due: e.Due, Resent: r.Resent || e.Resent}
	if e.State == campaign.Accepted {
		r.Reply = ""
	}
	if e.State != campaign.Deferred {
		r.Due = time.Time{}
	}
	return true
}

func randomEvent(rng *rand.Rand, who campaign.Recipient) campaign.Event {
	states := []campaign.State{campaign.Accepted, campaign.Deferred, campaign.Deferred, campaign.Bounced, campaign.Unknown, campaign.Skipped}
	e := campaign.Event{
		Recipient: who,
		Attempt:   uint16(1 + rng.IntN(4)),
		State:     states[rng.IntN(len(states))],
		Reason:    []campaign.Reason{0, 1, 2, 3, 4, campaign.PossiblyAccepted}[rng.IntN(6)],
		Code:      uint16(200 + rng.IntN(360)),
		Enhanced:  []string{"", "2.0.0", "4.7.28", "5.1.1"}[rng.IntN(4)],
		Reply:     []string{"", "no such user", "try again later", "over quota"}[rng.IntN(4)],
		Host:      "mx.example.org [203.0.113.7]",
		At:        now.Add(time.Duration(rng.IntN(1e6)) * time.Millisecond),
		Resent:    rng.IntN(10) == 0,
	}
	if e.State == campaign.Deferred {
		e.Due = e.At.Add(time.Minute)
	}
	return e
}

// Random events, in batches with several events for a row, with repetitions and a
// cancellation in between: the store and the model stay equal, and so do the kept
// counts and the rows.
func TestApplyAgainstModel(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		rng := rand.New(rand.NewPCG(1, 2))
		runs := []campaign.Run{newRun(t, db, "may", map[campaign.Lane]int{1: 40, 101: 20}), newRun(t, db, "june", map[campaign.Lane]int{1: 30})}
		model := make(map[campaign.Recipient]*campaign.Row)
		var who []campaign.Recipient
		for i, r := range runs {
			for lane, n := range []map[campaign.Lane]int{{1: 40, 101: 20}, {1: 30}}[i] {
				for c := range n {
					id := campaign.Recipient{Run: r.ID, Lane: lane, Contact: campaign.ContactID(int(lane)*1_000_000 + c + 1)}
					who = append(who, id)
					model[id] = &campaign.Row{Recipient: id}
				}
			}
		}
		stranger := campaign.Recipient{Run: 99, Lane: 1, Contact: 1}
		history := make(map[campaign.Recipient]int)
		var seq uint64
		var before []campaign.Event
		for round := range 25 {
			events := []campaign.Event{randomEvent(rng, stranger)}
			for range 1 + rng.IntN(30) {
				events = append(events, randomEvent(rng, who[rng.IntN(len(who))]))
			}
			if round%3 == 2 {
				events = append(events, before...) // a repetition of the last batch
			}
			if err := db.Apply(ctx, seq, seq+uint64(len(events)), events); err != nil {
				t.Fatal(err)
			}
			seq += uint64(len(events))
			before = events
			for _, e := range events {
				if r := model[e.Recipient]; r != nil && modelApply(r, e) && (e.State != campaign.Accepted || e.Reason != 0 || e.Resent) {
					history[e.Recipient]++
				}
			}
			if round == 12 {
				must(db.SetRunState(ctx, runs[0].ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
				for must(db.CancelOpen(ctx, runs[0].ID, 7, now))(t) > 0 {
				}
				for _, r := range model {
					if r.Run == runs[0].ID && !r.State.Final() {
						inDoubt := r.State == campaign.Deferred && r.Resent
						r.State, r.Reason, r.At, r.Due = campaign.Cancelled, 0, now, time.Time{}
						if inDoubt {
							r.State, r.Reason = campaign.Unknown, campaign.PossiblyAccepted
						}
					}
				}
			}
			rows := must(db.RowsOf(ctx, who))(t)
			for i, r := range rows {
				if !reflect.DeepEqual(r, *model[who[i]]) {
					t.Fatalf("round %d: row\n%+v\nmodel\n%+v", round, r, *model[who[i]])
				}
			}
			want := make(map[campaign.RunID]campaign.Counts)
			for _, r := range model {
				c := want[r.Run]
				c.Add(r.State, 1)
				if r.Resent {
					c.Resent++
				}
				want[r.Run] = c
			}
			for _, r := range runs {
				checkCounts(t, db, r.ID)
				if got := must(db.Counts(ctx, r.ID))(t); got != want[r.ID] {
					t.Fatalf("round %d: counts %+v, model %+v", round, got, want[r.ID])
				}
			}
		}
		for _, r := range who {
			rows := must(db.HistoryOf(ctx, r.Contact, campaign.Recipient{}, 10))(t)
			i := slices.IndexFunc(rows, func(h campaign.HistoryRow) bool { return h.Row.Run == r.Run })
			if i < 0 || len(rows[i].Attempts) != history[r] {
				t.Fatalf("history of %+v: %+v, want %d attempts", r, rows, history[r])
			}
		}

		// All of it again changes nothing.
		content := dump(t, url)
		if err := db.Apply(ctx, seq, seq, before); err != nil {
			t.Fatal(err)
		}
		if again := dump(t, url); again != content {
			t.Error("repeated events changed the database")
		}
	})
}

func TestReports(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := newRun(t, db, "may", map[campaign.Lane]int{1: 6, 2: 3})
		event := func(lane campaign.Lane, n int, s campaign.State, code uint16, reply string) campaign.Event {
			return campaign.Event{Recipient: campaign.Recipient{Run: run.ID, Lane: lane, Contact: campaign.ContactID(int(lane)*1_000_000 + n)}, Attempt: 1, State: s, Code: code, Enhanced: "5.1.1", Reply: reply, Host: "mx", At: now}
		}
		reply := func(n int) string {
			return fmt.Sprintf("<u%d@example.org>: no such user %d.12ab34cd56ef78 [203.0.113.9] \xff", n, n)
		}
		err := db.Apply(ctx, 0, 9, []campaign.Event{
			event(1, 1, campaign.Bounced, 550, reply(1)),
			event(2, 1, campaign.Bounced, 550, reply(2)),
			event(1, 3, campaign.Bounced, 550, "refused"),
			event(1, 4, campaign.Accepted, 250, "2.0.0 OK queued as 12345678"),
			event(1, 5, campaign.Unknown, 0, ""),
		})
		if err != nil {
			t.Fatal(err)
		}
		top := must(db.TopReplies(ctx, run.ID, 2))(t)
		want := []campaign.ReplyCount{
			{State: campaign.Bounced, Code: 550, Reply: "* no such user * [203.0.113.9] �", N: 2},
			{State: campaign.Bounced, Code: 550, Reply: "refused", N: 1},
		}
		if !slices.Equal(top, want) {
			t.Errorf("top replies %+v", top)
		}
		var got []campaign.Recipient
		var after campaign.Recipient
		for {
			page := must(db.Recipients(ctx, run.ID, campaign.Bounced, after, 2))(t)
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				got = append(got, r.Recipient)
				after = r.Recipient
			}
		}
		if len(got) != 3 || got[0].Contact != 1_000_001 || got[1].Contact != 1_000_003 || got[2].Lane != 2 {
			t.Errorf("bounced %+v", got)
		}
		if waiting := must(db.Recipients(ctx, run.ID, campaign.Waiting, campaign.Recipient{}, 10))(t); len(waiting) != 4 {
			t.Errorf("waiting %+v", waiting)
		}
		history := must(db.HistoryOf(ctx, 1_000_001, campaign.Recipient{}, 5))(t)
		if len(history) != 1 || history[0].Campaign != "may" || history[0].RunState != campaign.RunRunning || len(history[0].Attempts) != 1 {
			t.Fatalf("history %+v", history)
		}
		if a := history[0].Attempts[0]; a.Reply != "<u1@example.org>: no such user 1.12ab34cd56ef78 [203.0.113.9] �" || a.Host != "mx" || a.Enhanced != "5.1.1" || a.Number != 1 || !a.At.Equal(now) {
			t.Errorf("attempt %+v", a)
		}
		missing := campaign.Recipient{Run: 7, Lane: 7, Contact: 7}
		if rows := must(db.RowsOf(ctx, []campaign.Recipient{missing}))(t); len(rows) != 1 || !reflect.DeepEqual(rows[0], campaign.Row{Recipient: missing}) {
			t.Errorf("missing row %+v", rows)
		}
	})
}
