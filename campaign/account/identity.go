package account

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"broadside/campaign"
)

// Identity is what an OpenID provider says about the person who signed in there.
type Identity struct {
	// Issuer and Subject together are one person for ever (OpenID Connect Core §5.7).
	Issuer, Subject string
	Email           string // in lower case; "" when the provider does not say
	Verified        bool   // the provider vouches that the address is the person's
	Name            string
	Groups          []string // from which a role may follow
}

// Rules say who enters by way of a provider, and as what. The zero value is for those
// who have none.
type Rules struct {
	Domains []string        // that addresses must be of, in lower case; none allows all
	Admins  []string        // addresses of people who are admins whatever else holds
	Roles   map[string]Role // by group; none leaves roles to the page of users
	// Newcomers is the role of those whom nobody has invited and no group speaks for;
	// "" keeps them out.
	Newcomers Role
	// NoPasswords: people enter by way of the provider only, and those whom LetIn lets in.
	NoPasswords bool
}

// Refused says in a line for the person why an identity does not enter.
type Refused string

func (r Refused) Error() string { return string(r) }

// The refusals.
const (
	Unverified Refused = "the provider does not confirm that the address is yours"
	Stranger   Refused = "addresses of your domain may not sign in here"
	Uninvited  Refused = "nobody has invited you: ask an admin"
	Roleless   Refused = "none of your groups may sign in here: ask an admin"
	Taken      Refused = "your address belongs to another account of the provider: ask an admin to release it"
	Disabled   Refused = "your account here is disabled: ask an admin"
	Early      Refused = "Broadside is not set up yet, and an admin must be the first"
	Unfit      Refused = "the provider tells no address of yours that can be used here"
)

// UseProvider sets the rules for people who come by way of a provider. Call it before
// anything else.
func (a *Accounts) UseProvider(r Rules) { a.rules = r }

// Begin counts a way to the provider that a client sets out on; ErrTooMany. Enter takes
// it back when it led somewhere.
func (a *Accounts) Begin(from netip.Addr) error {
	if !a.byAddress.take(networkOf(from), a.now()) {
		return ErrTooMany
	}
	return nil
}

// Enter returns the user whom a verified identity stands for: the one that is bound to
// it, or the one with its address, who is bound to it from then on, or a new one where
// the rules allow that. The note tells the audit log what changed; "" for nothing. A
// Refused says why the person stays out.
func (a *Accounts) Enter(ctx context.Context, id Identity, from netip.Addr) (u User, note string, err error) {
	if len(a.rules.Domains) > 0 && !(id.Verified && slices.Contains(a.rules.Domains, domainOf(id.Email))) {
		return u, "", Stranger
	}
	u, err = a.store.UserBySubject(ctx, id.Issuer, id.Subject)
	if errors.Is(err, campaign.ErrNotFound) {
		// An address that nobody has confirmed could be anybody's.
		if !id.Verified || id.Email == "" {
			return u, "", Unverified
		}
		u, err = a.store.UserByEmail(ctx, id.Email)
	}
	switch {
	case err == nil:
		u, note, err = a.admit(ctx, u.ID, id)
	case errors.Is(err, campaign.ErrNotFound):
		u, note, err = a.newcomer(ctx, id)
	}
	if err == nil {
		a.byAddress.forgive(networkOf(from))
	}
	return u, note, err
}

// admit lets a known user in: bound to the identity, and in the role that it has today.
func (a *Accounts) admit(ctx context.Context, user UserID, id Identity) (_ User, note string, err error) {
	u, err := a.store.ChangeUser(ctx, user, func(u *User, _ int) error {
		if u.Disabled {
			return Disabled
		}
		bound := u.Issuer == id.Issuer && u.Subject != ""
		if bound && u.Subject != id.Subject {
			return Taken
		}
		role, ok := a.rules.role(id, u.Role)
		if !ok {
			return Roleless
		}
		note = ""
		if !bound { // or to a provider that was ours before
			u.Issuer, u.Subject = id.Issuer, id.Subject
			u.Invite, u.InviteUntil = nil, time.Time{}
			note = "bound to the provider"
		}
		if role != u.Role {
			note = strings.TrimPrefix(note+", was "+string(u.Role)+", is "+string(role), ", ")
			u.Role = role
			u.Epoch++
		}
		return nil
	})
	return u, note, err
}

// newcomer makes a user of somebody who was never here.
func (a *Accounts) newcomer(ctx context.Context, id Identity) (User, string, error) {
	role, ok := a.rules.role(id, a.rules.Newcomers)
	switch {
	case !ok && len(a.rules.Roles) > 0:
		return User{}, "", Roleless
	case !ok:
		return User{}, "", Uninvited
	case role != Admin:
		users, err := a.store.Users(ctx)
		if err != nil {
			return User{}, "", err
		}
		if len(users) == 0 {
			return User{}, "", Early // the link that makes the first admin would be dead
		}
	}
	u := User{Email: id.Email, Name: nameOf(id), Role: role, Created: a.now(), Issuer: id.Issuer, Subject: id.Subject}
	if checkUser(&u) != nil {
		return u, "", Unfit
	}
	u, err := a.store.CreateUser(ctx, u)
	return u, "new, as " + string(role), err
}

// role is what an identity may be today; present is what it is without a word of the
// provider's, "" for nothing.
func (r Rules) role(id Identity, present Role) (Role, bool) {
	if id.Verified && slices.Contains(r.Admins, id.Email) {
		return Admin, true
	}
	if len(r.Roles) == 0 {
		return present, present != ""
	}
	for _, role := range Roles() {
		if slices.ContainsFunc(id.Groups, func(group string) bool { return r.Roles[group] == role }) {
			return role, true
		}
	}
	return r.Newcomers, r.Newcomers != ""
}

// Release forgets how the provider knows a user, for one whose account there was made
// anew: the next who comes with the same address is bound. The user's sessions end.
func (a *Accounts) Release(ctx context.Context, id UserID) (User, error) {
	return a.store.ChangeUser(ctx, id, func(u *User, _ int) error {
		if u.Subject != "" {
			u.Issuer, u.Subject = "", ""
			u.Epoch++
		}
		return nil
	})
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// nameOf is a name that fits, the address's first part when the provider tells none.
func nameOf(id Identity) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(id.Name, ""))
	name = strings.TrimSpace(name)
	if name == "" {
		name, _, _ = strings.Cut(id.Email, "@")
	}
	if runes := []rune(name); len(runes) > 100 {
		name = string(runes[:100])
	}
	return name
}
