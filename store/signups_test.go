package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/store"
)

func newForm(t *testing.T, db *store.DB, list string) signup.Form {
	t.Helper()
	l, err := db.ListByName(t.Context(), list)
	if errors.Is(err, campaign.ErrNotFound) {
		l, err = db.CreateList(t.Context(), list, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	return must(db.CreateForm(t.Context(), signup.Form{Slug: "slug-of-" + list, List: l.ID, Version: 1, Created: now, Updated: now, Spec: signup.Spec{
		From: "News <news@example.org>", Texts: map[string]signup.Text{"en": {Title: "News", Consent: "Send me news"}},
	}}))(t)
}

var wide = signup.Limits{PerNetwork: 1000, PerAddress: 1000}

// signUp adds a sign-up and returns its number.
func signUp(t *testing.T, db *store.DB, f signup.Form, email string, at time.Time) signup.ID {
	t.Helper()
	s := signup.SignUp{Form: f.ID, Version: f.Version, Email: email, Attributes: []byte(`{"city":"Ghent","language":"en"}`), Language: "en", At: at, IP: "192.0.2.7", Network: "192.0.2.7", Agent: "Browser"}
	if !must(db.AddSignUp(t.Context(), s, wide))(t) {
		t.Fatal("not added")
	}
	waiting := must(db.Unmailed(t.Context(), time.Time{}, 0, 1000))(t)
	last := waiting[len(waiting)-1]
	if s.ID = last.ID; !reflect.DeepEqual(last, s) {
		t.Errorf("%+v is kept as %+v", s, last)
	}
	return s.ID
}

func TestForms(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		f := newForm(t, db, "news")
		if got := must(db.FormBySlug(ctx, f.Slug))(t); !reflect.DeepEqual(got, f) || !reflect.DeepEqual(got, must(db.FormByID(ctx, f.ID))(t)) || f.Version != 1 || f.Closed {
			t.Errorf("%+v, made %+v", got, f)
		}
		other := signup.Spec{From: "x@example.org", Texts: map[string]signup.Text{"zh": {Title: "港口", Consent: "同意"}}, Origins: []string{"https://a.example"}}
		edited := must(db.EditForm(ctx, f.ID, other, now.Add(time.Hour)))(t)
		if edited.Version != 2 || !reflect.DeepEqual(edited.Spec, other) || !edited.Updated.Equal(now.Add(time.Hour)) || !edited.Created.Equal(now) {
			t.Errorf("%+v", edited)
		}
		if was := must(db.FormVersion(ctx, f.ID, 1))(t); was.Version != 1 || !reflect.DeepEqual(was.Spec, f.Spec) {
			t.Errorf("%+v", was)
		}
		if closed := must(db.CloseForm(ctx, f.ID, true, now))(t); !closed.Closed || closed.Version != 2 {
			t.Errorf("%+v", closed)
		}
		if forms := must(db.FormsOf(ctx, f.List))(t); len(forms) != 1 || forms[0].Version != 2 {
			t.Errorf("%+v", forms)
		}
		for what, err := range map[string]error{
			"id": errOf(db.FormByID(ctx, 99)), "slug": errOf(db.FormBySlug(ctx, "none")), "version": errOf(db.FormVersion(ctx, f.ID, 3)),
			"edit": errOf(db.EditForm(ctx, 99, other, now)), "close": errOf(db.CloseForm(ctx, 99, true, now)),
			"sign-up": errOf(db.SignUpByID(ctx, 99)), "confirm": errOf(db.Confirm(ctx, 99, signup.Confirmation{At: now})),
		} {
			if !errors.Is(err, campaign.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestSignUpLimits(t *testing.T) { // X14
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		f := newForm(t, db, "news")
		add := func(email, network string, at time.Time) (bool, error) {
			t.Helper()
			return db.AddSignUp(ctx, signup.SignUp{Form: f.ID, Version: 1, Email: email, Attributes: []byte("{}"), At: at, Network: network},
				signup.Limits{PerNetwork: 3, NetworkSince: at.Add(-time.Hour), PerAddress: 2, AddressSince: at.Add(-24 * time.Hour)})
		}
		for i, want := range []bool{true, true, false, false} {
			if added := must(add([]string{"ann@example.org", "Ann@example.org"}[i%2], fmt.Sprint("net", i), now))(t); added != want {
				t.Errorf("request %d: added %t", i, added)
			}
		}
		if must(add("ann+1@example.org", "net5", now))(t) {
			t.Error("a tag makes another mailbox of it")
		}
		for i, email := range []string{"a_b+1@example.net", "a_b+2@example.net", "axb+3@example.net", "axb@example.net", "a_b@example.net"} {
			if added := must(add(email, fmt.Sprint("tag", i), now))(t); added != (i < 4) {
				t.Errorf("%s: added %t", email, added)
			}
		}
		if !must(add("ann@example.org", "net", now.Add(24*time.Hour)))(t) {
			t.Error("a day later")
		}
		later := now.Add(48 * time.Hour)
		for i := range 3 {
			must(add(fmt.Sprintf("p%d@example.org", i), "bad", later))(t)
		}
		if _, err := add("p4@example.org", "bad", later); !errors.Is(err, signup.ErrTooMany) {
			t.Errorf("a fourth from one network: %v", err)
		}
		// Who confirms makes room: the others of an office may come, too.
		last := must(db.Unmailed(ctx, now, 0, 100))(t)
		must(db.Confirm(ctx, last[len(last)-1].ID, signup.Confirmation{At: later}))(t)
		if !must(add("p4@example.org", "bad", later))(t) || !must(add("p5@example.org", "bad", later.Add(time.Hour)))(t) {
			t.Error("not added")
		}
	})
}

func TestConfirm(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		f := newForm(t, db, "news")
		id := signUp(t, db, f, "Ann@example.org", now)
		if n := must(db.Waiting(ctx, f.ID))(t); n != 1 {
			t.Errorf("%d wait", n)
		}
		if err := db.Mailed(ctx, id, now); err != nil {
			t.Fatal(err)
		}
		if s := must(db.SignUpByID(ctx, id))(t); !s.Mailed.Equal(now) || len(must(db.Unmailed(ctx, time.Time{}, 0, 10))(t)) != 0 {
			t.Errorf("%+v", s)
		}
		must(db.EditForm(ctx, f.ID, signup.Spec{Texts: map[string]signup.Text{"en": {Title: "T", Consent: "Other words"}}}, now))(t)
		at := now.Add(time.Hour)
		c := must(db.Confirm(ctx, id, signup.Confirmation{At: at, IP: "192.0.2.9"}))(t)
		if c.Email != "Ann@example.org" || string(c.Attributes) != `{"city":"Ghent","language":"en"}` {
			t.Errorf("%+v", c)
		}
		want := campaign.Consent{
			Contact: c.ID, List: f.List, At: now, How: "form", IP: "192.0.2.7", Agent: "Browser", Form: "Send me news",
			SignupForm: int64(f.ID), FormVersion: 1, Confirmed: at, ConfirmedIP: "192.0.2.9",
		}
		if got := must(db.ConsentsOf(ctx, c.ID))(t); len(got) != 1 || got[0] != want {
			t.Errorf("%+v", got)
		}
		if err := errOf(db.Confirm(ctx, id, signup.Confirmation{At: at})); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("confirmed twice: %v", err)
		}
		checkLists(t, db, url)
		// She leaves, and comes back; what others decided stays.
		if err := db.Unsubscribe(ctx, c.ID, f.List, at); err != nil {
			t.Fatal(err)
		}
		must(db.Suppress(ctx, []campaign.Suppression{
			{Email: "ann@example.org", List: f.List, Reason: "unsubscribed", At: now}, {Email: "ann@example.org", Reason: "complained", At: now},
		}))(t)
		must(db.Confirm(ctx, signUp(t, db, f, "ann@example.org", at), signup.Confirmation{At: at}))(t)
		m := must(db.MembershipsOf(ctx, c.ID))(t)
		if len(m) != 1 || m[0].Status != campaign.Subscribed {
			t.Errorf("%+v", m)
		}
		if s := must(db.SuppressionsOf(ctx, "ann@example.org"))(t); len(s) != 1 || s[0].Reason != "complained" {
			t.Errorf("%+v", s)
		}
		checkLists(t, db, url)
	})
}

