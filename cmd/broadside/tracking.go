package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"

	"broadside/campaign/track"
	"broadside/campaign/web"
)

// TrackingConfig says where readers are counted, whose lists allow it.
type TrackingConfig struct {
	URLs     map[string]string `toml:"urls" env:"URLS" envKeyValSeparator:"="` // by domain of the sender; default public_url
	Scanners []string          `toml:"scanners" env:"SCANNERS"`                // networks of mail filters, beside those that are known
}

// check finds what cannot work.
func (c TrackingConfig) check() error {
	for domain, base := range c.URLs {
		u, err := url.Parse(base)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("tracking.urls: %q of %s is not like https://links.example.org", base, domain)
		}
	}
	for _, n := range c.Scanners {
		if _, err := netip.ParsePrefix(n); err != nil {
			return fmt.Errorf("tracking.scanners: %q is not a network such as 192.0.2.0/24", n)
		}
	}
	return nil
}

// readers is what counts readers, and its writer, which has to run.
func (e *engine) readers() (*track.Handler, *track.Writer) {
	w := track.NewWriter(e.queue.PublishHits, e.log)
	c := track.Config{Tokens: e.tokens, Links: e.store.LinksOf, Writer: w, Refused: web.LinkRefused(e.log), Log: e.log}
	for _, n := range e.cfg.Tracking.Scanners {
		c.Scanners = append(c.Scanners, netip.MustParsePrefix(n)) // checked with the configuration
	}
	return track.NewHandler(c), w
}

// serving runs the writer for as long as readers are answered; stop ends it.
func serving(w *track.Writer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
