package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"broadside/delivery"
	"broadside/delivery/meter"
	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

var tlsPolicies = map[string]smtp.TLSPolicy{
	"none": smtp.NoTLS, "opportunistic": smtp.Opportunistic, "require": smtp.Require, "implicit": smtp.Implicit,
}

// send runs the sender with all that goes on beside it.
func (e *engine) send(ctx context.Context) (err error) {
	cfg := e.senderConfig()
	limits := &delivery.SiteLimits{Shaper: cfg.Shaper, Store: e.store, Log: e.log}
	if err := limits.Load(ctx); err != nil {
		return err
	}
	cfg.Shaper = limits
	if cfg.Quota, err = ratelimit.OpenQuota(ctx, e.queue.JetStream(), e.cfg.Queue.Replicas, time.Now); err != nil {
		return err
	}
	policies, results, err := e.recipientPolicies()
	if err != nil {
		return err
	}
	cfg.TLSPolicies = policies
	if e.embedded != nil {
		// Alone with the queue: the limits are this process's, and all jobs that come back
		// were its own.
		cfg.Limiter = ratelimit.NewLocal(time.Now)
		if cfg.Claims, err = delivery.OpenClaims(filepath.Join(e.cfg.Data, "claims")); err != nil {
			return err
		}
	} else {
		shared, err := ratelimit.OpenShared(ctx, e.queue.JetStream(), ratelimit.SharedOptions{
			Name: e.cfg.Name, Replicas: e.cfg.Queue.Replicas, Log: e.log, Now: time.Now,
		})
		if err != nil {
			return err
		}
		defer shared.Close()
		cfg.Limiter = shared
	}
	cfg.Meter = meter.New()
	silent, err := e.queue.AnswerSamples(func() ([]byte, error) { return sampleOf(cfg.Meter, e.cfg.Name) })
	if err != nil {
		return err
	}
	defer silent()
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	for _, run := range []func(context.Context){e.shaping.Run, limits.Run, results.Run} {
		helpers.Go(func() { run(beside) })
	}
	err = errors.Join(delivery.NewSender(cfg).Run(ctx), cfg.Claims.Close())
	stop()
	helpers.Wait()
	return err
}

// sampleOf is what this process answers who measures the cluster.
func sampleOf(m *meter.Meter, name string) ([]byte, error) {
	p, err := m.Process(name, version)
	if err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

func (e *engine) senderConfig() delivery.Config {
	c := e.cfg.SMTP
	allow := e.net.allow
	if c.Relay != "" {
		allow = nil // a person chose the smarthost; only MX records of strangers are not trusted
	}
	session := smtp.Config{
		Hello: e.cfg.Hello, Dial: e.net.dial, AllowAddr: allow,
		TLS: tlsPolicies[c.TLS], TLSConfig: &tls.Config{},
		Timeouts: smtp.Timeouts{Connect: time.Duration(c.Connect)},
	}
	if r := time.Duration(c.Reply); r > 0 {
		session.Timeouts = smtp.Timeouts{Connect: time.Duration(c.Connect), Greeting: r, Hello: r, TLS: r, Auth: r, MailRcpt: r, Data: r, Block: r, Final: r}
	}
	if c.RelayUser != "" {
		session.Auth = &smtp.Credentials{Username: c.RelayUser, Password: c.RelayPassword}
	}
	return delivery.Config{
		Store: e.store, Queue: e.queue, Router: e.router, Port: e.port, SMTP: session,
		Shaper: shaper{e.shaping, c, e.net.faster}, Learned: e.learned,
		Sources: e.cfg.sources(), Pools: e.cfg.pools(), Warmups: e.cfg.warmups(), Connections: c.MaxConnections,
		Keys: e.keys, Unsigned: e.cfg.Unsigned,
		Identity: delivery.Identity{PublicURL: e.cfg.PublicURL, TrackingURLs: e.cfg.Tracking.URLs, ReturnPathDomain: e.cfg.ReturnPathDomain, ReturnPathMailbox: e.cfg.Bounce.Mailbox, Tokens: e.tokens},
		Retry:    delivery.RetryPolicy{First: time.Duration(e.cfg.Retry.First), Most: time.Duration(e.cfg.Retry.Most)},
		Log:      e.log,
	}
}
