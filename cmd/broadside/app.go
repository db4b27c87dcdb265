package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"broadside/campaign"
	"broadside/dkim"
	"broadside/store"
)

// app is what all commands share: the streams, the global flags, the configuration.
type app struct {
	in       io.Reader
	out, err io.Writer
	started  bool // flags and arguments were right

	configFile, flagData, flagDB string
	json                         bool

	cfg Config
	log *slog.Logger
}

// configure reads the configuration for a command that is about to run.
func (a *app) configure(cmd *cobra.Command) error {
	var err error
	if a.cfg, err = loadConfig(a.configFile); err != nil {
		return usageError{err}
	}
	if cmd.Flags().Changed("data") {
		a.cfg.Data = a.flagData
	}
	if cmd.Flags().Changed("db") {
		a.cfg.DB = a.flagDB
	}
	if err := a.cfg.check(); err != nil {
		return usageError{fmt.Errorf("configuration: %w", err)}
	}
	a.log = a.logger()
	return nil
}

func (a *app) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(a.cfg.LogLevel)) // checked with the configuration
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// openStore opens the database, making the data directory if need be.
func (a *app) openStore(ctx context.Context) (*store.DB, error) {
	a.cfg.finish()
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return store.Open(ctx, a.cfg.DB, store.Options{})
}

// withStore opens the database for one command.
func (a *app) withStore(ctx context.Context, do func(*store.DB) error) error {
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	err = do(db)
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	return err
}

// withService opens the database and gives it to a command as people see it.
func (a *app) withService(ctx context.Context, do func(*campaign.Service) error) error {
	return a.withStore(ctx, func(db *store.DB) error {
		keys, err := dkim.OpenKeyring(a.cfg.keyDir())
		if err != nil {
			return err
		}
		return do(a.service(db, keys))
	})
}

func (a *app) service(db *store.DB, keys *dkim.Keyring) *campaign.Service {
	return newService(a.cfg, db, keys)
}

func newService(cfg Config, db *store.DB, keys *dkim.Keyring) *campaign.Service {
	s := &campaign.Service{Store: db, PublicURL: cfg.PublicURL, HasPool: cfg.hasPool, Limits: limits{cfg, db}.of, Now: time.Now}
	if !cfg.Unsigned {
		s.HasKey = func(domain string) bool { return len(keys.For(domain)) > 0 }
		s.Verified = sendingDomains{db: db, keys: keys, dns: cfg.SMTP.DNS}.why
	}
	return s
}

// printJSON prints one object.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// terminal reports whether text goes to a person's terminal, and its width.
func (a *app) terminal() (width int, ok bool) {
	f, isFile := a.out.(*os.File)
	if !isFile || a.json || !term.IsTerminal(int(f.Fd())) {
		return 80, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		width = 80
	}
	return width, true
}

// oneLine puts an error of several parts on one line.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
