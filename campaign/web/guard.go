package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// visit is one request of a person who is known, or of nobody on public pages.
type visit struct {
	app    *App
	w      http.ResponseWriter
	r      *http.Request
	secure bool
	User   account.User
	May    account.Permission
	via    string // "page", or the token's name
	object string // what the audit log says was changed
	status int    // of the answer, 0 while there is none
	quiet  bool   // goes on with what the audit log has
}

// handler answers a visit; an error is shown by the guard.
type handler func(v *visit) error

// route is a pattern with what it needs; action is "" when it changes nothing.
type route struct {
	pattern string
	need    account.Permission
	action  string
}

// plain registers what is no visit: what recipients and browsers ask for by themselves.
func (a *App) plain(pattern string, h http.HandlerFunc) {
	a.patterns = append(a.patterns, pattern)
	a.mux.HandleFunc(pattern, h)
}

// public registers a page that needs no user.
func (a *App) public(pattern, action string, h handler) {
	a.plain(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := a.visitOf(w, r)
		if err := a.identify(v); err != nil {
			v.fail(err)
			return
		}
		v.serve(action, h)
	})
}

// page registers a page for those who may do something. A route that changes something
// has an action, under which the audit log has who asked for it and what came of it.
func (a *App) page(pattern string, need account.Permission, action string, h handler) {
	a.routed = append(a.routed, route{pattern, need, action})
	a.plain(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := a.visitOf(w, r)
		if err := a.identify(v); err != nil {
			v.fail(err)
			return
		}
		switch {
		case v.User.ID == 0 && r.Method == http.MethodGet && !v.wantsData():
			v.redirect("/login?next=" + url.QueryEscape(r.URL.RequestURI()))
		case v.User.ID == 0:
			v.refuse(http.StatusUnauthorized, "Please sign in again", "Your session is over. What you typed is not lost if you go back.")
		case v.May&need != need:
			v.serve(action, func(v *visit) error {
				return v.refuse(http.StatusForbidden, "That is not yours to do", "Your role is "+string(v.User.Role)+", which "+v.User.Role.Means()+". Ask an admin if that should change.")
			})
		default:
			v.serve(action, h)
		}
	})
}

func (a *App) visitOf(w http.ResponseWriter, r *http.Request) *visit {
	return &visit{app: a, w: w, r: r, secure: a.encrypted(r), via: "page"}
}

// identify finds out who asks: by a token, or by a session that is not over.
func (a *App) identify(v *visit) error {
	ctx, err := a.sessions.load(v.r, v.secure)
	if err != nil {
		return err
	}
	v.r = v.r.WithContext(ctx)
	id, epoch := a.sessions.user(ctx)
	if id == 0 {
		return nil
	}
	u, err := a.Accounts.User(ctx, id)
	if status, _ := explain(err); status == http.StatusNotFound || err == nil && u.Epoch != epoch {
		return nil // disabled, or signed out everywhere
	}
	if err != nil {
		return err
	}
	v.User, v.May = u, u.Role.May()
	return nil
}

// serve runs the handler, shows its error, and writes the audit log.
func (v *visit) serve(action string, h handler) {
	if err := h(v); err != nil {
		v.fail(err)
	}
	if action != "" && (!v.quiet || v.status >= 400) {
		v.audit(action)
	}
}

// auditLimit bounds how long the log may keep a request waiting.
const auditLimit = 10 * time.Second

func (v *visit) audit(action string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), auditLimit)
	defer cancel()
	err := v.app.Accounts.Log(ctx, account.Entry{
		User: v.User.ID, Who: v.User.Email, Via: v.via, Address: v.app.client(v.r).String(),
		Action: action, Object: v.object, Status: v.status,
	})
	if err != nil {
		v.app.Log.Error("web: audit log not written", "action", action, "object", v.object, "user", v.User.Email, "error", err)
	}
}

// fail shows an error: what the person can mend, or that we failed.
func (v *visit) fail(err error) {
	status, text := explain(err)
	switch status {
	case 0:
		v.app.Log.Error("web: request failed", "method", v.r.Method, "path", v.r.URL.Path, "error", err)
		_ = v.refuse(http.StatusInternalServerError, "That did not work", "The trouble is on our side, and it is in the server's log. Please try again in a minute.")
	case http.StatusNotFound:
		_ = v.refuse(status, "Not found", text)
	default:
		_ = v.refuse(status, "That is not possible now", text)
	}
}

// refuse answers with a page that says why.
func (v *visit) refuse(status int, title, text string) error {
	if v.status != 0 {
		return nil // half an answer is out
	}
	if v.wantsData() {
		v.status = status
		http.Error(v.w, title+": "+text, status)
		return nil
	}
	return v.render(status, "refusal", title, text)
}

// wantsData reports that a script asks, which shows its own words.
func (v *visit) wantsData() bool {
	accept := v.r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") || strings.Contains(accept, "text/event-stream")
}

// redirect leads on to another page of ours.
func (v *visit) redirect(path string) error {
	v.status = http.StatusSeeOther
	http.Redirect(v.w, v.r, path, v.status)
	return nil
}

// id reads a number of the path.
func (v *visit) id(name string) (int64, error) {
	id, err := strconv.ParseInt(v.r.PathValue(name), 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%s %q: %w", name, v.r.PathValue(name), campaign.ErrNotFound)
	}
	return id, nil
}
