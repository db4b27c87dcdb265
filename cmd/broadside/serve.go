package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"
)

func serveCommand(a *app) *cobra.Command {
	var roles, nats, listen, bounceListen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the engine: all roles in one process, or some of them as part of a cluster",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if nats != "" {
				a.cfg.NATS = nats
			}
			if listen != "" {
				a.cfg.Listen = listen
			}
			if bounceListen != "" {
				a.cfg.BounceListen = bounceListen
			}
			return serve(cmd.Context(), a, strings.Split(roles, ","))
		},
	}
	cmd.Flags().StringVar(&roles, "roles", "web,plan,send,record,bounce,webhooks", "what this process does")
	cmd.Flags().StringVar(&nats, "nats", "", "NATS server of the cluster (default: embedded)")
	cmd.Flags().StringVar(&listen, "listen", "", "address of the web role (default 127.0.0.1:8025)")
	cmd.Flags().StringVar(&bounceListen, "bounce-listen", "", "address of the bounce role, SMTP (default 127.0.0.1:2526)")
	return cmd
}

func serve(ctx context.Context, a *app, roles []string) error {
	for _, role := range roles {
		if _, err := new(engine).role(role); err != nil {
			return err
		}
	}
	mail, err := internet(a.cfg.SMTP)
	if err != nil {
		return err
	}
	e, err := openEngine(ctx, a, mail)
	if err != nil {
		return err
	}
	if err := e.listen(roles); err != nil {
		return errors.Join(err, e.Close())
	}
	a.log.Info("broadside is up", "roles", strings.Join(roles, ","), "data", a.cfg.Data, "queue", queueName(a.cfg), "lanes", len(e.queue.Lanes()))
	err = e.run(ctx, roles)
	a.log.Info("broadside is stopping")
	return errors.Join(err, e.Close())
}

func queueName(c Config) string {
	if c.NATS == "" {
		return "embedded"
	}
	return c.NATS
}

// listen opens what roles listen on, before any of them does something.
func (e *engine) listen(roles []string) error {
	e.listeners = map[string]net.Listener{}
	for _, role := range roles {
		if role != "web" && role != "bounce" {
			continue
		}
		l, err := e.listener(role)
		if err != nil {
			return err
		}
		e.listeners[role] = l
	}
	return nil
}

// listener returns what was opened for a role, or opens it anew when the role is
// started again.
func (e *engine) listener(role string) (net.Listener, error) {
	e.mu.Lock()
	l := e.listeners[role]
	delete(e.listeners, role)
	e.mu.Unlock()
	if l != nil {
		return l, nil
	}
	address, flag := e.cfg.Listen, "--listen"
	if role == "bounce" {
		address, flag = e.cfg.BounceListen, "--bounce-listen"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address with %s", role, err, flag)
	}
	return l, nil
}
