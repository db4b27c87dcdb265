package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/pelletier/go-toml/v2"

	"broadside/campaign"
	"broadside/delivery/dane"
)

// Config is one TOML file; each key is also an environment variable: `smtp.relay` is
// BROADSIDE_SMTP_RELAY. Flags win over the environment, the environment over the file.
type Config struct {
	Data         string `toml:"data" env:"DATA"`                   // directory; default ./broadside-data
	DB           string `toml:"db" env:"DB"`                       // SQLite file or postgres:// URL; default broadside.db in data
	NATS         string `toml:"nats" env:"NATS"`                   // nats:// URLs; default: embedded
	Name         string `toml:"name" env:"NAME"`                   // of this process in the cluster; default host name and process id
	Listen       string `toml:"listen" env:"LISTEN"`               // of the web role; default 127.0.0.1:8025
	BounceListen string `toml:"bounce_listen" env:"BOUNCE_LISTEN"` // SMTP, of the bounce role; default 127.0.0.1:2526

	PublicURL        string `toml:"public_url" env:"PUBLIC_URL"`                 // base of links in messages
	ReturnPathDomain string `toml:"return_path_domain" env:"RETURN_PATH_DOMAIN"` // receives bounces
	Hello            string `toml:"hello" env:"HELLO"`                           // EHLO name; default the host name
	Shaping          string `toml:"shaping" env:"SHAPING"`                       // file of rules for mailbox providers; default: the built-in ones
	Unsigned         bool   `toml:"unsigned" env:"UNSIGNED"`                     // let mail without a DKIM key leave
	LogLevel         string `toml:"log_level" env:"LOG_LEVEL"`                   // debug, info, warn, error

	TrustedProxies []string          `toml:"trusted_proxies" env:"TRUSTED_PROXIES"` // networks of the web role's reverse proxies
	UndoTime       campaign.Duration `toml:"undo_time" env:"UNDO_TIME"`             // between the click that starts and the first message

	Queue QueueConfig `toml:"queue" envPrefix:"QUEUE_"`
	SMTP  SMTPConfig  `toml:"smtp" envPrefix:"SMTP_"`
	Retry RetryConfig `toml:"retry" envPrefix:"RETRY_"`

	Bounce BounceConfig `toml:"bounce" envPrefix:"BOUNCE_"`

	Tracking TrackingConfig `toml:"tracking" envPrefix:"TRACKING_"`

	OIDC OIDCConfig `toml:"oidc" envPrefix:"OIDC_"`

	Webhooks WebhooksConfig `toml:"webhooks" envPrefix:"WEBHOOKS_"`

	Retention RetentionConfig `toml:"retention" envPrefix:"RETENTION_"`

	// In the file only.
	Sources []SourceConfig            `toml:"source" env:"-"`
	Pools   map[string]map[string]int `toml:"pool" env:"-"` // weights of sources
	Warmups []WarmupConfig            `toml:"warmup" env:"-"`
}

// QueueConfig tunes JetStream; all processes of a cluster agree on it.
type QueueConfig struct {
	Replicas  int               `toml:"replicas" env:"REPLICAS"`     // 1, 3 or 5
	TailLanes int               `toml:"tail_lanes" env:"TAIL_LANES"` // default 8 embedded, 32 with nats
	AckWait   campaign.Duration `toml:"ack_wait" env:"ACK_WAIT"`     // default 60s
	Strict    bool              `toml:"strict" env:"STRICT"`         // embedded: fsync before every answer
}

// SMTPConfig says how mail leaves.
type SMTPConfig struct {
	Relay          string            `toml:"relay" env:"RELAY"`                     // smarthost host:port; default: direct to MX
	RelayUser      string            `toml:"relay_user" env:"RELAY_USER"`           //
	RelayPassword  string            `toml:"relay_password" env:"RELAY_PASSWORD"`   //
	TLS            string            `toml:"tls" env:"TLS"`                         // none, opportunistic, require, implicit
	Connections    int               `toml:"connections" env:"CONNECTIONS"`         // per site; default: the provider's
	Rate           float64           `toml:"rate" env:"RATE"`                       // messages per second and site; default: the provider's
	Messages       int               `toml:"messages" env:"MESSAGES"`               // per connection; default: the provider's
	MaxConnections int               `toml:"max_connections" env:"MAX_CONNECTIONS"` // to all sites, of this process; default 1000
	Port           uint16            `toml:"port" env:"PORT"`                       // of MX hosts; default 25
	DNS            []string          `toml:"dns" env:"DNS"`                         // resolvers; default the system's
	AllowNetworks  []string          `toml:"allow_networks" env:"ALLOW_NETWORKS"`   // private networks that MX hosts may be in
	MTASTS         bool              `toml:"mta_sts" env:"MTA_STS"`                 // obey the MTA-STS policies of recipients' domains
	DANEResolver   string            `toml:"dane_resolver" env:"DANE_RESOLVER"`     // validates DNSSEC; default: no DANE
	Connect        campaign.Duration `toml:"connect_timeout" env:"CONNECT_TIMEOUT"`
	Reply          campaign.Duration `toml:"reply_timeout" env:"REPLY_TIMEOUT"` // instead of RFC 5321's timers
}

