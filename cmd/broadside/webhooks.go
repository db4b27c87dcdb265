package main

import (
	"context"
	"net/netip"
	"time"

	"broadside/campaign/webhook"
	"broadside/delivery/mx"
	"broadside/store"
)

// WebhooksConfig says where webhooks may lead.
type WebhooksConfig struct {
	AllowNetworks []string `toml:"allow_networks" env:"ALLOW_NETWORKS"` // private networks that endpoints may be in
}

// allow reports whether an address may be connected to for a webhook.
func (c WebhooksConfig) allow(a netip.Addr) bool {
	for _, n := range c.AllowNetworks {
		if netip.MustParsePrefix(n).Contains(a) { // checked with the configuration
			return true
		}
	}
	return mx.Public(a)
}

// webhooks tells endpoints what happens; one process of those with this role does.
func (e *engine) webhooks(ctx context.Context) error {
	d := webhook.Dispatcher{Store: e.store, Queue: e.queue, Allow: e.cfg.Webhooks.allow, Log: e.log}
	return e.queue.Lead(ctx, "webhooks", func(ctx context.Context) error {
		d.Run(ctx)
		return nil
	})
}

func newDesk(cfg Config, db *store.DB) *webhook.Desk {
	return &webhook.Desk{Store: db, Allow: cfg.Webhooks.allow, Now: time.Now}
}
