package main

import (
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// Mailboxes are named by URLs; what is not one is refused before anything is opened.
func TestBounceMailboxes(t *testing.T) {
	for _, tt := range []struct{ imap, addr, user, name string }{
		{"imaps://bounces@mail.example.org", "mail.example.org:993", "bounces", "INBOX"},
		{"imap://bounces%40example.org@mail.example.org/Bounces", "mail.example.org:143", "bounces@example.org", "Bounces"},
		{"imaps://b@[2001:db8::1]:1993/a/b", "[2001:db8::1]:1993", "b", "a/b"},
	} {
		c := defaultBounceConfig()
		c.IMAP = tt.imap
		box, ok, err := c.mailboxIMAP()
		if err != nil || !ok || box.Addr != tt.addr || box.User != tt.user || box.Name != tt.name || box.StartTLS != strings.HasPrefix(tt.imap, "imap:") {
			t.Errorf("%s: %+v, %v", tt.imap, box, err)
		}
	}
	for name, change := range map[string]func(*BounceConfig){
		"bounce.imap":         func(c *BounceConfig) { c.IMAP = "https://mail.example.org" },
		"bounce.imap is":      func(c *BounceConfig) { c.IMAP = "imaps://mail.example.org/INBOX" },
		"bounce.every":        func(c *BounceConfig) { c.Maildir, c.Every = "m", 0 },
		"bounce.mailbox":      func(c *BounceConfig) { c.Mailbox = "a+b" },
		"bounce.reporters":    func(c *BounceConfig) { c.Reporters = []string{"10.0.0.1"} },
		"bounce.soft_bounces": func(c *BounceConfig) { c.SoftBounces = -1 },
		"bounce.soft_within":  func(c *BounceConfig) { c.SoftWithin = campaign.Duration(-time.Hour) },
	} {
		c := defaultBounceConfig()
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		if change(&c); c.check() == nil || !strings.Contains(c.check().Error(), name) {
			t.Errorf("%s: %v", name, c.check())
		}
	}
}
