package store_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/delivery/mtasts"
	"broadside/delivery/tlsrpt"
	"broadside/store"
)

// T5: a policy lasts as long as it is good, also over a restart, and no longer.
func TestMTASTSPolicies(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		kept := func(db *store.DB, at time.Time) (mtasts.Kept, bool) {
			t.Helper()
			k, ok, err := db.MTASTSPolicy(ctx, "example.org", at)
			if err != nil {
				t.Fatal(err)
			}
			return k, ok
		}
		if k, ok := kept(db, now); ok {
			t.Fatalf("there is %+v", k)
		}
		first := mtasts.Kept{Domain: "example.org", ID: "1", Text: "version: STSv1\nmode: none\nmax_age: 60", Fetched: now, Expires: now.Add(time.Minute)}
		second := first
		second.ID, second.Fetched, second.Expires = "2", now.Add(time.Second), now.Add(time.Hour)
		other := mtasts.Kept{Domain: "example.net", ID: "n", Fetched: now.Add(2 * time.Hour), Expires: now.Add(3 * time.Hour)}
		for _, k := range []mtasts.Kept{first, second, first} { // the last is a slow sender's
			if err := db.KeepMTASTSPolicy(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		if k, ok := kept(open(t, url), now); !ok || k != second {
			t.Errorf("after a restart there is %+v", k)
		}
		if k, ok := kept(db, now.Add(time.Hour)); ok {
			t.Errorf("after its time there is %+v", k)
		}
		if err := db.KeepMTASTSPolicy(ctx, other); err != nil {
			t.Fatal(err)
		}
		if k, ok := kept(db, now); ok {
			t.Errorf("what was over when another was kept is still there: %+v", k)
		}
	})
}

// noDNS is what an attacker leaves of DNS.
type noDNS struct{}

func (noDNS) LookupTXTTTL(context.Context, string) ([]string, time.Duration, error) {
	return nil, time.Minute, errors.New("no answer")
}

func (noDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no answer")
}

// T5: whoever takes DNS and HTTPS from us can't wait for a restart: what one sender
// fetched holds for another that starts without either.
func TestMTASTSWithoutDNS(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		policy := mtasts.Policy{Mode: mtasts.Enforce, MX: []string{"mx.example.org"}, MaxAge: time.Hour}
		kept := mtasts.Kept{Domain: "example.org", ID: "1", Text: strings.Join(policy.Strings(), "\n"), Fetched: now, Expires: now.Add(policy.MaxAge)}
		if err := db.KeepMTASTSPolicy(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		at := now.Add(59 * time.Minute)
		source := mtasts.New(mtasts.Config{Resolver: noDNS{}, Store: open(t, url), Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler)})
		answer, holds := source.Look(t.Context(), "example.org")
		if answer.Policy == nil || answer.Policy.Mode != mtasts.Enforce || holds != time.Minute {
			t.Errorf("%+v for %v", answer, holds)
		}
		at = at.Add(time.Minute)
		if answer, _ := source.Look(t.Context(), "example.org"); answer.Policy != nil {
			t.Errorf("after its time: %+v", answer)
		}
	})
}

// T7: the counts of all senders come together, by day and domain.
func TestTLSResults(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		sts := tlsrpt.Policy{Type: tlsrpt.STS, Domain: "example.org", Strings: []string{"version: STSv1"}, MX: []string{"*.example.org"}}
		dane := tlsrpt.Policy{Type: tlsrpt.TLSA, Domain: "example.net"}
		expired := tlsrpt.Session{Result: tlsrpt.CertificateExpired, MX: "mx.example.org", ReceiverIP: netip.MustParseAddr("2001:db8::1"), Reason: "it's over"}
		counts := []tlsrpt.Count{
			{Day: 20000, Policy: sts, Session: expired, Sessions: 2},
			{Day: 20000, Policy: sts, Sessions: 3},
			{Day: 20000, Policy: sts, Sessions: 4}, // another policy in memory, the same in words
			{Day: 20000, Policy: dane, Sessions: 5},
			{Day: 20001, Policy: sts, Sessions: 6},
		}
		for range 2 {
			if err := db.AddTLSResults(ctx, counts); err != nil {
				t.Fatal(err)
			}
		}
		got := must(db.TLSResults(ctx, 20000, "example.org"))(t)
		slices.SortFunc(got, func(a, b tlsrpt.Count) int { return int(a.Sessions - b.Sessions) })
		if len(got) != 2 || got[0].Sessions != 4 || got[0].Session != expired || got[1].Sessions != 14 ||
			got[1].Session != (tlsrpt.Session{}) || got[0].Policy.Type != tlsrpt.STS || !slices.Equal(got[0].Policy.MX, sts.MX) {
			t.Errorf("%+v", got)
		}
		if all := must(db.TLSResults(ctx, 20000, ""))(t); len(all) != 3 || all[0].Policy.Domain != "example.net" {
			t.Errorf("%+v", all)
		}
		if err := db.ForgetTLSResults(ctx, 20001); err != nil {
			t.Fatal(err)
		}
		if old, new := must(db.TLSResults(ctx, 20000, ""))(t), must(db.TLSResults(ctx, 20001, ""))(t); len(old) != 0 || len(new) != 1 {
			t.Errorf("%+v and %+v", old, new)
		}
	})
}
