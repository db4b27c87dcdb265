package openid

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"broadside/campaign/account"
)

// Attempt is what a sign-in under way must remember, in the session of the browser that
// began it and nowhere else. It is good for one answer.
type Attempt struct {
	State    string // comes back with the answer: it belongs to this browser
	Nonce    string // comes back in the ID token: it was made for this attempt
	Verifier string // goes with the code: who stole that cannot use it (RFC 7636)
}

// Answers reports whether a query that the provider led back with is for this attempt.
func (a Attempt) Answers(query url.Values) bool {
	return a.State != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(query.Get("state"))) == 1
}

// Begin makes an attempt, and the provider's address to send the browser to. ErrDown.
func (p *Provider) Begin(ctx context.Context) (Attempt, string, error) {
	d, err := p.describe(ctx)
	if err != nil {
		return Attempt{}, "", err
	}
	a := Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return a, d.oauth.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// allPatience is longer than all requests of Finish together may take, so that none of
// them outlives it.
const allPatience = 4*patience + time.Second

// Finish learns who signed in from the query that the provider led back with, which
// answers the attempt. It goes on when ctx ends, as a code works only once. ErrDown,
// ErrDenied or ErrDoubtful; no error holds a token or a code.
func (p *Provider) Finish(ctx context.Context, a Attempt, query url.Values) (account.Identity, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), allPatience)
	defer cancel()
	d, err := p.describe(ctx)
	if err != nil {
		return account.Identity{}, err
	}
	if issuer := query.Get("iss"); issuer != p.Issuer && (issuer != "" || d.meta.NamesItself) {
		return account.Identity{}, fmt.Errorf("%w: the answer is from %.200q (RFC 9207)", ErrDoubtful, issuer)
	}
	if reason := query.Get("error"); reason != "" {
		return account.Identity{}, fmt.Errorf("%w: %.100q %.300q", ErrDenied, reason, query.Get("error_description"))
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := d.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return account.Identity{}, exchangeError(err)
	}
	claims, err := p.verify(ctx, d, a, tokens)
	if err != nil {
		return account.Identity{}, err
	}
	if err := p.complete(ctx, d, tokens, claims); err != nil {
		return account.Identity{}, err
	}
	return p.identity(claims)
}

// exchangeError says why a code was not taken; the answer itself may hold secrets.
func exchangeError(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: the code was not exchanged: %s", ErrDown, short(err))
	case refusal.Response.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: the code was not exchanged: %s", ErrDown, refusal.Response.Status)
	}
	return fmt.Errorf("%w: the code was not exchanged: %s, %.100q", ErrDoubtful, refusal.Response.Status, refusal.ErrorCode)
}

// verify returns the claims of an ID token that is signed, ours, of this attempt and not
// over (OpenID Connect Core §3.1.3.7).
func (p *Provider) verify(ctx context.Context, d *description, a Attempt, tokens *oauth2.Token) (claims, error) {
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return nil, fmt.Errorf("%w: no ID token came with the access token", ErrDoubtful)
	}
	token, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: ID token: %s", ErrDoubtful, short(err))
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.Nonce)) != 1 {
		return nil, fmt.Errorf("%w: the ID token was made for another sign-in", ErrDoubtful)
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(tokens.AccessToken); err != nil {
			return nil, fmt.Errorf("%w: access token: %s", ErrDoubtful, short(err))
		}
	}
	c := claims{}
	if err := token.Claims(&c); err != nil {
		return nil, fmt.Errorf("%w: ID token: %s", ErrDoubtful, short(err))
	}
	party, named := c["azp"]
	if named && party != p.ClientID || !named && len(token.Audience) > 1 {
		return nil, fmt.Errorf("%w: the ID token was issued to another client", ErrDoubtful)
	}
	return c, nil
}

// complete adds what only the provider's UserInfo endpoint tells (OpenID Connect Core
// §5.3): some put no more than the subject into the ID token.
func (p *Provider) complete(ctx context.Context, d *description, tokens *oauth2.Token, c claims) error {
	if d.meta.UserInfo == "" || c.tells("email") && c.tells("email_verified") && (p.GroupsClaim == "" || c.tells(p.GroupsClaim)) {
		return nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return fmt.Errorf("%w: UserInfo: %s", ErrDown, short(err))
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: UserInfo: %s", ErrDoubtful, short(err))
	}
	if info.Subject != c["sub"] {
		return fmt.Errorf("%w: UserInfo is about somebody else", ErrDoubtful)
	}
	c.add(more)
	return nil
}
