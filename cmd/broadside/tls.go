package main

import (
	"time"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/tlspolicy"
	"broadside/delivery/tlsrpt"
)

// recipientPolicies are the TLS policies of recipients' domains as the configuration
// wants them obeyed, and the recorder of how sessions fare under them, which whoever
// sends must run. A smarthost, or sending without TLS, leaves nothing to obey.
func (e *engine) recipientPolicies() (*tlspolicy.Policies, *tlsrpt.Recorder, error) {
	recorder := tlsrpt.NewRecorder(e.store, time.Now, e.log)
	cfg := tlspolicy.Config{Reports: recorder, Log: e.log}
	c := e.cfg.SMTP
	if c.Relay != "" || c.TLS == "none" {
		return tlspolicy.New(cfg), recorder, nil
	}
	if resolver, ok := e.net.resolver.(tlsrpt.Resolver); ok {
		cfg.Wanted = tlsrpt.NewSource(resolver)
	}
	if resolver, ok := e.net.resolver.(mtasts.Resolver); ok && c.MTASTS {
		cfg.STS = mtasts.New(mtasts.Config{Resolver: resolver, Store: e.store, AllowAddr: e.net.allow, Dial: e.net.dial, Log: e.log})
	}
	if c.DANEResolver != "" {
		source, err := dane.New(c.DANEResolver, 0)
		if err != nil {
			return nil, nil, usageError{err}
		}
		cfg.DANE = source
	}
	return tlspolicy.New(cfg), recorder, nil
}
