package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/store"
)

// A list is deleted while everything that hangs on it is being written: each of those comes
// before and goes with the list, or keeps it, or finds it gone; nothing fails in another
// way, and nothing is left over.
func TestDeleteListAmidEverything(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		other := open(t, url) // another process
		for round := range 8 {
			deletedAmid(t, db, other, url, round)
		}
	})
}

func deletedAmid(t *testing.T, db, other *store.DB, url string, round int) {
	ctx := t.Context()
	name := fmt.Sprintf("list %d", round)
	at := func(who string, n int) string { return fmt.Sprintf("%s%d-%d@example.org", who, round, n) }
	rows := func(who string) []campaign.ImportRow {
		var rows []campaign.ImportRow
		for n := range 30 {
			rows = append(rows, row(int64(n+1), at(who, n), `{}`))
		}
		return rows
	}
	keep, third := newList(t, db, fmt.Sprintf("kept %d", round)), newList(t, db, fmt.Sprintf("third %d", round))
	list := newList(t, db, name)
	runImport(t, db, keep, false, rows("both")[:10]...)
	runImport(t, db, list, false, rows("both")[:10]...)
	runImport(t, db, list, false, rows("only")...)
	runImport(t, db, third, false, rows("third")[:1]...)
	member := func(who string, n int) campaign.ContactID {
		return must(db.ContactByEmail(ctx, at(who, n)))(t).ID
	}
	form := newForm(t, db, name)
	asked := signUp(t, db, form, at("asked", 0), now)
	leaver, leaver2, gone, erased := member("both", 0), member("both", 3), member("only", 0), at("both", 1)
	stranger := member("third", 0)
	reader := member("both", 2)
	campaigns := make([]campaign.Campaign, 3)
	for i, s := range []campaign.Spec{{Lists: []string{name}}, {Lists: []string{fmt.Sprintf("kept %d", round)}, Exclude: []string{name}}, {Lists: []string{name}}} {
		s.Name = fmt.Sprintf("campaign %d of %d", i, round)
		campaigns[i] = must(db.CreateCampaign(ctx, s, now))(t)
	}
	importAll := func(db *store.DB) error {
		im, err := db.BeginImport(ctx, list, "late.csv", false, now)
		if err != nil {
			return err
		}
		if err := im.Put(ctx, rows("late")); err != nil {
			return errors.Join(err, im.Abort())
		}
		_, _, err = im.Finish(ctx, nil)
		return err
	}
	recur := func(db *store.DB) error {
		r, err := db.SetRecurrence(ctx, campaigns[2], now)
		if err != nil {
			return err
		}
		next := r
		next.Next = now.Add(time.Hour)
		_, _, err = db.Recur(ctx, r, next, now, now)
		return err
	}
	var deleted error
	acts := []func(db *store.DB) error{
		func(db *store.DB) error { _, deleted = db.DeleteList(ctx, list, round%2 == 0); return deleted },
		importAll,
		func(db *store.DB) error { return db.Leave(ctx, leaver, list, 0, now) },
		func(db *store.DB) error { return db.Unsubscribe(ctx, leaver, 0, now) },
		func(db *store.DB) error { return db.Leave(ctx, gone, list, 0, now) },
		func(db *store.DB) error { return db.Leave(ctx, reader, list, 0, now) },
		func(db *store.DB) error {
			_, err := db.Return(ctx, campaign.Consent{Contact: gone, List: list, At: now})
			return err
		},
		func(db *store.DB) error { _, err := db.Erase(ctx, erased, now); return err },
		func(db *store.DB) error { return db.Leave(ctx, leaver2, 0, 0, now) },
		func(db *store.DB) error { return db.Unsubscribe(ctx, stranger, list, now) }, // it was never in it
		func(db *store.DB) error {
			_, err := db.Confirm(ctx, asked, signup.Confirmation{At: now})
			return err
		},
		func(db *store.DB) error {
			_, err := db.AddSignUp(ctx, signup.SignUp{Form: form.ID, Version: 1, Email: at("new", 0), Attributes: []byte("{}"), At: now}, wide)
			return err
		},
		func(db *store.DB) error {
			_, err := db.CreateForm(ctx, signup.Form{Slug: fmt.Sprintf("late %d", round), List: list, Version: 1, Created: now, Updated: now})
			return err
		},
		func(db *store.DB) error { _, err := db.EditForm(ctx, form.ID, form.Spec, now); return err },
		func(db *store.DB) error {
			_, err := db.Suppress(ctx, []campaign.Suppression{{Email: at("only", 4), List: list, Reason: "manual", At: now}})
			return err
		},
		func(db *store.DB) error { return db.DropEmptyList(ctx, list) },
	}
	// Runs begin in some of the rounds only: in those the list may be needed.
	if round%4 > 1 {
		acts = append(acts, recur)
		for _, c := range campaigns[:2] {
			acts = append(acts, func(db *store.DB) error {
				_, err := db.CreateRun(ctx, c, campaign.RunRunning, now, now)
				return err
			})
		}
	}
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i, act := range acts {
		on := []*store.DB{db, other}[(i+round)%2]
		wg.Go(func() {
			<-begin
			err := act(on)
			if err != nil && !errors.Is(err, campaign.ErrNotFound) && !errors.Is(err, campaign.ErrConflict) {
				t.Errorf("round %d, act %d: %v", round, i, err)
			}
		})
	}
	close(begin)
	wg.Wait()

	_, err := db.ListByName(ctx, name)
	if there := err == nil; there != errors.Is(deleted, campaign.ErrConflict) || !there && deleted != nil {
		t.Errorf("round %d: deleted: %v, and the list: %v", round, deleted, err)
	}
	checkLists(t, db, url)
	checkNothingLeft(t, db, url)
	for _, r := range must(db.OpenRuns(ctx))(t) {
		if _, err := campaign.ResolveAudience(ctx, db, r.Spec); err != nil {
			t.Errorf("round %d: run %d was begun: %v", round, r.ID, err)
		}
		must(db.SetRunState(ctx, r.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
	}
	if again := must(db.DueRecurrences(ctx, now.Add(time.Hour)))(t); err != nil && len(again) > 0 {
		t.Errorf("round %d: a recurrence without its list: %+v", round, again)
	}
	if err := db.StopRecurrence(ctx, campaigns[2].ID); err != nil && !errors.Is(err, campaign.ErrNotFound) {
		t.Error(err)
	}
}

// checkNothingLeft looks for what hangs on lists, or on forms, that are not there.
func checkNothingLeft(t *testing.T, db *store.DB, url string) {
	t.Helper()
	raw := rawDB(t, url)
	for _, table := range []string{"members", "forms", "imports", "suppressions"} {
		var n int
		if err := raw.QueryRow("SELECT COUNT(*) FROM " + table + " WHERE list <> 0 AND list NOT IN (SELECT id FROM lists)").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			t.Errorf("%d %s of lists that are gone", n, table)
		}
	}
	for _, table := range []string{"form_versions", "signups"} {
		var n int
		if err := raw.QueryRow("SELECT COUNT(*) FROM " + table + " WHERE form NOT IN (SELECT id FROM forms)").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			t.Errorf("%d %s of forms that are gone", n, table)
		}
	}
}

