package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"broadside/campaign/account"
	"broadside/campaign/account/openid"
)

// sessionLife is how long a person stays signed in.
const sessionLife = 12 * time.Hour

// sessions are kept in the store, under hashes of what the cookies carry. Only signing
// in and out write there.
type sessions struct{ manager *scs.SessionManager }

func newSessions(store scs.CtxStore) sessions {
	return sessions{&scs.SessionManager{Store: store, Lifetime: sessionLife, Codec: scs.GobCodec{}, HashTokenInStore: true}}
}

// The names of what a session holds.
const (
	sessionUser     = "user"
	sessionEpoch    = "epoch"
	sessionAttempt  = "attempt"  // at a provider, until it leads back
	sessionProvider = "provider" // the user came by way of it
)

// attemptLife is how long a person may take at the provider.
const attemptLife = 10 * time.Minute

// openAttempt is a sign-in that waits for the provider, and the page that it is for.
type openAttempt struct {
	openid.Attempt
	Next string
}

// sessionCookie is the cookie's name; with TLS no other host can set or see it.
func sessionCookie(secure bool) string {
	if secure {
		return "__Host-broadside"
	}
	return "broadside"
}

// load returns a context with the session of a request, an empty one when it has none.
func (s sessions) load(r *http.Request, secure bool) (context.Context, error) {
	token := ""
	if c, err := r.Cookie(sessionCookie(secure)); err == nil {
		token = c.Value
	}
	return s.manager.Load(r.Context(), token)
}

// user returns who is signed in: 0 for nobody.
func (s sessions) user(ctx context.Context) (id account.UserID, epoch int64) {
	return account.UserID(s.manager.GetInt64(ctx, sessionUser)), s.manager.GetInt64(ctx, sessionEpoch)
}

// signIn begins a new session, which ends at the latest at until unless that is zero: a
// token that was planted before is worth nothing after.
func (s sessions) signIn(ctx context.Context, w http.ResponseWriter, u account.User, until time.Time, secure bool) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	if !until.IsZero() && until.Before(s.manager.Deadline(ctx)) {
		s.manager.SetDeadline(ctx, until.UTC())
	}
	s.manager.Put(ctx, sessionUser, int64(u.ID))
	s.manager.Put(ctx, sessionEpoch, u.Epoch)
	return s.commit(ctx, w, secure)
}

// commit stores a session, and gives the browser the cookie of it.
func (s sessions) commit(ctx context.Context, w http.ResponseWriter, secure bool) error {
	token, expires, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie(secure), Value: token, Path: "/", Expires: expires, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

// begin keeps an attempt in a new, short session of nobody's. Lax cookies come along when
// the provider leads back.
func (s sessions) begin(ctx context.Context, w http.ResponseWriter, a openAttempt, secure bool) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s.manager.Put(ctx, sessionAttempt, text)
	s.manager.SetDeadline(ctx, time.Now().Add(attemptLife).UTC())
	return s.commit(ctx, w, secure)
}

// attempt is the one under way in a session.
func (s sessions) attempt(ctx context.Context) (a openAttempt, ok bool) {
	text := s.manager.GetBytes(ctx, sessionAttempt)
	return a, text != nil && json.Unmarshal(text, &a) == nil
}

// forgetAttempt uses the attempt up.
func (s sessions) forgetAttempt(ctx context.Context) error {
	s.manager.Remove(ctx, sessionAttempt)
	_, _, err := s.manager.Commit(ctx)
	return err
}

// noteProvider remembers how the user who is about to sign in came.
func (s sessions) noteProvider(ctx context.Context) { s.manager.Put(ctx, sessionProvider, true) }

// byProvider reports whether the user came by way of the provider.
func (s sessions) byProvider(ctx context.Context) bool {
	return s.manager.GetBool(ctx, sessionProvider)
}

func (s sessions) signOut(ctx context.Context, w http.ResponseWriter, secure bool) error {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie(secure), Path: "/", MaxAge: -1, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return s.manager.Destroy(ctx)
}
