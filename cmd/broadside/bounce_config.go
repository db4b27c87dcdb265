package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/delivery/bounce"
)

// BounceConfig says what is made of what comes back.
type BounceConfig struct {
	SoftBounces int               `toml:"soft_bounces" env:"SOFT_BOUNCES"` // of so many runs suppress an address; 0: never
	Mailbox     string            `toml:"mailbox" env:"MAILBOX"`           // receives mail to mailbox+…; default: the domain receives all
	Maildir     string            `toml:"maildir" env:"MAILDIR"`           // read besides listening
	IMAP        string            `toml:"imap" env:"IMAP"`                 // imaps://user@host/INBOX, read besides listening
	Password    string            `toml:"imap_password" env:"IMAP_PASSWORD"`
	Every       campaign.Duration `toml:"every" env:"EVERY"`             // how often mailboxes are looked into; default 30s
	Reporters   []string          `toml:"reporters" env:"REPORTERS"`     // networks whose complaints need no signature
	SoftWithin  campaign.Duration `toml:"soft_within" env:"SOFT_WITHIN"` // the time in which they count
}

func defaultBounceConfig() BounceConfig {
	soft := campaign.DefaultSoftRule
	return BounceConfig{SoftBounces: soft.Bounces, SoftWithin: campaign.Duration(soft.Within), Every: campaign.Duration(30 * time.Second)}
}

func (c BounceConfig) softRule() campaign.SoftRule {
	return campaign.SoftRule{Bounces: c.SoftBounces, Within: time.Duration(c.SoftWithin)}
}

// mailboxIMAP is the mailbox that the configuration names; false when it names none.
func (c BounceConfig) mailboxIMAP() (box bounce.Mailbox, ok bool, err error) {
	if c.IMAP == "" {
		return box, false, nil
	}
	u, err := url.Parse(c.IMAP)
	if err != nil || u.Host == "" || u.User.Username() == "" || u.Scheme != "imaps" && u.Scheme != "imap" {
		return box, false, fmt.Errorf("bounce.imap is not a mailbox: use imaps://user@host/INBOX, or imap:// for STARTTLS; the password is bounce.imap_password")
	}
	box = bounce.Mailbox{
		Addr: u.Host, StartTLS: u.Scheme == "imap", User: u.User.Username(), Password: c.Password,
		Name: cmp.Or(strings.Trim(u.Path, "/"), "INBOX"), Every: time.Duration(c.Every),
	}
	if u.Port() == "" {
		box.Addr = net.JoinHostPort(u.Hostname(), map[string]string{"imap": "143", "imaps": "993"}[u.Scheme])
	}
	return box, true, nil
}

func (c BounceConfig) check() error {
	var errs []error
	if _, _, err := c.mailboxIMAP(); err != nil {
		errs = append(errs, err)
	}
	if (c.Maildir != "" || c.IMAP != "") && time.Duration(c.Every) < time.Second {
		errs = append(errs, fmt.Errorf("bounce.every is %s: use 1s or more", time.Duration(c.Every)))
	}
	if c.SoftBounces < 0 {
		errs = append(errs, fmt.Errorf("bounce.soft_bounces is %d: use 0 for never, or how many runs may bounce", c.SoftBounces))
	}
	if c.SoftBounces > 0 && c.SoftWithin <= 0 {
		errs = append(errs, errors.New("bounce.soft_within is not a time: use one such as 1440h"))
	}
	for _, n := range c.Reporters {
		if _, err := netip.ParsePrefix(n); err != nil {
			errs = append(errs, fmt.Errorf("bounce.reporters: %q is not a network such as 192.0.2.0/24", n))
		}
	}
	if len(c.Mailbox) > 20 || strings.ContainsFunc(c.Mailbox, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' }) {
		errs = append(errs, fmt.Errorf("bounce.mailbox is %q: use at most 20 lower-case letters, digits, dots and hyphens; it is the part before the plus sign", c.Mailbox))
	}
	return errors.Join(errs...)
}
