package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/store"
)

// GDPR, articles 15 and 17: what is kept about a person is handed out, and after an
// erasure no table knows their address, while they stay suppressed and the runs balance.
func TestPersonIsHandedOutAndErased(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		people(t, db)
		a := must(db.ListByName(ctx, "a"))(t).ID
		runImport(t, db, a, false, row(1, "ann@example.org", `{"city":"Ghent"}`))
		run := runOfPeople(t, db, "may")
		ann := campaign.Recipient{Run: run, Lane: 1, Contact: 1}
		events := []campaign.Event{{Recipient: ann, Attempt: 1, State: campaign.Deferred, Reason: campaign.MailboxFull, Code: 452, Reply: "<ann@example.org> is over quota", At: now, Due: now}}
		if err := db.Apply(ctx, 0, 1, events); err != nil {
			t.Fatal(err)
		}
		if err := db.Heard(ctx, []campaign.Feedback{{Recipient: ann, Kind: campaign.Complaint, Detail: "from Ann@example.org", At: now}}); err != nil {
			t.Fatal(err)
		}
		if err := db.RecordConsent(ctx, campaign.Consent{Contact: 1, List: a, At: now, How: "form", IP: "192.0.2.7", Form: "Send me news", Confirmed: now, Until: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "ann@example.org", List: a, Reason: "manual", At: now}}))(t)
		if err := db.Log(ctx, account.Entry{At: now, Who: "op@example.com", Action: "suppress contact", Object: "Ann@Example.org"}); err != nil {
			t.Fatal(err)
		}

		must(db.SaveLinks(ctx, run, []campaign.Link{{Target: "https://shop.example/", Fixed: 21}}))(t)
		clicks := []campaign.Hit{{Run: run, Contact: 1, Link: 1, At: now, Evidence: campaign.HeadRequest}, {Run: run, Contact: 1, Link: 0, At: now, Evidence: campaign.PrivacyProxy}}
		if err := db.ApplyHits(ctx, 0, 1, clicks); err != nil {
			t.Fatal(err)
		}

		p := must(db.PersonOf(ctx, "ANN@example.org"))(t)
		if p.Email != "Ann@example.org" || p.Contact == nil || string(p.Contact.Attributes) != `{"city":"Ghent"}` || p.Contact.Source != "people.csv" {
			t.Errorf("contact %+v of %s", p.Contact, p.Email)
		}
		if len(p.Lists) != 1 || p.Lists[0].List != "a" || !p.Lists[0].Subscribed || !p.Lists[0].ConsentUntil.Equal(now.Add(time.Hour)) {
			t.Errorf("lists %+v", p.Lists)
		}
		if len(p.Consents) != 1 || p.Consents[0] != (campaign.PersonConsent{List: "a", At: now, How: "form", IP: "192.0.2.7", Form: "Send me news", Confirmed: now, Until: now.Add(time.Hour)}) {
			t.Errorf("consents %+v", p.Consents)
		}
		if len(p.Suppressions) != 2 || p.Suppressions[0].Reason != "complained" || p.Suppressions[1].List != "a" {
			t.Errorf("suppressions %+v", p.Suppressions)
		}
		if len(p.History) != 1 || p.History[0].State != "deferred" || len(p.History[0].Attempts) != 1 || p.History[0].Attempts[0].Reply != "<ann@example.org> is over quota" {
			t.Errorf("history %+v", p.History)
		}
		if len(p.Feedback) != 1 || p.Feedback[0].Kind != "complaint" || p.Feedback[0].Run != run {
			t.Errorf("feedback %+v", p.Feedback)
		}
		clicked := campaign.PersonReading{Run: run, What: "clicked", Link: "https://shop.example/", Machine: 1, First: now, Last: now}
		if len(p.Readings) != 2 || p.Readings[0].What != "opened" || p.Readings[1] != clicked {
			t.Errorf("readings %+v", p.Readings)
		}
		if _, err := db.PersonOf(ctx, "nobody@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}

		counts := must(db.Counts(ctx, run))(t)
		want := campaign.Erasure{Email: "Ann@example.org", Contact: true, Memberships: 1, Consents: 1, Attempts: 1, Feedback: 1, Readings: 2, Suppressions: 2, Audit: 1}
		if e := must(db.Erase(ctx, "Ann@example.org", now))(t); e != want {
			t.Errorf("erased %+v, want %+v", e, want)
		}
		if left := dump(t, url); strings.Contains(strings.ToLower(left), "ann@example.org") || strings.Contains(left, "Ghent") {
			t.Errorf("after the erasure there is\n%s", left)
		}
		checkLists(t, db, url)
		if after := must(db.Counts(ctx, run))(t); after != counts || must(db.Recount(ctx, run))(t) != counts {
			t.Errorf("the balance is %+v, was %+v", after, counts)
		}
		if e := must(db.Erase(ctx, "Ann@example.org", now))(t); e != (campaign.Erasure{Email: "Ann@example.org"}) {
			t.Errorf("erased a second time: %+v", e)
		}

		// Suppressed still, for the reason that there was, and not to be brought back.
		if s := must(db.SuppressionOf(ctx, "ann@example.org"))(t); !db.OwnHash(s.Hash) || s.Reason != "complained" || s.Email != "" {
			t.Errorf("suppression %+v", s)
		}
		_, imported, found := runImport(t, db, a, false, row(1, "Ann@example.org", `{"city":"Ghent"}`), row(2, "new@example.org", `{}`))
		if imported != (campaign.ImportCounts{New: 1, Suppressed: 1}) || len(found) != 1 || found[0].Effect != campaign.EffectErased {
			t.Errorf("imported again: %+v, %v", imported, found)
		}
		if _, err := db.ContactByEmail(ctx, "ann@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("she is back: %v", err)
		}
		// What was in hand is left out; a new consent lifts it.
		people := []campaign.Addressee{{Contact: 1, Email: "Ann@example.org"}}
		if why := must(db.UnwantedOf(ctx, nil, people, now))(t); why[0] != campaign.Suppressed {
			t.Errorf("unwanted because %q", why[0])
		}
		if err := db.Unsuppress(ctx, "Ann@example.org"); err != nil {
			t.Fatal(err)
		}
		if why := must(db.UnwantedOf(ctx, nil, people, now))(t); why[0] != campaign.NoReason {
			t.Errorf("unwanted because %q", why[0])
		}
	})
}

// Who had asked for no more advertising and is erased gets no mail for themselves either,
// also what is in the queue already.
func TestErasedAfterUnsubscribing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		const email = "ann@example.org"
		if _, err := db.Suppress(ctx, []campaign.Suppression{{Email: email, Reason: "unsubscribed", At: now}}); err != nil {
			t.Fatal(err)
		}
		whom := []campaign.Addressee{{Contact: 1, Email: email}}
		if why := must(db.UnwantedOf(ctx, nil, whom, now))(t); why[0] != campaign.NoReason {
			t.Errorf("before: unwanted because %q", why[0])
		}
		for range 2 { // also a hash that has the old reason
			must(db.Erase(ctx, email, now))(t)
			if why := must(db.UnwantedOf(ctx, nil, whom, now))(t); why[0] != campaign.Suppressed {
				t.Errorf("unwanted because %q", why[0])
			}
			s := must(db.SuppressionOf(ctx, email))(t)
			if err := db.Unsuppress(ctx, email); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Suppress(ctx, []campaign.Suppression{{Hash: s.Hash, Reason: "unsubscribed", At: now}}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
