package web

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"broadside/campaign/account"
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
	sessionUser  = "user"
	sessionEpoch = "epoch"
)

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

// signIn begins a new session: a token that was planted before is worth nothing after.
func (s sessions) signIn(ctx context.Context, w http.ResponseWriter, u account.User, secure bool) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	s.manager.Put(ctx, sessionUser, int64(u.ID))
	s.manager.Put(ctx, sessionEpoch, u.Epoch)
	token, expires, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie(secure), Value: token, Path: "/", Expires: expires, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

func (s sessions) signOut(ctx context.Context, w http.ResponseWriter, secure bool) error {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie(secure), Path: "/", MaxAge: -1, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return s.manager.Destroy(ctx)
}
