package delivery

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtp"
)

// A site that refuses connections, or says 421, is left alone for a while that
// doubles with each failure in a row. Its lane is then not pulled, because the lane's
// hands are full; only a site that shares its lane gives its jobs away.
const (
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// tailPatience and patience are how long a job waits in hand for its site before
	// it becomes a deferral.
	tailPatience = 15 * time.Second
	patience     = 5 * time.Minute
)

// troubled takes note of a failure that was the host's, and pauses the site. Failures
// of several connections at one moment count as one.
func (st *site) troubled(why campaign.Reason, detail string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	st.why = why
	if now.Before(st.until) {
		return
	}
	pause := min(firstPause<<min(st.trouble, 16), longestPause)
	st.sender.Log.Info("sender: site left alone", "site", st.name, "for", pause, "reason", why.String(), "detail", detail)
	st.trouble++
	st.until = now.Add(pause)
}

// worked takes note of a reply that shows the site to be well.
func (st *site) worked() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.trouble = 0
}

// pausedFor is how long the site is still to be left alone, and why.
func (st *site) pausedFor() (time.Duration, campaign.Reason) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return max(time.Until(st.until), 0), st.why
}

// outOfPatience reports whether a job should not wait for its site any longer, given
// that it would have to for a time.
func (st *site) outOfPatience(it *item, wait time.Duration) bool {
	limit := patience
	if st.tail {
		limit = tailPatience
	}
	return time.Since(it.taken)+wait > limit
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

// tlsMemory is how a site has to be spoken to after its TLS failed (RFC 7435 §3).
type tlsMemory uint8

const (
	fullTLS    tlsMemory = iota
	classicTLS           // without post-quantum key shares
	clearText
)

// smtpConfig is how to open a session with the site.
func (st *site) smtpConfig() smtp.Config {
	st.mu.Lock()
	defer st.mu.Unlock()
	cfg := st.sender.SMTP
	if st.limits.RequireTLS && cfg.TLS == smtp.Opportunistic {
		cfg.TLS = smtp.Require
	}
	switch {
	case st.tls == classicTLS:
		cfg.ClassicTLS = true
	case st.tls == clearText && cfg.TLS == smtp.Opportunistic:
		cfg.TLS = smtp.NoTLS
	}
	return cfg
}

// tlsFailed remembers a failed handshake and reports whether there is another way to
// be tried at once.
func (st *site) tlsFailed() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	required := st.limits.RequireTLS || st.sender.SMTP.TLS != smtp.Opportunistic
	switch {
	case st.tls == fullTLS:
		st.tls = classicTLS
	case st.tls == classicTLS && !required:
		st.tls = clearText
	default:
		return false
	}
	return true
}
