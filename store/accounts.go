package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"broadside/campaign"
	"broadside/campaign/account"
)

const userColumns = "id, email, name, role, zone, disabled, password, epoch, created, invite, invite_until, issuer, subject, let_in_until"

type userRow struct {
	ID                int64
	Email, Name, Role string
	Zone              string
	Disabled          bool
	Password          string
	Epoch, Created    int64
	Invite            []byte
	InviteUntil       int64 `db:"invite_until"`
	Issuer, Subject   string
	LetInUntil        int64 `db:"let_in_until"`
}

func (r userRow) user() account.User {
	return account.User{
		ID: account.UserID(r.ID), Email: r.Email, Name: r.Name, Role: account.Role(r.Role), Zone: r.Zone,
		Disabled: r.Disabled, Password: r.Password, Epoch: r.Epoch, Created: fromMillis(r.Created),
		Invite: r.Invite, InviteUntil: fromMillis(r.InviteUntil),
		Issuer: r.Issuer, Subject: r.Subject, LetInUntil: fromMillis(r.LetInUntil),
	}
}

// userArgs are the values of userColumns without the id.
func userArgs(u account.User) []any {
	return []any{u.Email, u.Name, string(u.Role), u.Zone, u.Disabled, u.Password, u.Epoch, millis(u.Created), u.Invite, millis(u.InviteUntil),
		u.Issuer, u.Subject, millis(u.LetInUntil)}
}

const insertUser = "INSERT INTO users (email, name, role, zone, disabled, password, epoch, created, invite, invite_until, issuer, subject, let_in_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING " + userColumns

// CreateFirstUser stores the first user; campaign.ErrConflict when there is one.
func (db *DB) CreateFirstUser(ctx context.Context, u account.User) (account.User, error) {
	var r userRow
	err := db.change(ctx, func(t *tx) error {
		if err := db.lock(ctx, t, lockUsers); err != nil {
			return err
		}
		var users int
		if err := t.get(ctx, &users, "SELECT COUNT(*) FROM users"); err != nil {
			return err
		}
		if users > 0 {
			return campaign.ErrConflict
		}
		return t.get(ctx, &r, insertUser, userArgs(u)...)
	})
	if err != nil {
		return account.User{}, fmt.Errorf("create the first user: %w", err)
	}
	return r.user(), nil
}

// CreateUser stores a user; campaign.ErrExists when the address, or the
// subject at its issuer, is taken.
func (db *DB) CreateUser(ctx context.Context, u account.User) (account.User, error) {
	var r userRow
	err := db.change(ctx, func(t *tx) error { return t.get(ctx, &r, insertUser, userArgs(u)...) })
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrExists
	}
	if err != nil {
		return account.User{}, fmt.Errorf("create user %s: %w", u.Email, err)
	}
	return r.user(), nil
}

// ChangeUser reads a user, lets change edit it, and stores it, all at once.
func (db *DB) ChangeUser(ctx context.Context, id account.UserID, change func(u *account.User, admins int) error) (account.User, error) {
	var changed account.User
	err := db.change(ctx, func(t *tx) error {
		if err := db.lock(ctx, t, lockUsers); err != nil {
			return err
		}
		var admins int
		if err := t.get(ctx, &admins, "SELECT COUNT(*) FROM users WHERE role = 'admin' AND NOT disabled"); err != nil {
			return err
		}
		var r userRow
		err := t.get(ctx, &r, "SELECT "+userColumns+" FROM users WHERE id = ?", int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		changed = r.user()
		if err := change(&changed, admins); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE users SET email = ?, name = ?, role = ?, zone = ?, disabled = ?, password = ?, epoch = ?, created = ?,
			invite = ?, invite_until = ?, issuer = ?, subject = ?, let_in_until = ? WHERE id = ?`, append(userArgs(changed), int64(id))...)
		return err
	})
	if err != nil {
		return account.User{}, fmt.Errorf("change user %d: %w", id, err)
	}
	return changed, nil
}

// UserByID finds a user; campaign.ErrNotFound.
func (db *DB) UserByID(ctx context.Context, id account.UserID) (account.User, error) {
	return db.user(ctx, fmt.Sprintf("user %d", id), "id = ?", int64(id))
}

// UserByEmail finds a user by the address in lower case; campaign.ErrNotFound.
func (db *DB) UserByEmail(ctx context.Context, email string) (account.User, error) {
	return db.user(ctx, "user "+email, "email = ?", email)
}

// UserByInvite finds a user by the hash of a link; campaign.ErrNotFound.
func (db *DB) UserByInvite(ctx context.Context, invite []byte) (account.User, error) {
	return db.user(ctx, "user of a link", "invite = ?", invite)
}

// UserBySubject finds a user by what an issuer calls the person; campaign.ErrNotFound.
func (db *DB) UserBySubject(ctx context.Context, issuer, subject string) (account.User, error) {
	return db.user(ctx, fmt.Sprintf("user %q of %s", subject, issuer), "subject <> '' AND issuer = ? AND subject = ?", issuer, subject)
}

func (db *DB) user(ctx context.Context, what, where string, args ...any) (account.User, error) {
	var r userRow
	err := db.get(ctx, what, &r, "SELECT "+userColumns+" FROM users WHERE "+where, args...)
	return r.user(), err
}

// Users lists all users in order of address.
func (db *DB) Users(ctx context.Context) ([]account.User, error) {
	var rows []userRow
	if err := db.selectAll(ctx, &rows, "SELECT "+userColumns+" FROM users ORDER BY email"); err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	users := make([]account.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}
