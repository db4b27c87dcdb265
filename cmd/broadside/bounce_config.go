package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"broadside/campaign"
)

// BounceConfig says what is made of what comes back.
type BounceConfig struct {
	SoftBounces int               `toml:"soft_bounces" env:"SOFT_BOUNCES"` // of so many runs suppress an address; 0: never
	Mailbox     string            `toml:"mailbox" env:"MAILBOX"`           // receives mail to mailbox+…; default: the domain receives all
	Reporters   []string          `toml:"reporters" env:"REPORTERS"`       // networks whose complaints need no signature
	SoftWithin  campaign.Duration `toml:"soft_within" env:"SOFT_WITHIN"`   // the time in which they count
}

func defaultBounceConfig() BounceConfig {
	soft := campaign.DefaultSoftRule
	return BounceConfig{SoftBounces: soft.Bounces, SoftWithin: campaign.Duration(soft.Within)}
}

func (c BounceConfig) softRule() campaign.SoftRule {
	return campaign.SoftRule{Bounces: c.SoftBounces, Within: time.Duration(c.SoftWithin)}
}

func (c BounceConfig) check() error {
	var errs []error
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
