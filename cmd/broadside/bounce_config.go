package main

import (
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// BounceConfig says what is made of what comes back.
type BounceConfig struct {
	SoftBounces int               `toml:"soft_bounces" env:"SOFT_BOUNCES"` // of so many runs suppress an address; 0: never
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
	return errors.Join(errs...)
}
