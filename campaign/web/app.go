package web

import (
	"net/http"

	"broadside/campaign/account"
)

// routes is everything that is answered, with what it needs and what the audit log
// calls it.
func (a *App) routes() {
	a.mux.Handle("/u/", a.Recipients)
	a.mux.Handle("GET /healthz", a.Recipients)
	a.mux.HandleFunc("GET /assets/{name}", serveAsset)
	a.mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, assetURL("mark.svg"), http.StatusFound)
	})

	a.public("GET /setup", "", showSetup)
	a.public("POST /setup", "set up", setUp)
	a.public("GET /login", "", showLogin)
	a.public("POST /login", "sign in", signIn)
	a.public("POST /logout", "sign out", signOut)
	a.public("GET /welcome", "", showWelcome)
	a.public("POST /welcome", "choose password", welcome)

	a.page("GET /{$}", account.See, "", home)
	a.page("/", account.See, "", func(v *visit) error {
		return v.refuse(http.StatusNotFound, "Not found", "There is no such page.")
	})

	a.page("GET /account", account.See, "", showAccount)
	a.page("POST /account/password", account.See, "change password", changePassword)
	a.page("POST /account/zone", account.See, "change time zone", changeZone)
	a.page("POST /account/tokens", account.See, "create token", createToken)
	a.page("POST /account/tokens/{id}/revoke", account.See, "revoke token", revokeToken)

	a.page("GET /users", account.Manage, "", showUsers)
	a.page("POST /users", account.Manage, "invite user", inviteUser)
	a.page("POST /users/{id}", account.Manage, "change user", changeUser)
	a.page("POST /users/{id}/invite", account.Manage, "invite user again", inviteAgain)
	a.page("GET /audit", account.Manage, "", showAudit)
}
