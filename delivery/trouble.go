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

// outOfPatience reports whether a job should not wait for its site any longer, given
// that it would have to for a time: there is a limit to that, and it must not outlive its
// campaign's give-up age. The wait may be as long as a Duration can be.
func (s *Sender) outOfPatience(it *item, wait time.Duration) bool {
	left := patience - time.Since(it.taken)
	if it.lane.name.Tail() {
		left = tailPatience - time.Since(it.taken)
	}
	left = min(left, s.contents.giveUp(it.Job.Run)-time.Since(it.firstTried()))
	return wait > 0 && wait > left
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
	st.sender.Learned.Key(ratelimit.WholeSite, "", st.name).FallBack(time.Now(), next)
	return true
}
