package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"broadside/campaign/account"
)

type usersView struct {
	Form
	Users []account.User
	Roles []account.Role
	Link  string // to hand to whoever was invited
	For   account.User
	// Wrong is what is wrong with a change of the user Whose.
	Wrong string
	Whose account.UserID
	// Provider is what people call the provider by way of which they sign in; "" without
	// one. NoPasswords: there is no other way.
	Provider    string
	NoPasswords bool
	ByGroup     bool // what is set here holds until the next sign-in
}

func showUsers(v *visit) error { return v.users(http.StatusOK, usersView{}) }

func (v *visit) users(status int, body usersView) error {
	var err error
	if body.Users, err = v.app.Accounts.Users(v.r.Context()); err != nil {
		return err
	}
	body.Roles = account.Roles()
	body.Provider, body.NoPasswords = v.provider(), v.app.Accounts.NoPasswords()
	body.ByGroup = v.app.Accounts.RolesByGroup()
	return v.render(status, "users", "Users", body)
}

// provider is what people call the provider; "" without one.
func (v *visit) provider() string {
	if v.app.OpenID == nil {
		return ""
	}
	return v.app.OpenID.Label
}

func inviteUser(v *visit) error {
	f, err := v.readForm("email", "name", "role")
	if err != nil {
		return err
	}
	v.object = f.Values["email"]
	u, secret, err := v.app.Accounts.Invite(v.r.Context(), account.User{
		Email: f.Values["email"], Name: f.Values["name"], Role: account.Role(f.Values["role"]), Zone: v.User.Zone,
	})
	if f.take(err) {
		return v.users(http.StatusUnprocessableEntity, usersView{Form: f})
	}
	if err != nil {
		return err
	}
	if secret == "" {
		v.flash("%s can sign in with %s now.", u.Email, v.provider())
		return v.redirect("/users")
	}
	return v.users(http.StatusOK, usersView{Link: v.welcomeLink(secret), For: u})
}

// releaseUser forgets which account of the provider a user has.
func releaseUser(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	u, err := v.app.Accounts.Release(v.r.Context(), account.UserID(id))
	if err != nil {
		return err
	}
	v.object = u.Email
	v.flash("%s is bound anew when somebody with this address signs in.", u.Email)
	return v.redirect("/users")
}

func inviteAgain(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	u, secret, err := v.app.Accounts.InviteAgain(v.r.Context(), account.UserID(id))
	if err != nil {
		return err
	}
	v.object = u.Email
	return v.users(http.StatusOK, usersView{Link: v.welcomeLink(secret), For: u})
}

func (v *visit) welcomeLink(secret string) string {
	scheme := "http"
	if v.secure {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: v.r.Host, Path: "/welcome", RawQuery: url.Values{"token": {secret}}.Encode()}).String()
}

func changeUser(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	f, err := v.readForm("name", "role", "disabled")
	if err != nil {
		return err
	}
	u, err := v.app.Accounts.Change(v.r.Context(), account.UserID(id), f.Values["name"], account.Role(f.Values["role"]), f.Values["disabled"] != "")
	if problems := account.Problems(err); len(problems) > 0 {
		return v.users(http.StatusUnprocessableEntity, usersView{Wrong: problems[0].Error(), Whose: account.UserID(id)})
	}
	if err != nil {
		return err
	}
	v.object = u.Email
	if u.ID == v.User.ID && u.Epoch != v.User.Epoch {
		return v.redirect("/login")
	}
	v.flash("%s is saved.", u.Email)
	return v.redirect("/users")
}

type accountView struct {
	Form
	Tokens []account.Token
	Scopes []string
	Text   string // of the token that was just made
	// Provider is by way of what the user signs in; "" for none.
	Provider  string
	Passwords bool // they count for this user
}

func showAccount(v *visit) error { return v.account(http.StatusOK, accountView{}) }

func (v *visit) account(status int, body accountView) error {
	var err error
	if body.Tokens, err = v.app.Accounts.Tokens(v.r.Context(), v.User.ID); err != nil {
		return err
	}
	body.Scopes = v.User.Role.May().Names()
	body.Passwords = v.User.Password != "" && v.app.Accounts.MayUsePassword(v.User)
	if v.User.Subject != "" {
		body.Provider = v.provider()
	}
	return v.render(status, "account", "Your account", body)
}

func changePassword(v *visit) error {
	f, err := v.readForm("present", "password")
	if err != nil {
		return err
	}
	u, err := v.app.Accounts.ChangePassword(v.r.Context(), v.User.ID, f.Values["present"], f.Values["password"])
	if f.take(err) {
		f.Values = nil
		return v.account(http.StatusUnprocessableEntity, accountView{Form: f})
	}
	if err != nil {
		return err
	}
	v.flash("Your password is changed, and every other session of yours has ended.")
	return v.enterByPassword(u, "/account")
}

func changeZone(v *visit) error {
	f, err := v.readForm("zone")
	if err != nil {
		return err
	}
	_, err = v.app.Accounts.SetZone(v.r.Context(), v.User.ID, f.Values["zone"])
	if f.take(err) {
		return v.account(http.StatusUnprocessableEntity, accountView{Form: f})
	}
	if err != nil {
		return err
	}
	v.flash("Times are shown in %s from now on.", f.Values["zone"])
	return v.redirect("/account")
}

func createToken(v *visit) error {
	f, err := v.readForm("name", "days")
	if err != nil {
		return err
	}
	v.object = f.Values["name"]
	scopes, err := account.ParsePermissions(v.r.PostForm["scope"])
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(f.Values["days"])
	if err != nil {
		days = 0
	}
	_, text, err := v.app.Accounts.CreateToken(v.r.Context(), v.User, f.Values["name"], scopes, v.app.Now().Add(time.Duration(days)*24*time.Hour))
	if f.take(err) {
		return v.account(http.StatusUnprocessableEntity, accountView{Form: f})
	}
	if err != nil {
		return err
	}
	return v.account(http.StatusOK, accountView{Text: text})
}

func revokeToken(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	v.object = strconv.FormatInt(id, 10)
	if err := v.app.Accounts.RevokeToken(v.r.Context(), v.User.ID, id); err != nil {
		return err
	}
	v.flash("The token is revoked.")
	return v.redirect("/account")
}

const auditPage = 100

type auditView struct {
	Entries []account.Entry
	Older   int64 // id to go on from, 0 at the end
}

func showAudit(v *visit) error {
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64) // anything else starts
	entries, err := v.app.Accounts.Entries(v.r.Context(), max(before, 0), auditPage)
	if err != nil {
		return err
	}
	body := auditView{Entries: entries}
	if len(entries) == auditPage {
		body.Older = entries[len(entries)-1].ID
	}
	return v.render(http.StatusOK, "audit", "Audit log", body)
}
