// Package web is what Broadside shows over HTTP: the marketing team's pages, the API
// that programs use, and the page by which recipients leave a list.
//
// Pages are rendered here, on the server, from the templates in pages/; what is live
// on them follows server-sent events. Pages and API ask the same services of package
// campaign and know no SQL. Every route names the permission it needs and, when it
// changes something, what the audit log calls it; guard.go enforces both.
//
// The package keeps sessions in the store and, in memory, only what can be read again:
// the last figures of the runs that somebody is watching.
package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/alexedwards/scs/v2"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/campaign/web/api"
	"broadside/campaign/webhook"
)

//go:embed pages
var pageFiles embed.FS

// Config is what the pages and the API work on.
type Config struct {
	Service  *campaign.Service
	Store    Store
	Uploads  *upload.Desk
	Accounts *account.Accounts
	Sessions scs.CtxStore
	// OpenID is the provider by way of which people sign in; nil without one.
	OpenID   *SignOn
	Sites    api.Sites
	Webhooks *webhook.Desk
	// Recipients answers /u/ and /healthz.
	Recipients http.Handler
	// Readers answers /o/ and /c/; nil where nobody is counted.
	Readers Readers
	// SignUps is what is done with forms by which people join lists.
	SignUps *signup.Desk
	// SiteOf names the mailbox provider of a domain.
	SiteOf func(domain string) string
	// SendTest sends one message now and waits for the server's word; nil where nothing
	// can be sent. The error is about our own machinery.
	SendTest func(ctx context.Context, spec campaign.Spec, as campaign.Contact, to string) (accepted bool, result string, err error)
	// UndoTime passes between the click that starts a campaign and its first message.
	UndoTime time.Duration
	// Proxies are the networks whose X-Forwarded-For and -Proto are believed.
	Proxies []netip.Prefix
	Log     *slog.Logger
	Now     func() time.Time
}

// Readers answers the pixels and the counted links of messages, to whoever has them.
type Readers interface {
	Opened(w http.ResponseWriter, r *http.Request, from netip.Addr)
	Clicked(w http.ResponseWriter, r *http.Request, from netip.Addr)
}

// App is the pages and the API. Make it with New.
type App struct {
	Config
	pages    *pages
	sessions sessions
	mux      *http.ServeMux
	patterns []string // all that is answered
	routed   []route  // those that need a user
	handler  http.Handler
	editors  editors
	counted  counted
	watches  watches
	api      *api.API
	stopping chan struct{} // closed when open streams have to end
}

// New makes the pages and the API.
func New(c Config) *App {
	a := &App{Config: c, pages: parsePages(), sessions: newSessions(c.Sessions), mux: http.NewServeMux(), stopping: make(chan struct{})}
	a.watches = watches{service: c.Service, sites: c.Sites, log: c.Log, now: c.Now}
	a.routes()
	// Another site's page cannot make a signed-in browser change anything here. What
	// recipients and mailbox providers ask for carries no cookie, and proves itself by its
	// token.
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("POST /u/")
	guard.AddInsecureBypassPattern("POST /join/") // from forms on other sites
	guard.AddInsecureBypassPattern("POST /confirm/")
	guard.SetDenyHandler(http.HandlerFunc(a.foreign))
	a.handler = guard.Handler(a.secure(a.mux))
	return a
}

// ServeHTTP answers everything that the web role is asked.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Stop ends the streams of live pages, which the browsers open again elsewhere. Call it
// once, before the server's Shutdown waits for all answers; after that, Wait.
func (a *App) Stop() { close(a.stopping) }

// Wait waits for what went on behind the pages. All answers have been given.
func (a *App) Wait() { a.watches.work.Wait() }

// foreign refuses what another site's page sent.
func (a *App) foreign(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This request came from another site, and was not carried out.", http.StatusForbidden)
}

// secure sets the headers that every answer has; a handler may change them.
func (a *App) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cache-Control", "no-store")
		if a.encrypted(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// pagePolicy lets a page use what this server has, and nothing that stands in the page
// itself: a script or a style that somebody smuggles into a field does nothing.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// explain turns an error into a status and a text for people; 0 when our own machinery
// failed, about which they learn nothing but that.
func explain(err error) (status int, text string) {
	switch {
	case errors.Is(err, campaign.ErrNotFound):
		return http.StatusNotFound, "It does not exist, or not any more."
	case errors.Is(err, campaign.ErrConflict), errors.Is(err, campaign.ErrExists):
		return http.StatusConflict, err.Error()
	case errors.Is(err, context.Canceled):
		return 499, "You went away." // nobody reads it
	}
	if p, ok := errors.AsType[*account.Problem](err); ok {
		return http.StatusUnprocessableEntity, p.Error()
	}
	return 0, ""
}
