package account_test

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/store"
)

const password = "a harbour in the fog"

var home = netip.MustParseAddr("192.0.2.7")

// world is Accounts on a fresh database, and a clock that stands until it is moved.
type world struct {
	*account.Accounts
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	w.Accounts = account.New(db, []byte("the secret of the set-up link"), func() time.Time { return w.now })
	return w
}

func (w *world) admin(t *testing.T) account.User {
	t.Helper()
	secret, err := w.SetupSecret(t.Context())
	if err != nil || secret == "" {
		t.Fatalf("set-up secret %q: %v", secret, err)
	}
	u, err := w.SetUp(t.Context(), secret, account.User{Email: " Ann@Example.org ", Name: "Ann"}, password)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSetUpOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	secret, _ := w.SetupSecret(ctx)
	if _, err := w.SetUp(ctx, "wrong", account.User{Email: "eve@example.org", Name: "Eve"}, password); !errors.Is(err, account.ErrLink) {
		t.Errorf("wrong secret: %v", err)
	}
	if _, err := w.SetUp(ctx, secret, account.User{Email: "ann", Name: ""}, "short"); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three problems: %v", err)
	}
	if u := w.admin(t); u.Role != account.Admin || u.Email != "ann@example.org" {
		t.Errorf("first user %+v", u)
	}
	if _, err := w.SetUp(ctx, secret, account.User{Email: "eve@example.org", Name: "Eve"}, password); !errors.Is(err, account.ErrLink) {
		t.Errorf("second time: %v", err)
	}
	if secret, err := w.SetupSecret(ctx); secret != "" || err != nil {
		t.Errorf("the link is still shown: %q %v", secret, err)
	}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	w.admin(t)
	ctx := t.Context()
	if u, err := w.SignIn(ctx, "ANN@example.org", password, home); err != nil || u.Name != "Ann" {
		t.Errorf("%+v %v", u, err)
	}
	for range 5 {
		if _, err := w.SignIn(ctx, "ann@example.org", "wrong", home); !errors.Is(err, account.ErrWrong) {
			t.Fatalf("wrong password: %v", err)
		}
	}
	if _, err := w.SignIn(ctx, "ann@example.org", password, netip.MustParseAddr("2001:db8::1")); !errors.Is(err, account.ErrTooMany) {
		t.Errorf("after five failures, from anywhere: %v", err)
	}
	if _, err := w.SignIn(ctx, "bob@example.org", password, home); !errors.Is(err, account.ErrWrong) {
		t.Errorf("nobody: %v", err)
	}
	w.now = w.now.Add(time.Minute)
	if _, err := w.SignIn(ctx, "ann@example.org", password, home); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestInvitation(t *testing.T) {
	w := newWorld(t)
	ann := w.admin(t)
	ctx := t.Context()
	bob, link, err := w.Invite(ctx, account.User{Email: "bob@example.org", Name: "Bob", Role: account.Author})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SignIn(ctx, "bob@example.org", "", home); !errors.Is(err, account.ErrWrong) {
		t.Errorf("before a password is chosen: %v", err)
	}
	if bob, err = w.Accept(ctx, link, password, "Europe/Berlin"); err != nil || bob.Zone != "Europe/Berlin" || bob.Epoch != 1 {
		t.Fatalf("%+v %v", bob, err)
	}
	if _, err := w.Accept(ctx, link, password, ""); !errors.Is(err, account.ErrLink) {
		t.Errorf("second time: %v", err)
	}
	if _, err := w.SignIn(ctx, "bob@example.org", password, home); err != nil {
		t.Error(err)
	}
	_, link, err = w.InviteAgain(ctx, bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(8 * 24 * time.Hour)
	if _, err := w.Invited(ctx, link); !errors.Is(err, account.ErrLink) {
		t.Errorf("after a week: %v", err)
	}
	if _, err := w.Change(ctx, ann.ID, "Ann", account.Editor, false); err == nil || !strings.Contains(err.Error(), "last admin") {
		t.Errorf("the last admin: %v", err)
	}
	if bob, err = w.Change(ctx, bob.ID, "Bob", account.Author, true); err != nil || bob.Epoch != 2 {
		t.Errorf("disabled: %+v %v", bob, err)
	}
	if _, err := w.SignIn(ctx, "bob@example.org", password, home); !errors.Is(err, account.ErrWrong) {
		t.Errorf("disabled: %v", err)
	}
}

func TestTokenIsNeverMoreThanItsUser(t *testing.T) {
	w := newWorld(t)
	ann := w.admin(t)
	ctx := t.Context()
	if _, _, err := w.CreateToken(ctx, account.User{Role: account.Viewer}, "ci", account.Send, w.now.Add(time.Hour)); err == nil {
		t.Error("a viewer's token that sends")
	}
	_, text, err := w.CreateToken(ctx, ann, "ci", account.See|account.Manage, w.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if u, token, err := w.Authenticate(ctx, text); err != nil || u.ID != ann.ID || token.Scopes != account.See|account.Manage {
		t.Errorf("%+v %+v %v", u, token, err)
	}
	bob, link, err := w.Invite(ctx, account.User{Email: "bob@example.org", Name: "Bob", Role: account.Admin})
	if err == nil {
		bob, err = w.Accept(ctx, link, password, "")
	}
	if err == nil {
		_, err = w.Change(ctx, ann.ID, "Ann", account.Viewer, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, token, err := w.Authenticate(ctx, text); err != nil || token.Scopes != account.See {
		t.Errorf("of a user who became a viewer: %+v %v", token, err)
	}
	w.now = w.now.Add(2 * time.Hour)
	if _, _, err := w.Authenticate(ctx, text); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if _, _, err := w.Authenticate(ctx, "bsd_wrong"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("wrong: %v", err)
	}
	if err := w.RevokeToken(ctx, bob.ID, 1); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("another's: %v", err)
	}
}