// RetryConfig says when deferred recipients are tried again.
type RetryConfig struct {
	First campaign.Duration `toml:"first" env:"FIRST"` // default 1m
	Most  campaign.Duration `toml:"most" env:"MOST"`   // default 2h
}

func defaultConfig() Config {
	return Config{
		Data: "broadside-data", Listen: "127.0.0.1:8025", BounceListen: "127.0.0.1:2526", LogLevel: "info",
		UndoTime:  campaign.Duration(time.Minute),
		Queue:     QueueConfig{Replicas: 1, AckWait: campaign.Duration(time.Minute)},
		SMTP:      SMTPConfig{TLS: "opportunistic", Port: 25, MTASTS: true, Connect: campaign.Duration(5 * time.Second)},
		Bounce:    defaultBounceConfig(),
		OIDC:      defaultOIDC(),
		Retention: defaultRetention(),
		Retry:     RetryConfig{First: campaign.Duration(time.Minute), Most: campaign.Duration(2 * time.Hour)},
	}
}

// loadConfig reads the file, when there is one, and the environment over it.
func loadConfig(file string) (Config, error) {
	cfg := defaultConfig()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return cfg, fmt.Errorf("configuration: %w", err)
		}
		dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
		if err := dec.Decode(&cfg); err != nil {
			return cfg, fmt.Errorf("configuration %s: %w", file, tomlError(err))
		}
	}
	if err := env.ParseWithOptions(&cfg, env.Options{Prefix: "BROADSIDE_"}); err != nil {
		return cfg, fmt.Errorf("configuration: environment: %w", err)
	}
	return cfg, nil
}

// tomlError puts the place into the error's one line.
func tomlError(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		row, _ := first.Position()
		return fmt.Errorf("line %d: unknown key %q; docs/configuration.md lists them", row, strings.Join(first.Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, col := decode.Position()
		return fmt.Errorf("line %d, column %d: %w", row, col, err)
	}
	return err
}

// check finds what cannot work, before anything is opened.
func (c *Config) check() error {
	errs := []error{c.checkSources(), c.Retention.check(), c.Tracking.check(), c.Bounce.check(), c.OIDC.check(c.PublicURL)}
	if _, ok := tlsPolicies[c.SMTP.TLS]; !ok {
		errs = append(errs, fmt.Errorf("smtp.tls is %q: use none, opportunistic, require or implicit", c.SMTP.TLS))
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("public_url is %q: one-click unsubscription needs an https:// URL (RFC 8058 §3.1)", c.PublicURL))
		}
	}
	if r := c.Queue.Replicas; r != 1 && r != 3 && r != 5 {
		errs = append(errs, fmt.Errorf("queue.replicas is %d: use 1, 3 or 5", r))
	}
	for key, networks := range map[string][]string{"smtp.allow_networks": c.SMTP.AllowNetworks, "trusted_proxies": c.TrustedProxies, "webhooks.allow_networks": c.Webhooks.AllowNetworks} {
		for _, n := range networks {
			if _, err := netip.ParsePrefix(n); err != nil {
				errs = append(errs, fmt.Errorf("%s: %q is not a network such as 10.0.0.0/8", key, n))
			}
		}
	}
	if r := c.SMTP.DANEResolver; r != "" {
		if _, err := dane.New(r, 0); err != nil {
			errs = append(errs, fmt.Errorf("smtp.dane_resolver: %w", err))
		}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		errs = append(errs, fmt.Errorf("log_level is %q: use debug, info, warn or error", c.LogLevel))
	}
	if u := time.Duration(c.UndoTime); u < 0 || u > time.Hour {
		errs = append(errs, fmt.Errorf("undo_time is %s: use 0s to 1h", u))
	}
	if t := c.Queue.TailLanes; t < 0 || t > 99 {
		errs = append(errs, fmt.Errorf("queue.tail_lanes is %d: use 1 to 99", t))
	}
	return errors.Join(errs...)
}

// finish fills in what depends on other keys.
func (c *Config) finish() {
	if c.DB == "" {
		c.DB = filepath.Join(c.Data, "broadside.db")
	}
	if c.Queue.TailLanes == 0 {
		c.Queue.TailLanes = 8
		if c.NATS != "" {
			c.Queue.TailLanes = 32
		}
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	if c.Hello == "" {
		c.Hello = host
	}
	if c.Name == "" {
		c.Name = fmt.Sprintf("%s-%d", host, os.Getpid())
		if c.NATS == "" {
			c.Name = "embedded" // alone in its data directory, also after a restart
		}
	}
}

func (c *Config) keyDir() string { return filepath.Join(c.Data, "keys") }
