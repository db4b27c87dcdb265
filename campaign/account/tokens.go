package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"broadside/campaign"
)

// tokenPrefix lets scanners of leaked secrets know ours.
const tokenPrefix = "bsd_"

// maxTokenLife is how long a token may be valid.
const maxTokenLife = 366 * 24 * time.Hour

// tokenUsedEvery is how exact Token.Used is: not every request is a write.
const tokenUsedEvery = time.Hour

// CreateToken makes a token of a user. Its text is returned this once. It never allows
// more than the user's role does, now or later.
func (a *Accounts) CreateToken(ctx context.Context, u User, name string, scopes Permission, expires time.Time) (Token, string, error) {
	name = strings.TrimSpace(name)
	now := a.now()
	var errs []error
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		errs = append(errs, &Problem{"name", "must have 1 to 100 characters"})
	}
	if scopes == 0 || scopes&^u.Role.May() != 0 {
		errs = append(errs, &Problem{"scopes", fmt.Sprintf("must be some of: %s", strings.Join(u.Role.May().Names(), ", "))})
	}
	if life := expires.Sub(now); life < time.Minute || life > maxTokenLife {
		errs = append(errs, &Problem{"expires", "must be within the next year"})
	}
	if err := errors.Join(errs...); err != nil {
		return Token{}, "", err
	}
	text := tokenPrefix + newSecret()
	t := Token{User: u.ID, Name: name, Hint: text[:len(tokenPrefix)+6], Scopes: scopes, Created: now, Expires: expires}
	t, err := a.store.CreateToken(ctx, t, hashSecret(text))
	return t, text, err
}

// Authenticate returns the user for whom a token acts, and what it may do now.
// campaign.ErrNotFound for a token that is wrong, expired or whose user is disabled.
func (a *Accounts) Authenticate(ctx context.Context, text string) (User, Token, error) {
	if !strings.HasPrefix(text, tokenPrefix) {
		return User{}, Token{}, fmt.Errorf("token: %w", campaign.ErrNotFound)
	}
	t, err := a.store.TokenByHash(ctx, hashSecret(text))
	if err != nil {
		return User{}, t, err
	}
	now := a.now()
	if now.After(t.Expires) {
		return User{}, t, fmt.Errorf("token %s expired: %w", t.Hint, campaign.ErrNotFound)
	}
	u, err := a.User(ctx, t.User)
	if err != nil {
		return u, t, err
	}
	t.Scopes &= u.Role.May()
	if now.Sub(t.Used) > tokenUsedEvery {
		err = a.store.TokenUsed(ctx, t.ID, now)
	}
	return u, t, err
}

// Tokens lists a user's tokens.
func (a *Accounts) Tokens(ctx context.Context, user UserID) ([]Token, error) {
	return a.store.Tokens(ctx, user)
}

// RevokeToken ends a token of a user.
func (a *Accounts) RevokeToken(ctx context.Context, user UserID, id int64) error {
	return a.store.DeleteToken(ctx, user, id)
}

// Log writes a line of the audit log.
func (a *Accounts) Log(ctx context.Context, e Entry) error {
	e.At = a.now()
	return a.store.Log(ctx, e)
}

// Entries pages through the audit log, newest first.
func (a *Accounts) Entries(ctx context.Context, before int64, limit int) ([]Entry, error) {
	return a.store.Entries(ctx, before, limit)
}