// Who does not confirm is forgotten, with the contact that the mail made; before that, the
// person is told of it and can be erased.
func TestUnconfirmedGo(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		f := newForm(t, db, "news")
		list := must(db.CreateList(ctx, "old", now))(t)
		runImport(t, db, list.ID, false, row(1, "known@example.org", `{}`))
		run := must(db.OpenStandingRun(ctx, template(t, db).ID, now))(t)
		mail := func(email, key string, at time.Time) {
			t.Helper()
			if _, _, err := db.AddMessage(ctx, campaign.MessageRow{Run: run.ID, Lane: 1, Email: email, Key: key, Data: []byte("{}")}, at); err != nil {
				t.Fatal(err)
			}
		}
		for i, email := range []string{"known@example.org", "ann@example.org", "bob@example.org", "shopper@example.org", "cid@example.org"} {
			at := now
			if email == "cid@example.org" {
				at = now.Add(time.Hour)
			}
			id := signUp(t, db, f, email, at)
			mail(email, fmt.Sprintf("%s%d", campaign.SignUpKey, id), at.Add(time.Second))
			if i == 3 {
				mail(email, "order 7", at.Add(time.Minute))
			}
		}
		p := must(db.PersonOf(ctx, "BOB@example.org"))(t)
		if len(p.SignUps) != 1 || p.SignUps[0].List != "news" || p.SignUps[0].IP != "192.0.2.7" || !p.SignUps[0].At.Equal(now) || !strings.Contains(string(p.SignUps[0].Attributes), "Ghent") {
			t.Errorf("%+v", p)
		}
		if e := must(db.Erase(ctx, "bob@example.org", now))(t); e.SignUps != 1 || !e.Contact {
			t.Errorf("%+v", e)
		}
		if left := dump(t, url); strings.Contains(strings.ToLower(left), "bob@example.org") {
			t.Errorf("after the erasure there is\n%s", left)
		}
		if n := must(db.Expire(ctx, campaign.SignUpData, now.Add(time.Minute)))(t); n != 3 {
			t.Errorf("%d went", n)
		}
		for email, want := range map[string]error{"known@example.org": nil, "ann@example.org": campaign.ErrNotFound, "shopper@example.org": nil, "cid@example.org": nil} {
			if err := errOf(db.ContactByEmail(ctx, email)); !errors.Is(err, want) {
				t.Errorf("%s: %v", email, err)
			}
		}
		if left := dump(t, url); strings.Contains(left, "ann@example.org") {
			t.Errorf("there is still\n%s", left)
		}
		if n := must(db.Waiting(ctx, f.ID))(t); n != 1 {
			t.Errorf("%d wait", n)
		}
	})
}
