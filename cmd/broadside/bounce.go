package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/delivery/bounce"
	"broadside/dkim"
)

// bounce hears what comes back to the return paths: on SMTP, and in the mailboxes that
// the configuration names.
func (e *engine) bounce(ctx context.Context) error {
	l, err := e.listener("bounce")
	if err != nil {
		return err
	}
	r := bounce.Receiver{
		Store: e.store, Tokens: e.tokens, Trust: e.trust(ctx), Hello: e.cfg.Hello, Limits: bounce.DefaultLimits, Log: e.log,
	}
	c := e.cfg.Bounce
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.Serve(ctx, l) })
	if c.Maildir != "" {
		g.Go(func() error { return r.ReadMaildir(ctx, c.Maildir, time.Duration(c.Every)) })
	}
	if box, ok, err := c.mailboxIMAP(); err == nil && ok { // checked with the configuration
		g.Go(func() error { return r.ReadIMAP(ctx, box) })
	}
	return g.Wait()
}

// trust is whose complaints are believed.
func (e *engine) trust(ctx context.Context) bounce.Trust {
	var t bounce.Trust
	for _, n := range e.cfg.Bounce.Reporters {
		t.Reporters = append(t.Reporters, netip.MustParsePrefix(n)) // checked with the configuration
	}
	if resolver, ok := e.net.resolver.(txtResolver); ok {
		ctx := context.WithoutCancel(ctx) // a message in hand is finished
		t.Signers = func(msg []byte) ([]string, error) { return signers(ctx, resolver, msg) }
	}
	return t
}

// txtResolver is mx.DNS, as far as keys need it.
type txtResolver interface {
	LookupTXTTTL(ctx context.Context, name string) ([]string, time.Duration, error)
}

// keyLookups is for all keys of one message.
const keyLookups = 10 * time.Second

// signers returns the domains whose signatures of a message are valid. An error means
// that DNS couldn't be asked, and that another time there may be more.
func signers(ctx context.Context, resolver txtResolver, msg []byte) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, keyLookups)
	defer cancel()
	var failed error
	found, err := dkim.Verify(msg, func(name string) ([]string, error) {
		texts, _, err := resolver.LookupTXTTTL(ctx, name)
		if missing, ok := errors.AsType[*net.DNSError](err); err != nil && (!ok || !missing.IsNotFound) {
			failed = fmt.Errorf("the DKIM key %s: %w", name, err)
		}
		return texts, err
	})
	if err != nil {
		return nil, nil // no message, or one made to keep us busy: nobody signed it
	}
	var domains []string
	for _, v := range found {
		if v.Err == nil {
			domains = append(domains, v.Domain)
		}
	}
	if len(domains) == 0 {
		return nil, failed
	}
	return domains, nil
}
