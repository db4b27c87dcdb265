package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"broadside/campaign/account"
)

// User is a person who signs in.
type User struct {
	ID       int64     `json:"id"`
	Email    string    `json:"email"`
	Name     string    `json:"name"`
	Role     string    `json:"role" enum:"admin,editor,author,viewer"`
	Zone     string    `json:"zone"`
	Disabled bool      `json:"disabled"`
	Created  time.Time `json:"created"`
	Invited  time.Time `json:"invited_until,omitzero" doc:"Until when the link works by which the user chooses a password; missing when there is none."`
	SignsIn  []string  `json:"signs_in" doc:"How the user has signed in: with a password, by way of the OpenID provider; none for who has not yet." enum:"password,provider"`
}

func userOf(u account.User) User {
	return User{int64(u.ID), u.Email, u.Name, string(u.Role), u.Zone, u.Disabled, u.Created, u.InviteUntil, u.SignsIn()}
}

// Invited is a user with the link by which to choose a password.
type Invited struct {
	User
	Link string `json:"link,omitempty" doc:"Below the address of the pages. It is told this once. Missing where people sign in only by way of the OpenID provider: they can do so at once."`
}

func invitedOf(u account.User, secret string) Invited {
	if secret == "" {
		return Invited{User: userOf(u)}
	}
	return Invited{userOf(u), "/welcome?" + url.Values{"token": {secret}}.Encode()}
}

// Entry is a line of the audit log.
type Entry struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	User    int64     `json:"user" doc:"0 when nobody was signed in."`
	Who     string    `json:"who" doc:"The user's address at that time."`
	Via     string    `json:"via" doc:"page, or the token's name."`
	Address string    `json:"address" doc:"IP address of the client."`
	Action  string    `json:"action"`
	Object  string    `json:"object,omitempty"`
	Status  int       `json:"status" doc:"Of the HTTP answer."`
}

func entryOf(e account.Entry) Entry {
	return Entry{e.ID, e.At, int64(e.User), e.Who, e.Via, e.Address, e.Action, e.Object, e.Status}
}

// UserPath names a user.
type UserPath struct {
	User int64 `path:"user" minimum:"1" doc:"The user's id."`
}

func (a *API) addUsers() {
	add(a, Operation{Method: "GET", Path: "/users", ID: "list-users", Tag: "users", Summary: "All users", Need: account.Manage}, a.showUsers)
	add(a, Operation{Method: "POST", Path: "/users", ID: "invite-user", Tag: "users", Summary: "Make a user, who chooses a password by the link", Need: account.Manage, Action: "invite user", Status: http.StatusCreated}, a.invite)
	add(a, Operation{Method: "PUT", Path: "/users/{user}", ID: "change-user", Tag: "users", Summary: "Change a user's name and role, or disable the user", Means: "Another role ends the user's sessions. The last admin stays one.", Need: account.Manage, Action: "change user"}, a.changeUser)
	add(a, Operation{Method: "POST", Path: "/users/{user}/invite", ID: "invite-user-again", Tag: "users", Summary: "Replace a user's link", Need: account.Manage, Action: "invite user again"}, a.inviteAgain)
	add(a, Operation{Method: "POST", Path: "/users/{user}/release", ID: "release-user", Tag: "users", Summary: "Forget which account of the OpenID provider a user has", Means: "Whoever signs in there with the user's address next becomes this user. The user's sessions end.", Need: account.Manage, Action: "release user"}, a.release)
	add(a, Operation{Method: "GET", Path: "/audit", ID: "list-audit", Tag: "users", Summary: "Who did what, newest first", Need: account.Manage}, a.showAudit)
}

func (a *API) showUsers(ctx context.Context, _ *call, _ *struct{}) (*body[Page[User]], error) {
	users, err := a.Accounts.Users(ctx)
	return answer(all(users, userOf), err)
}

type invitation struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254"`
		Name  string `json:"name" minLength:"1" maxLength:"100"`
		Role  string `json:"role" enum:"admin,editor,author,viewer"`
	}
}

func (a *API) invite(ctx context.Context, c *call, in *invitation) (*body[Invited], error) {
	c.object = in.Body.Email
	u, secret, err := a.Accounts.Invite(ctx, account.User{Email: in.Body.Email, Name: in.Body.Name, Role: account.Role(in.Body.Role), Zone: c.user.Zone})
	return answer(invitedOf(u, secret), err)
}

type userChange struct {
	UserPath
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"100"`
		Role     string `json:"role" enum:"admin,editor,author,viewer"`
		Disabled bool   `json:"disabled,omitempty"`
	}
}

func (a *API) changeUser(ctx context.Context, c *call, in *userChange) (*body[User], error) {
	c.object = "user " + number(in.User)
	u, err := a.Accounts.Change(ctx, account.UserID(in.User), in.Body.Name, account.Role(in.Body.Role), in.Body.Disabled)
	if err == nil {
		c.object = u.Email
	}
	return answer(userOf(u), err)
}

func (a *API) inviteAgain(ctx context.Context, c *call, in *UserPath) (*body[Invited], error) {
	c.object = "user " + number(in.User)
	u, secret, err := a.Accounts.InviteAgain(ctx, account.UserID(in.User))
	if err == nil {
		c.object = u.Email
	}
	return answer(invitedOf(u, secret), err)
}

func (a *API) release(ctx context.Context, c *call, in *UserPath) (*body[User], error) {
	c.object = "user " + number(in.User)
	u, err := a.Accounts.Release(ctx, account.UserID(in.User))
	if err == nil {
		c.object = u.Email
	}
	return answer(userOf(u), err)
}

func (a *API) showAudit(ctx context.Context, _ *call, in *Paging) (*body[Page[Entry]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	entries, err := a.Accounts.Entries(ctx, before, in.Limit)
	return answer(pageOf(entries, in.Limit, entryOf, func(e account.Entry) string { return number(e.ID) }), err)
}
