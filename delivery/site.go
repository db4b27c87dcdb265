package delivery

import (
	"iter"
	"time"

	"broadside/delivery/meter"
	"broadside/delivery/mx"
	"broadside/delivery/shaping"
	"broadside/ratelimit"
)

// Shaper says what sites allow and what their replies ask for; the operator may change
// its mind at any time.
type Shaper interface {
	Rules(provider, site string) shaping.Rules
	React(provider string, code int, enhanced, text string) (*shaping.Reaction, bool)
}

// site is one mailbox site, as all paths of this sender to it see it.
type site struct {
	sender   *Sender
	name     string
	provider string // "" if it is nobody we know
	gate     ratelimit.Gate
	meter    *meter.Site
	siblings
}

// pathKey names a path.
type pathKey struct{ source, site string }

// pathFor returns the path from a source to the site of a route, making both at their
// first job.
func (s *Sender) pathFor(r mx.Route, source *Source) *path {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := pathKey{source.Name, r.Site}
	if p := s.paths[key]; p != nil {
		return p
	}
	st := s.sites[r.Site]
	if st == nil {
		st = &site{sender: s, name: r.Site, provider: r.Provider, meter: s.Meter.Site(r.Site)}
		if s.sources.many {
			st.starving, st.leaving, st.coming = map[*path]bool{}, map[*path]int{}, map[*path]int{}
		}
		rules := s.Shaper.Rules(st.provider, st.name)
		st.gate = s.Limiter.Open(st.name, limitsOf(rules), st.wake)
		s.sites[r.Site] = st
	}
	p := newPath(st, source)
	st.mu.Lock()
	st.paths = append(st.paths, p)
	st.mu.Unlock()
	s.paths[key] = p
	if s.made++; s.made%sweepPaths == 0 {
		s.sweep()
	}
	return p
}

func limitsOf(r shaping.Rules) ratelimit.Limits {
	return ratelimit.Limits{Rate: r.Rate, Connections: r.Connections}
}

// sweepPaths is after how many new paths the old ones are looked through.
const sweepPaths = 1024

// sweep removes paths that were in trouble when their last connection ended, and so
// were kept for the memory of it. The sender's lock is held.
func (s *Sender) sweep() {
	for _, p := range s.paths {
		s.forgetLocked(p)
	}
}

// forget removes a path that has neither jobs nor connections, and its site with the
// last one, so that memory follows what is being sent, not how many domains there are.
func (s *Sender) forget(p *path) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(p)
}

func (s *Sender) forgetLocked(p *path) {
	key := pathKey{p.source.Name, p.site.name}
	if s.paths[key] != p || !p.retire() {
		return
	}
	delete(s.paths, key)
	if p.site.siblings.forget(p) == 0 {
		p.site.gate.Close()
		delete(s.sites, p.site.name)
	}
}

func (s *Sender) allPaths() []*path {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*path, 0, len(s.paths))
	for _, p := range s.paths {
		all = append(all, p)
	}
	return all
}

// wake lets the site's paths open connections, or close some, after its gate said that
// more, or fewer, are allowed.
func (st *site) wake() {
	for _, p := range st.all() {
		p.shrink()
	}
	st.grow()
}

// learned lets the site's paths look up what was learned, here or by another sender.
func (st *site) learned() {
	st.mu.Lock()
	for _, p := range st.paths {
		p.refresh()
	}
	st.mu.Unlock()
	st.wake()
}

// held says until when, and why, a message of a content may not go to the site, though
// others may: for the domain it is from, or one that it links to. Zero if it may.
func (st *site) held(now time.Time, c *content) (until time.Time, why string) {
	for key := range st.domainsOf(c) {
		a := key.Allowed(now, ratelimit.Limits{})
		if a.Until.After(now) && a.Until.After(until) {
			until, why = a.Until, a.Why
		}
	}
	return until, why
}

// domainsOf are what the site may know of a content: its sending domain, and the domains
// that it links to.
func (st *site) domainsOf(c *content) iter.Seq[ratelimit.Learned] {
	return func(yield func(ratelimit.Learned) bool) {
		book := st.sender.Learned
		if !yield(book.Key(ratelimit.SendingDomain, c.message.FromDomain(), st.name)) {
			return
		}
		for _, domain := range c.links {
			if !yield(book.Key(ratelimit.URLDomain, domain, st.name)) {
				return
			}
		}
	}
}
