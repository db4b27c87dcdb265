package account

import (
	"context"
	"errors"
	"time"
)

// UserID is a key given by the store, ascending, from 1; 0 is nobody.
type UserID int64

// User is a person who signs in.
type User struct {
	ID    UserID
	Email string // in lower case, as typed otherwise
	Name  string
	Role  Role
	// Zone is the IANA time zone in which times are shown to the user.
	Zone     string
	Disabled bool
	// Password is its hash, "" until the user has chosen one.
	Password string
	// Epoch grows when all sessions of the user end: a password or role changed, the
	// user was disabled.
	Epoch   int64
	Created time.Time
	// Invite is the SHA-256 of the link that lets the user choose a password until a
	// time; nil when there is none.
	Invite      []byte
	InviteUntil time.Time
	// Issuer and Subject are how an OpenID provider knows the person; "" when the person
	// has not signed in there.
	Issuer, Subject string
	// LetInUntil is when a password stops to count where none does: see LetIn.
	LetInUntil time.Time
}

// Location is the user's time zone, UTC when the machine doesn't know it.
func (u User) Location() *time.Location {
	if l, err := time.LoadLocation(u.Zone); err == nil {
		return l
	}
	return time.UTC
}

// SignsIn names the ways by which the user can sign in or has done so: password, provider.
func (u User) SignsIn() []string {
	ways := []string{}
	if u.Password != "" {
		ways = append(ways, "password")
	}
	if u.Subject != "" {
		ways = append(ways, "provider")
	}
	return ways
}

// Token lets a program act for a user.
type Token struct {
	ID     int64
	User   UserID
	Name   string
	Hint   string // its first characters, by which a person knows it again
	Scopes Permission
	// Created and Expires are exact, Used is within an hour; zero when it never was.
	Created, Expires, Used time.Time
}

// Entry is a line of the audit log: somebody changed something, or tried to.
type Entry struct {
	ID      int64
	At      time.Time
	User    UserID // 0 when nobody was signed in
	Who     string // the user's address at that time
	Via     string // "page", or the token's name
	Address string // IP address of the client
	Action  string // "start campaign"
	Object  string // "spring"
	Status  int    // of the HTTP answer
}

// Store keeps users, tokens and the audit log.
type Store interface {
	// CreateFirstUser stores the first user; campaign.ErrConflict when there is one.
	CreateFirstUser(ctx context.Context, u User) (User, error)
	CreateUser(ctx context.Context, u User) (User, error) // campaign.ErrExists
	// ChangeUser reads a user, lets change edit it, and stores it, all at once;
	// campaign.ErrNotFound, or what change returned.
	ChangeUser(ctx context.Context, id UserID, change func(u *User, admins int) error) (User, error)
	UserByID(ctx context.Context, id UserID) (User, error)         // campaign.ErrNotFound
	UserByEmail(ctx context.Context, email string) (User, error)   // campaign.ErrNotFound
	UserByInvite(ctx context.Context, invite []byte) (User, error) // campaign.ErrNotFound
	// UserBySubject finds whom an issuer calls so; campaign.ErrNotFound.
	UserBySubject(ctx context.Context, issuer, subject string) (User, error)
	Users(ctx context.Context) ([]User, error) // in order of address
	CreateToken(ctx context.Context, t Token, hash []byte) (Token, error)
	TokenByHash(ctx context.Context, hash []byte) (Token, error) // campaign.ErrNotFound
	TokenUsed(ctx context.Context, id int64, at time.Time) error
	Tokens(ctx context.Context, user UserID) ([]Token, error)
	DeleteToken(ctx context.Context, user UserID, id int64) error // campaign.ErrNotFound
	Log(ctx context.Context, e Entry) error
	Entries(ctx context.Context, before int64, limit int) ([]Entry, error) // newest first; before 0 starts
}

// Errors that people see.
var (
	// ErrWrong does not say which of the two was wrong, nor whether the user exists.
	ErrWrong = errors.New("the address or the password is wrong")
	// ErrTooMany: this address, or this user, failed too often.
	ErrTooMany = errors.New("too many failed attempts: wait a minute and try again")
	// ErrLink: an invitation or set-up link that was used, replaced or is too old.
	ErrLink = errors.New("this link is not valid any more: ask an admin for a new one")
	// ErrNoPasswords: people sign in with the provider, and nobody is let in otherwise.
	ErrNoPasswords = errors.New("passwords do not count here")
)

// Problem is what is wrong with a field that a person filled in.
type Problem struct {
	Field string // its name in forms and in the API
	Text  string
}

func (p *Problem) Error() string { return p.Field + ": " + p.Text }
