package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/meter"
	"broadside/delivery/queue"
	"broadside/store"
)

// siteDesk lets the web role do what `broadside sites` does, and ask the senders what they
// do. It keeps their last answers, to which the next ones are compared.
type siteDesk struct {
	store *store.DB
	queue *queue.Queue

	mu      sync.Mutex
	before  map[string]meter.Process // by sender
	latest  meter.Sample             // of all senders, since before
	seconds float64                  // that latest is about
	asked   time.Time
}

func newSiteDesk(db *store.DB, q *queue.Queue) *siteDesk {
	return &siteDesk{store: db, queue: q, before: map[string]meter.Process{}}
}

// SiteStates implements api.Sites.
func (d *siteDesk) SiteStates(ctx context.Context) ([]campaign.SiteState, error) {
	rows, err := siteRows(ctx, d.store, time.Now())
	states := make([]campaign.SiteState, len(rows))
	for i, r := range rows {
		states[i] = r.SiteState
	}
	return states, err
}

// PauseSite implements api.Sites.
func (d *siteDesk) PauseSite(ctx context.Context, site string, until time.Time, why string) (campaign.SiteState, error) {
	p := delivery.SitePause{Site: site, Since: time.Now(), Until: until, Why: why}
	return pauseRow(p).SiteState, d.store.PauseSite(ctx, p)
}

// ResumeSite implements api.Sites.
func (d *siteDesk) ResumeSite(ctx context.Context, site string) error {
	return d.store.ResumeSite(ctx, site, time.Now())
}

// LimitSite implements api.Sites.
func (d *siteDesk) LimitSite(ctx context.Context, site string, l campaign.SiteLimit) error {
	return d.store.SetSiteLimit(ctx, delivery.SiteLimit{Site: site, Rate: l.Rate, Connections: l.Connections, Since: l.Since, Who: l.Who})
}

const (
	// askAgain is how old the senders' answers may be: however many look, the senders are
	// asked so often at most.
	askAgain = 1500 * time.Millisecond
	// answerWithin is how long senders have to answer. They do so from memory.
	answerWithin = 250 * time.Millisecond
)

// Activity implements api.Sites.
func (d *siteDesk) Activity(ctx context.Context) ([]campaign.SiteActivity, error) {
	sample, seconds, err := d.sample(ctx)
	if err != nil {
		return nil, err
	}
	limits, err := d.store.SiteLimits(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := d.store.SitePauses(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	ordered, paused := map[string]campaign.SiteLimit{}, map[string]bool{}
	for _, l := range limits {
		ordered[l.Site] = campaign.SiteLimit{Rate: l.Rate, Connections: l.Connections, Since: l.Since, Who: l.Who}
	}
	for _, p := range pauses {
		paused[p.Site] = true
	}
	return activityOf(sample, seconds, ordered, paused), nil
}

// activityOf lists the sites where something is done, or where a person ordered something:
// who paused a site finds it again. Those that are paused come first, then the busiest.
// Senders tell the limits only of sites where they did something; at the others the limit
// is what was ordered.
func activityOf(sample meter.Sample, seconds float64, ordered map[string]campaign.SiteLimit, paused map[string]bool) []campaign.SiteActivity {
	names := map[string]bool{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(sample.Sites)), slices.Collect(maps.Keys(ordered)), slices.Collect(maps.Keys(paused))) {
		names[name] = true
	}
	var list []campaign.SiteActivity
	for name := range names {
		c := sample.Sites[name]
		a := campaign.SiteActivity{
			Site: name, Rate: float64(c.Accepted) / max(seconds, 1), RateLimit: cmp.Or(c.Limits.Rate, ordered[name].Rate),
			Connections: c.Connections, ConnectionLimit: cmp.Or(c.Limits.Connections, ordered[name].Connections), Paused: paused[name], Ordered: ordered[name],
		}
		if !c.Said.At.IsZero() {
			a.ReplyAt, a.Reply = c.Said.At, c.Said.Text
			if c.Said.Code > 0 {
				a.Reply = fmt.Sprintf("%d %s", c.Said.Code, c.Said.Text)
			}
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b campaign.SiteActivity) int {
		if a.Paused != b.Paused {
			if a.Paused {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(b.Connections, a.Connections), cmp.Compare(a.Site, b.Site))
	})
	return list
}

// sample is what all senders did between their last two answers.
func (d *siteDesk) sample(ctx context.Context) (meter.Sample, float64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.asked) < askAgain {
		return d.latest, d.seconds, nil
	}
	answers, err := d.queue.AskSamples(ctx, answerWithin)
	if err != nil {
		return meter.Sample{}, 0, err
	}
	var sum meter.Sample
	now := map[string]meter.Process{}
	for _, answer := range answers {
		var p meter.Process
		if err := json.Unmarshal(answer, &p); err != nil {
			return meter.Sample{}, 0, fmt.Errorf("a sender's answer on what it does: %w", err)
		}
		now[p.Sender] = p
		// A sender that is new here has done nothing yet, as far as rates go.
		before, known := d.before[p.Sender]
		if !known || p.Sample.Accepted() < before.Sample.Accepted() {
			before = p
		}
		sum = sum.Plus(p.Sample.Since(before.Sample))
	}
	d.seconds = time.Since(d.asked).Seconds()
	d.before, d.latest, d.asked = now, sum, time.Now()
	return d.latest, d.seconds, nil
}
