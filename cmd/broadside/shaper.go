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
	r := s.book.Table().Rules(provider, site)
	if s.smtp.Connections > 0 {
		r.Connections = s.smtp.Connections
	}
	if s.smtp.Rate > 0 {
		r.Rate = s.smtp.Rate
	}
	if s.smtp.Messages > 0 {
		r.MessagesPerConnection = s.smtp.Messages
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
