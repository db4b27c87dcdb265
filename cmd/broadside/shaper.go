package main

import (
	"time"

	"broadside/delivery/shaping"
)

// shaper is the shaping table in force, under the configuration's word for all sites.
type shaper struct {
	book *shaping.Book
	smtp SMTPConfig
	// faster is how many times faster than life a simulated provider forgives; 0 is life.
	faster time.Duration
}

// Rules implements delivery.Shaper.
func (s shaper) Rules(provider, site string) shaping.Rules {
	return s.smtp.over(s.book.Table().Rules(provider, site))
}

// over is the configuration's word for all sites over the rules of one.
func (c SMTPConfig) over(r shaping.Rules) shaping.Rules {
	if c.Connections > 0 {
		r.Connections = c.Connections
	}
	if c.Rate > 0 {
		r.Rate = c.Rate
	}
	if c.Messages > 0 {
		r.MessagesPerConnection = c.Messages
	}
	return r
}

// React implements delivery.Shaper.
func (s shaper) React(provider string, code int, enhanced, text string) (*shaping.Reaction, bool) {
	r, ok := s.book.Table().React(provider, code, enhanced, text)
	if !ok || s.faster == 0 {
		return r, ok
	}
	sooner := *r
	sooner.For /= s.faster
	sooner.Within /= s.faster
	return &sooner, true
}
