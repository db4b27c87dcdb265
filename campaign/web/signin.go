package web

import (
	"errors"
	"net/http"
	"strings"

	"broadside/campaign/account"
)

// signInView is the form of the pages that stand before signing in.
type signInView struct {
	Form
	Next, Token, Email string
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
	return v.enter(u, "/")
}

func showLogin(v *visit) error {
	if v.User.ID != 0 {
		return v.redirect(localPath(v.r.URL.Query().Get("next")))
	}
	return v.render(http.StatusOK, "login", "Sign in", signInView{Next: v.r.URL.Query().Get("next")})
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
		return v.render(status, "login", "Sign in", signInView{Form: f, Next: f.Values["next"]})
	case err != nil:
		return err
	}
	return v.enter(u, f.Values["next"])
}

func signOut(v *visit) error {
	if err := v.app.sessions.signOut(v.r.Context(), v.w, v.secure); err != nil {
		return err
	}
	return v.redirect("/login")
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
	return v.enter(u, "/")
}

// enter begins a session and leads on.
func (v *visit) enter(u account.User, next string) error {
	if err := v.app.sessions.signIn(v.r.Context(), v.w, u, v.secure); err != nil {
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
