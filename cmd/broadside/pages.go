package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/campaign/web"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/store"
)

// web serves the pages, the API, and what recipients and health checks ask for.
func (e *engine) web(ctx context.Context) (err error) {
	l, err := e.listener("web")
	if err != nil {
		return err
	}
	readers, hits := e.readers()
	defer serving(hits)()
	uploads, err := upload.Open(ctx, filepath.Join(e.cfg.Data, "uploads"), e.store, e.log, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, uploads.Close()) }()
	lanes := delivery.NewLanes(e.sites, shaping.Builtin().ProviderOfDomain, e.cfg.Queue.TailLanes)
	defer lanes.Close()
	express := &campaign.ExpressLane{Queue: e.queue, LanesOf: lanes.Of, Log: e.log}
	pages, accounts, err := e.pages(ctx, uploads, express, readers)
	if err != nil {
		return err
	}
	if err := e.announce(ctx, accounts, l.Addr().String()); err != nil {
		return err
	}
	mailing, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { pages.SignUps.Run(mailing) })
	defer beside.Wait()
	defer stop()
	srv := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		MaxHeaderBytes: 64 << 10,
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(l) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	pages.Stop()
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = srv.Shutdown(shutdown)
	<-stopped
	pages.Wait()
	return err
}

func (e *engine) pages(ctx context.Context, uploads *upload.Desk, express *campaign.ExpressLane, readers web.Readers) (*web.App, *account.Accounts, error) {
	accounts, err := newAccounts(ctx, e.cfg, e.store)
	if err != nil {
		return nil, nil, err
	}
	signOn, err := e.cfg.OIDC.signOn(e.cfg.PublicURL)
	if err != nil {
		return nil, nil, err
	}
	service := newService(e.cfg, e.store, e.keys)
	service.Express = express
	var proxies []netip.Prefix
	for _, n := range e.cfg.TrustedProxies {
		proxies = append(proxies, netip.MustParsePrefix(n)) // the configuration was checked
	}
	return web.New(web.Config{
		Service:    service,
		Store:      e.store,
		Uploads:    uploads,
		Accounts:   accounts,
		Sessions:   e.store.Sessions(),
		OpenID:     signOn,
		Recipients: web.Recipients(e.store, e.tokens, e.log),
		Readers:    readers,
		Sites:      newSiteDesk(e.store, e.queue),
		SignUps:    signup.New(e.store, service, e.tokens, e.log, time.Now),
		Webhooks:   newDesk(e.cfg, e.store),
		SiteOf:     siteOf,
		SendTest:   e.sendTest,
		Proxies:    proxies,
		UndoTime:   time.Duration(e.cfg.UndoTime),
		Log:        e.log,
		Now:        time.Now,
	}), accounts, nil
}

// newAccounts is who may use the pages, by the rules of the configuration.
func newAccounts(ctx context.Context, cfg Config, db *store.DB) (*account.Accounts, error) {
	secret, err := db.Secret(ctx, "setup")
	if err != nil {
		return nil, err
	}
	accounts := account.New(db, secret, time.Now)
	accounts.UseProvider(cfg.OIDC.rules())
	return accounts, nil
}

// siteNames are large mailbox providers as people call them.
var siteNames = map[string]string{
	"google": "Gmail", "microsoft": "Microsoft", "yahoo": "Yahoo", "apple": "Apple iCloud",
	"comcast": "Comcast", "gmx": "GMX and WEB.DE", "orange": "Orange", "mailru": "Mail.ru",
}

func siteOf(domain string) string {
	provider, ok := shaping.Builtin().ProviderOfDomain(domain)
	if !ok {
		return "all others"
	}
	return cmp.Or(siteNames[provider], provider)
}

// sendTest sends one message now, as `broadside campaign test` does.
func (e *engine) sendTest(ctx context.Context, spec campaign.Spec, as campaign.Contact, to string) (accepted bool, result string, err error) {
	r, err := delivery.SendTest(ctx, e.senderConfig(), spec, as, to)
	if err != nil {
		return false, "", err
	}
	return r.OK(), r.String(), nil
}

// announce prints the link by which the first user is set up, until there is one.
func (e *engine) announce(ctx context.Context, accounts *account.Accounts, address string) error {
	secret, err := accounts.SetupSecret(ctx)
	if err != nil || secret == "" {
		return err
	}
	page := "/setup?" + url.Values{"token": {secret}}.Encode()
	links := []any{"link", "http://" + address + page}
	if e.cfg.PublicURL != "" {
		links = append(links, "public", e.cfg.PublicURL+page)
	}
	e.log.Info("nobody may sign in yet: open this link to set up the first user", links...)
	return nil
}
