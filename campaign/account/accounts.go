package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"broadside/campaign"
)

// Accounts is what people do with users, passwords and tokens. Make it with New.
type Accounts struct {
	store Store
	setup string // what the first user's link carries
	now   func() time.Time
	rules Rules

	byUser, byAddress limiter
}

// New takes the secret of the set-up link, which all processes of a database share.
func New(store Store, setup []byte, now func() time.Time) *Accounts {
	return &Accounts{
		store: store, setup: base64.RawURLEncoding.EncodeToString(setup), now: now,
		byUser:    limiter{burst: 5, interval: time.Minute},
		byAddress: limiter{burst: 30, interval: 10 * time.Second},
	}
}

// inviteLife is how long a link to choose a password works.
const inviteLife = 7 * 24 * time.Hour

// SetupSecret is what the set-up link carries while there are no users; "" afterwards.
func (a *Accounts) SetupSecret(ctx context.Context) (string, error) {
	users, err := a.store.Users(ctx)
	if err != nil || len(users) > 0 {
		return "", err
	}
	return a.setup, nil
}

// SetUp makes the first user, an admin. The link works once: ErrLink from then on.
func (a *Accounts) SetUp(ctx context.Context, secret string, u User, password string) (User, error) {
	if subtle.ConstantTimeCompare([]byte(secret), []byte(a.setup)) != 1 {
		return User{}, ErrLink
	}
	u.Role = Admin
	if err := errors.Join(checkUser(&u), checkPassword(password, u.Email)); err != nil {
		return User{}, err
	}
	u.Password, u.Created = hashPassword(password), a.now()
	first, err := a.store.CreateFirstUser(ctx, u)
	if errors.Is(err, campaign.ErrConflict) {
		return User{}, ErrLink
	}
	return first, err
}

// SignIn returns the user of an address and password. ErrWrong, ErrTooMany or
// ErrNoPasswords.
func (a *Accounts) SignIn(ctx context.Context, email, password string, from netip.Addr) (User, error) {
	switch ok, err := a.PasswordsCount(ctx); {
	case err != nil:
		return User{}, err
	case !ok:
		return User{}, ErrNoPasswords
	}
	email = strings.ToLower(strings.TrimSpace(email))
	now, network := a.now(), networkOf(from)
	if !a.byAddress.take(network, now) || !a.byUser.take(email, now) {
		return User{}, ErrTooMany
	}
	u, err := a.store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, campaign.ErrNotFound) {
		return User{}, err
	}
	known := err == nil && u.Password != "" && !u.Disabled && a.MayUsePassword(u)
	hash := nobody
	if known {
		hash = u.Password
	}
	if len(password) > maxPassword || !samePassword(hash, password) || !known {
		return User{}, ErrWrong
	}
	a.byAddress.forgive(network)
	a.byUser.forgive(email)
	return u, nil
}

