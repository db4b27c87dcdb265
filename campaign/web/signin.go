package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"broadside/campaign/account"
)

// signInView is the form of the pages that stand before signing in.
type signInView struct {
	Form
	Next, Token, Email string
	Passwords          bool    // they count
	Provider           *SignOn // nil without one
	Problem            string  // why the person was turned away
	Leave              string  // where to sign out of the provider too; "" for nowhere
}

// Start is where a sign-in by way of the provider begins.
func (s signInView) Start() string { return s.Provider.start(s.Next) }

// signInPage shows the ways to sign in.
func (v *visit) signInPage(status int, body signInView) (err error) {
	body.Provider = v.app.OpenID
	if body.Passwords, err = v.app.Accounts.PasswordsCount(v.r.Context()); err != nil {
		return err
	}
	return v.render(status, "login", "Sign in", body)
}

func showSetup(v *visit) error {
	if secret, err := v.app.Accounts.SetupSecret(v.r.Context()); err != nil || secret == "" {
		return errors.Join(err, v.redirect("/login"))
	}
	return v.render(http.StatusOK, "setup", "Set up Broadside", signInView{Token: v.r.URL.Query().Get("token")})
}

func setUp(v *visit) error {
	f, err := v.readForm("token", "email", "name", "password", "zone")
	if err != nil {
		return err
	}
	u, err := v.app.Accounts.SetUp(v.r.Context(), f.Values["token"],
		account.User{Email: f.Values["email"], Name: f.Values["name"], Zone: f.Values["zone"]}, f.Values["password"])
	if f.take(err) {
		return v.render(http.StatusUnprocessableEntity, "setup", "Set up Broadside", signInView{Form: f, Token: f.Values["token"]})
	}
	if errors.Is(err, account.ErrLink) {
		return v.refuse(http.StatusForbidden, "This link does not work", "The server prints the set-up link when it starts, as long as nobody is set up.")
	}
	if err != nil {
		return err
	}
	return v.enterByPassword(u, "/")
}

func showLogin(v *visit) error {
	if v.User.ID != 0 {
		return v.redirect(localPath(v.r.URL.Query().Get("next")))
	}
	body := signInView{Next: v.r.URL.Query().Get("next")}
	if s := v.app.OpenID; s != nil && v.r.URL.Query().Has("left") {
		body.Leave = s.Leave()
	}
	return v.signInPage(http.StatusOK, body)
}

func signIn(v *visit) error {
	f, err := v.readForm("email", "password", "next")
	if err != nil {
		return err
	}
	v.object = f.Values["email"]
	u, err := v.app.Accounts.SignIn(v.r.Context(), f.Values["email"], f.Values["password"], v.app.client(v.r))
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, account.ErrTooMany):
		status = http.StatusTooManyRequests
		fallthrough
	case errors.Is(err, account.ErrWrong):
		f.Errors["password"] = err.Error()
		return v.signInPage(status, signInView{Form: f, Next: f.Values["next"]})
	case errors.Is(err, account.ErrNoPasswords):
		return v.turnAway(http.StatusForbidden, f.Values["next"], sentence(err))
	case err != nil:
		return err
	}
	return v.enterByPassword(u, f.Values["next"])
}

func signOut(v *visit) error {
	page := "/login"
	if v.app.sessions.byProvider(v.r.Context()) {
		page = "/login?left=yes" // the session at the provider is not ours to end
	}
	if err := v.app.sessions.signOut(v.r.Context(), v.w, v.secure); err != nil {
		return err
	}
	return v.redirect(page)
}

func showWelcome(v *visit) error {
	token := v.r.URL.Query().Get("token")
	u, err := v.app.Accounts.Invited(v.r.Context(), token)
	if errors.Is(err, account.ErrLink) {
		return v.refuse(http.StatusForbidden, "This link does not work", "It was used, or it is older than a week. Ask an admin for a new one.")
	}
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "welcome", "Choose a password", signInView{Token: token, Email: u.Email})
}

func welcome(v *visit) error {
	f, err := v.readForm("token", "password", "zone")
	if err != nil {
		return err
	}
	u, err := v.app.Accounts.Accept(v.r.Context(), f.Values["token"], f.Values["password"], f.Values["zone"])
	v.object = u.Email
	if f.take(err) {
		return v.render(http.StatusUnprocessableEntity, "welcome", "Choose a password", signInView{Form: f, Token: f.Values["token"], Email: u.Email})
	}
	if errors.Is(err, account.ErrLink) {
		return v.refuse(http.StatusForbidden, "This link does not work", "It was used, or it is older than a week. Ask an admin for a new one.")
	}
	if err != nil {
		return err
	}
	return v.enterByPassword(u, "/")
}

func (v *visit) enterByPassword(u account.User, next string) error {
	return v.enter(u, next, v.app.Accounts.PasswordEnds(u))
}

// enter begins a session, which ends at the latest at until unless that is zero, and leads
// on.
func (v *visit) enter(u account.User, next string, until time.Time) error {
	if err := v.app.sessions.signIn(v.r.Context(), v.w, u, until, v.secure); err != nil {
		return err
	}
	v.User, v.May, v.object = u, u.Role.May(), u.Email
	return v.redirect(localPath(next))
}

// localPath is a path on this server; what leads elsewhere becomes the first page.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
