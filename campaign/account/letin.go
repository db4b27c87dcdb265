package account

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// PasswordsCount reports whether anybody could sign in with a password now.
func (a *Accounts) PasswordsCount(ctx context.Context) (bool, error) {
	if !a.rules.NoPasswords {
		return true, nil
	}
	users, err := a.store.Users(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(users, a.MayUsePassword) {
		return true, nil
	}
	return false, nil
}

// NoPasswords reports that people enter by way of the provider only.
func (a *Accounts) NoPasswords() bool { return a.rules.NoPasswords }

// RolesByGroup reports that the provider's groups decide about roles at each sign-in.
func (a *Accounts) RolesByGroup() bool { return len(a.rules.Roles) > 0 }

// MayUsePassword reports whether a password of the user's counts.
func (a *Accounts) MayUsePassword(u User) bool {
	return !a.rules.NoPasswords || a.now().Before(u.LetInUntil)
}

// PasswordEnds is when a session that the user's password begins ends at the latest: where
// passwords count for those alone who were let in, with that. Zero: as any session does.
func (a *Accounts) PasswordEnds(u User) time.Time {
	if !a.rules.NoPasswords {
		return time.Time{}
	}
	return u.LetInUntil
}

// LetIn lets an admin choose a password by a link, and sign in with it for so long, also
// where passwords do not count: for the day on which the provider is down or its groups
// are wrong. makeAdmin takes any user, who is an admin from then on.
func (a *Accounts) LetIn(ctx context.Context, email string, makeAdmin bool, length time.Duration) (User, string, error) {
	known, err := a.store.UserByEmail(ctx, email)
	if err != nil {
		return User{}, "", err
	}
	secret := newSecret()
	u, err := a.store.ChangeUser(ctx, known.ID, func(u *User, _ int) error {
		switch {
		case u.Disabled:
			return fmt.Errorf("%s is disabled: an admin can enable the user on the page of users", u.Email)
		case u.Role != Admin && !makeAdmin:
			return fmt.Errorf("%s is %s and not admin: let another user in, or make this one an admin", u.Email, u.Role)
		case u.Role != Admin:
			u.Role = Admin
			u.Epoch++
		}
		u.LetInUntil = a.now().Add(length)
		u.Invite, u.InviteUntil = hashSecret(secret), u.LetInUntil
		return nil
	})
	return u, secret, err
}