// networkOf is the part of an address that one client has: an IPv6 client has a /64.
func networkOf(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// User returns a user who may act: campaign.ErrNotFound when disabled.
func (a *Accounts) User(ctx context.Context, id UserID) (User, error) {
	u, err := a.store.UserByID(ctx, id)
	if err == nil && u.Disabled {
		return User{}, fmt.Errorf("user %d is disabled: %w", id, campaign.ErrNotFound)
	}
	return u, err
}

// Users lists all users.
func (a *Accounts) Users(ctx context.Context) ([]User, error) { return a.store.Users(ctx) }

// Invite makes a user, and the secret of the link by which to choose a password: "" where
// passwords do not count, and the user enters by way of the provider.
func (a *Accounts) Invite(ctx context.Context, u User) (User, string, error) {
	if err := checkUser(&u); err != nil {
		return User{}, "", err
	}
	secret := ""
	if u.Created = a.now(); !a.rules.NoPasswords {
		secret = newSecret()
		u.Invite, u.InviteUntil = hashSecret(secret), a.now().Add(inviteLife)
	}
	u, err := a.store.CreateUser(ctx, u)
	if errors.Is(err, campaign.ErrExists) {
		return u, "", &Problem{"email", "belongs to a user already"}
	}
	return u, secret, err
}

// InviteAgain replaces a user's link: for one who lost it, or the password. The
// password stays until another is chosen.
func (a *Accounts) InviteAgain(ctx context.Context, id UserID) (User, string, error) {
	secret := newSecret()
	u, err := a.store.ChangeUser(ctx, id, func(u *User, _ int) error {
		if a.rules.NoPasswords {
			return &Problem{"user", "chooses no password: people sign in with the provider here"}
		}
		u.Invite, u.InviteUntil = hashSecret(secret), a.now().Add(inviteLife)
		return nil
	})
	return u, secret, err
}

// Invited returns the user whom a link is for; ErrLink.
func (a *Accounts) Invited(ctx context.Context, secret string) (User, error) {
	u, err := a.store.UserByInvite(ctx, hashSecret(secret))
	if errors.Is(err, campaign.ErrNotFound) || err == nil && (u.Disabled || a.now().After(u.InviteUntil) || !a.MayUsePassword(u)) {
		return User{}, ErrLink
	}
	return u, err
}

// Accept sets the password that an invited user has chosen, and uses up the link.
func (a *Accounts) Accept(ctx context.Context, secret, password, zone string) (User, error) {
	u, err := a.Invited(ctx, secret)
	if err != nil {
		return u, err
	}
	if err := checkPassword(password, u.Email); err != nil {
		return u, err
	}
	hash := hashPassword(password)
	return a.store.ChangeUser(ctx, u.ID, func(u *User, _ int) error {
		if subtle.ConstantTimeCompare(u.Invite, hashSecret(secret)) != 1 {
			return ErrLink // used meanwhile
		}
		u.Password, u.Invite, u.InviteUntil = hash, nil, time.Time{}
		u.Zone = knownZone(zone, u.Zone)
		u.Epoch++
		return nil
	})
}

// ChangePassword wants the present one; all other sessions of the user end.
func (a *Accounts) ChangePassword(ctx context.Context, id UserID, present, password string) (User, error) {
	u, err := a.User(ctx, id)
	if err != nil {
		return u, err
	}
	if !a.MayUsePassword(u) {
		return u, &Problem{"present", ErrNoPasswords.Error()}
	}
	if !a.byUser.take(u.Email, a.now()) {
		return u, &Problem{"present", ErrTooMany.Error()}
	}
	if !samePassword(u.Password, present) {
		return u, &Problem{"present", "is not your password"}
	}
	a.byUser.forgive(u.Email)
	if err := checkPassword(password, u.Email); err != nil {
		return u, err
	}
	hash := hashPassword(password)
	return a.store.ChangeUser(ctx, id, func(u *User, _ int) error {
		u.Password = hash
		u.Epoch++
		return nil
	})
}

// Change sets a user's name, role and whether it is disabled. The last admin stays one.
func (a *Accounts) Change(ctx context.Context, id UserID, name string, role Role, disabled bool) (User, error) {
	return a.store.ChangeUser(ctx, id, func(u *User, admins int) error {
		if u.Role == Admin && !u.Disabled && admins == 1 && (role != Admin || disabled) {
			return &Problem{"role", "is the last admin's: make another user an admin first"}
		}
		if u.Role != role || u.Disabled != disabled {
			u.Epoch++
		}
		u.Name, u.Role, u.Disabled = name, role, disabled
		return checkUser(u)
	})
}

// SetZone sets the time zone that a user sees times in.
func (a *Accounts) SetZone(ctx context.Context, id UserID, zone string) (User, error) {
	if knownZone(zone, "") == "" {
		return User{}, &Problem{"zone", fmt.Sprintf("%q is not a time zone; write it like Europe/Berlin", zone)}
	}
	return a.store.ChangeUser(ctx, id, func(u *User, _ int) error {
		u.Zone = zone
		return nil
	})
}

func knownZone(zone, otherwise string) string {
	if zone == "" || zone == "Local" {
		return otherwise
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return otherwise
	}
	return zone
}

// checkUser finds what is wrong with what a person typed, and brings it into form.
func checkUser(u *User) error {
	u.Email, u.Name = strings.ToLower(strings.TrimSpace(u.Email)), strings.TrimSpace(u.Name)
	u.Zone = knownZone(u.Zone, "UTC")
	var errs []error
	if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > 254 {
		errs = append(errs, &Problem{"email", "is not an address; write it like ann@example.org"})
	}
	if n := utf8.RuneCountInString(u.Name); n < 1 || n > 100 || strings.ContainsFunc(u.Name, unicode.IsControl) {
		errs = append(errs, &Problem{"name", "must have 1 to 100 characters"})
	}
	if u.Role.May() == 0 {
		errs = append(errs, &Problem{"role", fmt.Sprintf("%q is not known", u.Role)})
	}
	return errors.Join(errs...)
}

func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret)) // of 32 random bytes: nothing to guess, no need to be slow
	return sum[:]
}