// A list that a run needs stays, whether the run mails it or leaves it out; so does that of
// a campaign that is sent again and again. One whose list is gone all the same makes no
// run, and says why.
func TestDeleteListInUse(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		a, b := newList(t, db, "a"), newList(t, db, "b")
		c := must(db.CreateCampaign(ctx, campaign.Spec{Name: "may", Lists: []string{"a"}, Exclude: []string{"b"}}, now))(t)
		r := must(db.SetRecurrence(ctx, c, now))(t)
		for _, list := range []campaign.ListID{a, b} {
			if _, err := db.DeleteList(ctx, list, true); !errors.Is(err, campaign.ErrConflict) {
				t.Errorf("list %d of a campaign that repeats: %v", list, err)
			}
		}
		if _, err := rawDB(t, url).Exec("DELETE FROM lists WHERE name = 'b'"); err != nil { // as an older program did
			t.Fatal(err)
		}
		next := r
		next.Next = now.Add(time.Hour)
		if run, moved, err := db.Recur(ctx, r, next, now, now); run != 0 || !moved || err != nil {
			t.Errorf("without its list: %d, %v, %v", run, moved, err)
		}
		if got, want := must(db.RecurrenceOf(ctx, c.ID))(t).Note, `left out 2026-05-04T03:02:01Z: the list "b": not found`; got != want {
			t.Errorf("the note %q, want %q", got, want)
		}
		if _, err := db.CreateRun(ctx, c, campaign.RunRunning, now, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a run without its list: %v", err)
		}
	})
}

// Who had asked to join a list that is deleted is forgotten, as one who did not confirm in
// time.
func TestDeleteListWithSignUps(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		form := newForm(t, db, "news")
		signUp(t, db, form, "ann@example.org", now)
		template := must(db.CreateCampaign(ctx, campaign.Spec{Name: "confirm"}, now))(t)
		run := must(db.OpenStandingRun(ctx, template.ID, now))(t)
		m := campaign.MessageRow{Run: run.ID, Lane: 1, Email: "ann@example.org", Key: campaign.SignUpKey + "1", Data: []byte("{}")}
		if _, _, err := db.AddMessage(ctx, m, now); err != nil {
			t.Fatal(err)
		}
		must(db.DeleteList(ctx, form.List, false))(t)
		if slices.Contains(strs(t, rawDB(t, url), "SELECT address FROM contacts"), "ann@example.org") {
			t.Error("the contact of an unconfirmed sign-up is there")
		}
		if _, err := db.AddSignUp(ctx, signup.SignUp{Form: form.ID, Email: "bob@example.org", Attributes: []byte("{}"), At: now}, wide); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a sign-up by a form that is gone: %v", err)
		}
	})
}
