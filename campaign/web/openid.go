package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"broadside/campaign/account"
	"broadside/campaign/account/openid"
)

// SignOn is the OpenID provider by way of which people sign in.
type SignOn struct {
	*openid.Provider
	Label string // what people call it
	// Base is the public address of the pages. A sign-in begins and ends there, because
	// the session that holds it together is a cookie of that host.
	Base string
}

// openIDBack is the path, below SignOn.Base, that a provider leads back to.
const openIDBack = "/login/openid/back"

// NewSignOn sets where the provider leads back to below the public address of the pages.
func NewSignOn(c openid.Config, label, base string) *SignOn {
	base = strings.TrimRight(base, "/")
	c.Redirect = base + openIDBack
	return &SignOn{Provider: openid.New(c), Label: label, Base: base}
}

// start is the address that begins a sign-in which ends on a page of ours.
func (s *SignOn) start(next string) string {
	return s.Base + "/login/openid?" + url.Values{"next": {localPath(next)}}.Encode()
}

// What people read when they come back without being signed in.
const (
	stale    = "This sign-in was begun elsewhere or too long ago. Please try again."
	doubtful = "The answer of %s could not be verified. What was wrong with it is in the server's log."
	down     = "%s cannot be reached at the moment. Please try again in a minute."
	denied   = "%s did not sign you in."
)

// beginOpenID sends the browser to the provider.
func beginOpenID(v *visit) error {
	s, next := v.app.OpenID, localPath(v.r.URL.Query().Get("next"))
	switch {
	case s == nil:
		return v.refuse(http.StatusNotFound, "Not found", "There is no such page.")
	case v.User.ID != 0:
		return v.redirect(next)
	case !navigates(v.r):
		return v.refuse(http.StatusBadRequest, "Not a page", "Sign in by following the link on the page.")
	}
	if err := v.app.Accounts.Begin(v.app.client(v.r)); err != nil {
		return v.turnAway(http.StatusTooManyRequests, next, sentence(err))
	}
	attempt, address, err := s.Begin(v.r.Context())
	if err != nil {
		v.app.Log.Warn("web: no sign-in by OpenID Connect", "issuer", s.Issuer, "error", err)
		return v.turnAway(http.StatusServiceUnavailable, next, strings.Replace(down, "%s", s.Label, 1))
	}
	if err := v.app.sessions.begin(v.r.Context(), v.w, openAttempt{attempt, next}, v.secure); err != nil {
		return err
	}
	v.status = http.StatusSeeOther
	http.Redirect(v.w, v.r, address, v.status)
	return nil
}

// navigates reports whether a request may be a person's who goes to a page: an image on
// somebody else's page must not use up how often a network may sign in (Fetch Metadata,
// Sec-Fetch-Mode).
func navigates(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "navigate"
}

// finishOpenID lets in whom the provider led back.
func finishOpenID(v *visit) error {
	s, ctx, query := v.app.OpenID, v.r.Context(), v.r.URL.Query()
	if s == nil {
		return v.refuse(http.StatusNotFound, "Not found", "There is no such page.")
	}
	attempt, ok := v.app.sessions.attempt(ctx)
	if !ok || !attempt.Answers(query) {
		return v.turnAway(http.StatusBadRequest, "", stale)
	}
	// It is used up before the code is: who sends the same answer again finds nothing.
	if err := v.app.sessions.forgetAttempt(ctx); err != nil {
		return err
	}
	identity, err := s.Finish(ctx, attempt.Attempt, query)
	if err != nil {
		v.app.Log.Warn("web: no sign-in by OpenID Connect", "issuer", s.Issuer, "error", err)
		status, text := http.StatusForbidden, doubtful
		switch {
		case errors.Is(err, openid.ErrDown):
			status, text = http.StatusServiceUnavailable, down
		case errors.Is(err, openid.ErrDenied):
			text = denied
		}
		return v.turnAway(status, attempt.Next, strings.Replace(text, "%s", s.Label, 1))
	}
	v.object = identity.Email
	u, note, err := v.app.Accounts.Enter(ctx, identity, v.app.client(v.r))
	if refused, ok := errors.AsType[account.Refused](err); ok {
		v.app.Log.Info("web: somebody was not let in", "issuer", s.Issuer, "subject", identity.Subject, "email", identity.Email, "verified", identity.Verified, "why", refused)
		return v.turnAway(http.StatusForbidden, attempt.Next, sentence(refused))
	}
	if err != nil {
		return err
	}
	v.app.sessions.noteProvider(ctx)
	if err := v.enter(u, attempt.Next, time.Time{}); err != nil {
		return err
	}
	if note != "" {
		v.object += ": " + note
	}
	return nil
}

// turnAway shows the page on which people sign in, and why they have to do it again.
func (v *visit) turnAway(status int, next, why string) error {
	return v.signInPage(status, signInView{Problem: why, Next: next})
}

// sentence writes an error as one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
