package delivery

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

// A site that refuses connections, or says 421, is left alone for a while that
// doubles with each failure in a row. Its lane is then not pulled, because the lane's
// hands are full; only a site that shares its lane gives its jobs away.
const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// shortPause is waited with the connection open; in a longer one it is closed.
	shortPause = 5 * time.Second
	// tailPatience is how long a job waits in hand for a site that shares its lane
	// before it becomes a deferral; patience is how long for one with its own.
	tailPatience = 15 * time.Second
	patience     = 24 * time.Hour
	// probing is how many failures in a row let only one connection try next.
	probing = 3
)

// trouble is what a path has met with lately.
type trouble struct {
	inARow int       // connections that failed, without a success between them
	until  time.Time // no attempt before
	why    campaign.Reason
	detail string
}

// troubled takes note of a failure that was the host's, and pauses the path. Failures
// of several connections at one moment count as one.
func (p *path) troubled(why campaign.Reason, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.trouble.why, p.trouble.detail = why, detail
	if now.Before(p.trouble.until) {
		return
	}
	wait := min(firstPause<<min(p.trouble.inARow, 16), longestPause)
	p.Log.Info("sender: site left alone", "site", p.site.name, "source", p.source.Name, "for", wait, "reason", why.String(), "detail", detail)
	p.trouble.inARow++
	p.trouble.until = now.Add(wait)
}

// worked takes note of a reply that shows the site to be well.
func (p *path) worked() {
	p.mu.Lock()
	many := p.trouble.inARow >= probing
	p.trouble.inARow = 0
	p.mu.Unlock()
	if many {
		p.grow() // one connection was probing
	}
}

// pausedUntil is until when the path is left alone; the lock is held.
func (p *path) pausedUntil() time.Time {
	if p.allowed.Until.After(p.trouble.until) {
		return p.allowed.Until
	}
	return p.trouble.until
}

// pausedFor is how long the path is still to be left alone, and why.
func (p *path) pausedFor(now time.Time) (wait time.Duration, why campaign.Reason, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait = max(p.pausedUntil().Sub(now), 0)
	if p.allowed.Until.After(p.trouble.until) {
		return wait, campaign.RateLimited, p.allowed.Why
	}
	return wait, p.trouble.why, p.trouble.detail
}

// outOfPatience reports whether a job should not wait for its site any longer. In a lane
// for many sites that is so when the wait would be long, in the site's own only when it
// has been; and nobody is waited for beyond the campaign's give-up age.
func (s *Sender) outOfPatience(it *item, wait time.Duration) bool {
	inHand := time.Since(it.taken)
	switch {
	case wait <= 0:
		return false
	case time.Since(it.firstTried()) > s.contents.giveUp(contentOf(&it.Job)):
		return true
	case it.lane.name.Tail():
		return wait > tailPatience-inHand // which may be as long as a Duration can be
	}
	return inHand > patience
}

// putOff defers a job until its site may be used again. Nobody knows that for long: a
// person may end the pause sooner.
func (s *Sender) putOff(it *item, why campaign.Reason, said string, wait time.Duration) {
	e := it.event(campaign.Deferred, why, time.Now())
	e.Reply = said
	s.deferUntil(it, e, min(wait, furthest))
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// The steps down from full encryption, after TLS has failed (RFC 7435 §3). They are
// remembered for the site, by all senders.
const (
	fullTLS    = iota
	classicTLS // without post-quantum key shares
	clearText
)

// remembered is for how long a step is: what goes out in clear text is tried with
// encryption again soon, since two handshakes may have failed for a passing reason.
var remembered = map[int]time.Duration{classicTLS: 24 * time.Hour, clearText: time.Hour}

// tlsFailed remembers that a session could not be encrypted, and reports whether there
// is another way to be tried at once: the next step down from the one that failed. Other
// connections may have failed at the same one, and have taken that step already.
func (st *site) tlsFailed(tried smtp.Config) bool {
	next := classicTLS
	if tried.ClassicTLS {
		next = clearText
	}
	if next == clearText && tried.TLS != smtp.Opportunistic {
		return false
	}
	st.sender.Learned.Key(ratelimit.WholeSite, "", st.name).FallBack(time.Now(), next, remembered[next])
	return true
}
