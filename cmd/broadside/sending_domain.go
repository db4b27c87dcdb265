package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"broadside/delivery/mx"
	"broadside/dkim"
	"broadside/store"
)

// sendingDomains knows whether the DKIM keys of the domains that mail is from are
// published. What it saw in DNS is kept in the store, for all processes.
type sendingDomains struct {
	db   *store.DB
	keys *dkim.Keyring
	dns  []string // resolvers; none: the system's
}

const (
	// seenFor is how long a record that was seen is taken to be there.
	seenFor      = 7 * 24 * time.Hour
	askDNSAtMost = 5 * time.Second
)

// why says why a domain is not to be sent from yet, "" when all keys that sign for it
// are published.
func (d sendingDomains) why(ctx context.Context, domain string) (string, error) {
	for _, k := range d.keys.For(domain) {
		name, value := k.Record()
		seen, err := d.db.RecordSeen(ctx, name, value)
		if err != nil {
			return "", err
		}
		if time.Since(seen) < seenFor {
			continue
		}
		why, asked, err := d.look(ctx, k)
		if err != nil {
			return "", err
		}
		if why != "" && (asked || seen.IsZero()) { // DNS that is down takes nothing back
			return why, nil
		}
	}
	return "", nil
}

// look asks DNS for a key, and notes what it says; asked is false when it doesn't
// answer.
func (d sendingDomains) look(ctx context.Context, k *dkim.Key) (why string, asked bool, err error) {
	resolver, err := mx.NewDNS(d.dns, askDNSAtMost)
	if err != nil {
		return "", false, err
	}
	name, value := k.Record()
	limited, cancel := context.WithTimeout(ctx, askDNSAtMost)
	defer cancel()
	texts, _, err := resolver.LookupTXTTTL(limited, name)
	missing, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case err != nil && !(isDNS && missing.IsNotFound):
		return fmt.Sprintf("the DKIM key %s cannot be looked up: %v", name, err), false, nil
	case len(texts) == 0:
		why, value = "the DKIM key "+name+" is not in DNS yet", ""
	case !k.Published(texts):
		why, value = "DNS has another DKIM key at "+name, ""
	}
	return why, true, d.db.SawRecord(ctx, name, value, time.Now())
}

// verifyDomain looks for a domain's keys in DNS now, and shows what is there.
func (a *app) verifyDomain(ctx context.Context, keys *dkim.Keyring, domain string) error {
	return a.withStore(ctx, func(db *store.DB) error {
		d := sendingDomains{db: db, keys: keys, dns: a.cfg.SMTP.DNS}
		out := []map[string]any{}
		missing := false
		for _, k := range keys.For(domain) {
			why, _, err := d.look(ctx, k)
			if err != nil {
				return err
			}
			name, value := k.Record()
			out = append(out, map[string]any{"name": name, "seen": why == "", "why": why})
			switch {
			case why == "" && !a.json:
				a.printf("%s is in DNS, and is the key that signs.\n", name)
			case why != "":
				missing = true
				if !a.json {
					a.printf("%s. Publish:\n\n  name   %s\n  type   TXT\n  value  %s\n", why, name, value)
				}
			}
		}
		if a.json {
			if err := a.printJSON(map[string]any{"domain": domain, "keys": out}); err != nil {
				return err
			}
		}
		if missing {
			return errSilent
		}
		return nil
	})
}
