package store_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/store"
)

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		first := must(db.CreateFirstUser(ctx, account.User{Email: "ann@example.org", Name: "Ann", Role: account.Admin, Zone: "UTC", Password: "x", Created: now}))(t)
		if _, err := db.CreateFirstUser(ctx, account.User{Email: "eve@example.org"}); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("a second first user: %v", err)
		}
		invite := bytes.Repeat([]byte{7}, 32)
		bob := must(db.CreateUser(ctx, account.User{Email: "bob@example.org", Role: account.Viewer, Created: now, Invite: invite, InviteUntil: now}))(t)
		if _, err := db.CreateUser(ctx, account.User{Email: "bob@example.org"}); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("the same address: %v", err)
		}
		if u := must(db.UserByInvite(ctx, invite))(t); u.ID != bob.ID || !u.InviteUntil.Equal(now) {
			t.Errorf("invited %+v", u)
		}
		changed := must(db.ChangeUser(ctx, bob.ID, func(u *account.User, admins int) error {
			if admins != 1 {
				t.Errorf("%d admins", admins)
			}
			u.Role, u.Disabled, u.Invite, u.Epoch = account.Editor, true, nil, 3
			return nil
		}))(t)
		if again := must(db.UserByID(ctx, bob.ID))(t); again.Role != account.Editor || !again.Disabled || again.Invite != nil || again.Epoch != 3 || changed.Epoch != 3 {
			t.Errorf("changed %+v", again)
		}
		refusal := errors.New("refused")
		if _, err := db.ChangeUser(ctx, bob.ID, func(u *account.User, _ int) error { u.Name = "no"; return refusal }); !errors.Is(err, refusal) {
			t.Errorf("refused change: %v", err)
		}
		if _, err := db.ChangeUser(ctx, 99, nil); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no user: %v", err)
		}
		if users := must(db.Users(ctx))(t); len(users) != 2 || users[0].ID != first.ID || users[1].Name != "" {
			t.Errorf("users %+v", users)
		}
		if _, err := db.UserByEmail(ctx, "nobody@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no such address: %v", err)
		}
	})
}

// Whom a provider knows a user as is one user's, on both databases.
func TestSubjects(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		const issuer = "https://login.example.org"
		ann := must(db.CreateUser(ctx, account.User{Email: "ann@example.org", Created: now, Issuer: issuer, Subject: "Ann", LetInUntil: now}))(t)
		bob := must(db.CreateUser(ctx, account.User{Email: "bob@example.org", Created: now}))(t)
		must(db.CreateUser(ctx, account.User{Email: "cid@example.org", Created: now}))(t) // nobody there, like Bob
		if _, err := db.CreateUser(ctx, account.User{Email: "eve@example.org", Issuer: issuer, Subject: "Ann"}); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("the same subject: %v", err)
		}
		bind := func(issuer, subject string) error {
			_, err := db.ChangeUser(ctx, bob.ID, func(u *account.User, _ int) error { u.Issuer, u.Subject = issuer, subject; return nil })
			return err
		}
		if err := bind(issuer, "Ann"); err == nil {
			t.Error("two users with one subject")
		}
		if err := errors.Join(bind(issuer, "ann"), bind("https://other.example", "Ann")); err != nil {
			t.Errorf("another subject, another issuer: %v", err)
		}
		if u := must(db.UserBySubject(ctx, issuer, "Ann"))(t); u.ID != ann.ID || u.Issuer != issuer || u.Subject != "Ann" || !u.LetInUntil.Equal(now) {
			t.Errorf("found %+v", u)
		}
		if u := must(db.UserBySubject(ctx, "https://other.example", "Ann"))(t); u.ID != bob.ID {
			t.Errorf("found %+v", u)
		}
		for _, nobody := range [][2]string{{issuer, "ann"}, {issuer, ""}, {"", ""}} {
			if _, err := db.UserBySubject(ctx, nobody[0], nobody[1]); !errors.Is(err, campaign.ErrNotFound) {
				t.Errorf("%q: %v", nobody, err)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		ann := must(db.CreateUser(ctx, account.User{Email: "ann@example.org", Created: now}))(t)
		bob := must(db.CreateUser(ctx, account.User{Email: "bob@example.org", Created: now}))(t)
		token := must(db.CreateToken(ctx, account.Token{User: ann.ID, Name: "ci", Hint: "bsd_ab", Scopes: account.See | account.Send, Created: now, Expires: now.Add(time.Hour)}, []byte("hash")))(t)
		if err := db.TokenUsed(ctx, token.ID, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		found := must(db.TokenByHash(ctx, []byte("hash")))(t)
		if found.User != ann.ID || found.Scopes != account.See|account.Send || !found.Used.Equal(now.Add(time.Minute)) || !found.Expires.Equal(now.Add(time.Hour)) {
			t.Errorf("found %+v", found)
		}
		if err := db.DeleteToken(ctx, bob.ID, token.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("another's token: %v", err)
		}
		if err := db.DeleteToken(ctx, ann.ID, token.ID); err != nil {
			t.Fatal(err)
		}
		if tokens := must(db.Tokens(ctx, ann.ID))(t); len(tokens) != 0 {
			t.Errorf("tokens %+v", tokens)
		}
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx, s := t.Context(), db.Sessions()
		if err := s.CommitCtx(ctx, "old", []byte("1"), time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		for _, data := range []string{"2", "3"} {
			if err := s.CommitCtx(ctx, "new", []byte(data), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok, err := s.FindCtx(ctx, "old"); ok || err != nil {
			t.Errorf("expired: %v %v", ok, err)
		}
		if data, ok, err := s.FindCtx(ctx, "new"); !ok || err != nil || string(data) != "3" {
			t.Errorf("found %q %v %v", data, ok, err)
		}
		if err := s.DeleteCtx(ctx, "new"); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.FindCtx(ctx, "new"); ok || err != nil {
			t.Errorf("ended: %v %v", ok, err)
		}
	})
}

func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		for _, object := range []string{"spring", "sum\x00mer\xff"} {
			if err := db.Log(ctx, account.Entry{At: now, User: 1, Who: "ann@example.org", Via: "page", Address: "192.0.2.1", Action: "start", Object: object, Status: 303}); err != nil {
				t.Fatal(err)
			}
		}
		newest := must(db.Entries(ctx, 0, 1))(t)
		if len(newest) != 1 || newest[0].Object != "sum\uFFFDmer\uFFFD" || newest[0].Status != 303 || !newest[0].At.Equal(now) {
			t.Fatalf("newest %+v", newest)
		}
		if older := must(db.Entries(ctx, newest[0].ID, 10))(t); len(older) != 1 || older[0].Object != "spring" {
			t.Errorf("older %+v", older)
		}
	})
}
