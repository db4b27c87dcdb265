package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

// heed lets a result teach what it can: the path, the sending domain or a linked domain
// slows down or stops, whichever the reply speaks of. When it is not about the host
// after all, the verdict is changed.
func (c *connection) heed(p *prepared, v *verdict, r smtp.Result, began time.Time) {
	now := time.Now()
	limits := limitsOf(c.renew(now))
	if v.state == campaign.Accepted {
		c.learned.Sent(now, limits, began)
		for key := range c.site.domainsOf(p.content) { // their probes go on too
			key.Sent(now, limits, began)
		}
		return
	}
	said := ratelimit.Reply{Began: began, Text: r.String()}
	var reaction *shaping.Reaction
	known := false
	if r.Reply.Code != 0 {
		reaction, known = c.Shaper.React(c.site.provider, r.Reply.Code, r.Reply.Enhanced, r.Reply.Text)
	}
	if known && reaction.Scope != shaping.Source {
		v.throttle = false // the source is not what it is about
	}
	if v.throttle {
		c.learned.Throttled(now, limits, said)
	}
	if known {
		for _, key := range c.keysOf(reaction.Scope, p.content, r.Reply.Text) {
			key.React(now, limits, reactionOf(reaction), said)
			if reaction.Scope != shaping.Source && v.reason != campaign.RateLimited {
				c.tell(p, key, reaction, said)
			}
		}
		if reaction.Scope != shaping.Source {
			v.hosts = false // it is about this mail: other mail may go on
		}
	}
	c.refresh()
	if v.hosts {
		c.troubled(v.reason, r.String())
	}
}

// keysOf are what a reaction of a scope to a reply slows down.
func (c *connection) keysOf(scope shaping.Scope, to *content, text string) []ratelimit.Learned {
	switch scope {
	case shaping.SendingDomain:
		return []ratelimit.Learned{c.Learned.Key(ratelimit.SendingDomain, to.message.FromDomain(), c.site.name)}
	case shaping.URLDomain:
		var keys []ratelimit.Learned
		for _, domain := range blamed(to.links, text) {
			keys = append(keys, c.Learned.Key(ratelimit.URLDomain, domain, c.site.name))
		}
		return keys
	}
	return []ratelimit.Learned{c.learned}
}

// blamed are those of some domains that a reply names, or all when it names none:
// innocent ones may be in other campaigns too.
func blamed(domains []string, text string) []string {
	text = strings.ToLower(text)
	named := slices.DeleteFunc(slices.Clone(domains), func(domain string) bool { return !strings.Contains(text, domain) })
	if len(named) > 0 {
		return named
	}
	return domains
}

func reactionOf(r *shaping.Reaction) ratelimit.Reaction {
	return ratelimit.Reaction{
		Name: r.Name, Hits: r.Hits, Within: r.Within,
		Stop: r.Stop, Rate: r.Rate, Connections: r.Connections, For: r.For, Probe: r.Probe,
	}
}

// tell pauses a run when a large site refuses its sender's domain or links: all of it
// would be refused there, and only a person can put it right. A small site only keeps
// its own part of the run waiting; and what is merely too fast is waited for.
func (c *connection) tell(p *prepared, key ratelimit.Learned, re *shaping.Reaction, said ratelimit.Reply) {
	if !re.Stop || !key.Allowed(time.Now(), ratelimit.Limits{}).Until.After(time.Now()) {
		return
	}
	k := key.Key()
	c.Log.Warn("sender: a site refuses mail for what it says or who it is from", "site", k.Site, "about", k.Value, "run", p.Job.Run, "reply", said.Text)
	if p.lane.name.Tail() {
		return
	}
	note := fmt.Sprintf("%s refuses %s: %s", k.Site, k.Value, said.Text)
	ctx, cancel := context.WithTimeout(c.work, 10*time.Second)
	defer cancel()
	_, err := c.Store.SetRunState(ctx, p.Job.Run, []campaign.RunState{campaign.RunRunning}, campaign.RunPaused, note, time.Now())
	if err != nil && !errors.Is(err, campaign.ErrConflict) {
		c.Log.Error("sender: a refused run was not paused", "run", p.Job.Run, "error", err)
	}
}

// refresh lets the path look up what it is allowed at its next step.
func (p *path) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewed = time.Time{}
}
