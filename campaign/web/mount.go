package web

import (
	"net/http"

	"broadside/campaign/account"
	"broadside/campaign/web/api"
)

// mountAPI serves package api, to programs by their tokens and to the pages' browsers
// by their sessions.
func (a *App) mountAPI() {
	a.api = api.New(api.Config{
		Service: a.Service, Store: a.Store, Uploads: a.Uploads, Accounts: a.Accounts, Sites: a.Sites, SignUps: a.SignUps, Webhooks: a.Webhooks, SendTest: a.SendTest, UndoTime: a.UndoTime,
		SignedIn: func(r *http.Request) (account.User, error) {
			v := a.visitOf(nil, r)
			err := a.identify(v)
			return v.User, err
		},
		Client: a.client, Moved: a.watches.poke, Log: a.Log, Now: a.Now,
	})
	a.plain(api.Prefix+"/", a.api.ServeHTTP)
}
