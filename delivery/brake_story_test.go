package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// A list that is not what it was thought to be stops by itself, with the server's words;
// whoever has read them and goes on is not stopped again.
func TestTheBrakeStopsADeadList(t *testing.T) {
	w := newWorld(t, setting{limits: shaping.Rules{Rate: 200}}, shop("dead", smtptest.Behaviour{UnknownUser: 0.5, UnknownReply: "550 5.1.1 nobody of that name"}))
	w.people(1000, "dead.example")
	run := w.launch(func(s *campaign.Spec) { s.Brake = campaign.Brake{Least: 50} })
	w.engine()
	w.eventually("the run is paused", func() bool { return w.stateOf(run) == campaign.RunPaused })
	stopped, err := w.store.RunByID(t.Context(), run.ID)
	w.ok(err)
	for _, words := range []string{"The brake stopped this run", "bounced", "550", "nobody of that name"} {
		if !strings.Contains(stopped.Note, words) {
			t.Errorf("the note has no %q: %s", words, stopped.Note)
		}
	}
	if c := w.counts(run); c.Open() == 0 {
		t.Errorf("the story needs people who were spared: %+v", c)
	}
	pull, err := w.store.BrakeOf(t.Context(), run.ID)
	w.ok(err)
	if pull.Note != stopped.Note || time.Since(pull.At) > time.Hour {
		t.Errorf("what is kept of it is %+v", pull)
	}
	_, err = w.service.Resume(t.Context(), "news")
	w.ok(err)
	if c := w.finish(run); c.Bounced < 300 || c.Accepted+c.Bounced != 1000 {
		t.Errorf("the balance is %+v", c)
	}
}

// A person's limit holds within a second, and its end does.
func TestAPersonsLimitHolds(t *testing.T) {
	var limits *delivery.SiteLimits
	w := newWorld(t, setting{limits: shaping.Rules{Rate: 400}, tune: func(c *delivery.Config) {
		limits = &delivery.SiteLimits{Shaper: c.Shaper, Log: c.Log}
		c.Shaper = limits
	}}, shop("calm", smtptest.Behaviour{}))
	limits.Store = w.store
	ctx := t.Context()
	w.ok(w.store.SetSiteLimit(ctx, delivery.SiteLimit{Site: "mx.calm.example", Rate: 5, Connections: 2, Since: time.Now(), Who: "ann"}))
	w.ok(limits.Load(ctx))
	if got := limits.Rules("", "mx.calm.example"); got.Rate != 5 || got.Connections != 2 {
		t.Fatalf("the rules are %+v, want 5/s and 2 connections", got)
	}
	if got := limits.Rules("", "mx.other.example"); got.Rate != 400 || got.Connections != 4 {
		t.Errorf("another site's rules are %+v", got)
	}
	w.people(40, "calm.example")
	run := w.launch(nil)
	w.plan()
	w.background(func(ctx context.Context) error { limits.Run(ctx); return nil })
	w.deliver()
	w.eventually("mail flows", func() bool { return w.saw("calm").Accepted >= 5 })
	before, at := w.saw("calm").Accepted, time.Now()
	w.eventually("ten more", func() bool { return w.saw("calm").Accepted >= before+10 })
	if took := time.Since(at); took < 1500*time.Millisecond {
		t.Errorf("ten messages took %v at 5/s", took)
	}
	w.ok(w.store.SetSiteLimit(ctx, delivery.SiteLimit{Site: "mx.calm.example"}))
	w.eventually("the limit is gone", func() bool { return limits.Rules("", "mx.calm.example").Rate == 400 })
	if c := w.finish(run); c.Accepted != 40 {
		t.Errorf("the balance is %+v", c)
	}
	if peak := w.saw("calm").PeakConnections; peak > 4 {
		t.Errorf("%d connections at once", peak)
	}
}
