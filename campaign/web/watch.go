package web

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/web/api"
)

// lookEvery is how often a run that somebody watches is read.
const lookEvery = 500 * time.Millisecond

// trail is how many samples of the rate are kept for those who begin to watch.
const trail = 600

// news is what the page of a run shows.
type news struct {
	State    campaign.RunState  `json:"state"`
	Note     string             `json:"note,omitempty"`
	Counts   campaign.Counts    `json:"counts"`
	Rate     float64            `json:"rate"`          // messages settled per second, smoothed
	ETA      int64              `json:"eta,omitempty"` // seconds left, 0 for unknown
	StartAt  int64              `json:"start_at,omitempty"`
	Waits    string             `json:"waits,omitempty"` // for its window, and its next wave
	Held     int64              `json:"held,omitempty"`  // who are in waves that are not open
	Sites    []siteNews         `json:"sites"`
	Why      []reasonNews       `json:"why,omitempty"`      // of states that need a reason, most frequent first
	Activity []activityNews     `json:"activity,omitempty"` // at the sites now, by this and other runs
	Complete bool               `json:"complete"`           // the audience is in the ledger
	Open     bool               `json:"open"`
	AB       *campaign.ABReport `json:"ab,omitempty"`
	Trail    []float64          `json:"trail,omitempty"` // rates before, oldest first
}

// siteNews is a line of the table of sites.
type siteNews struct {
	Name   string          `json:"name"`
	Counts campaign.Counts `json:"counts"`
	Rate   float64         `json:"rate"`
}

// reasonNews is a line of the table of reasons.
type reasonNews struct {
	State  string `json:"state"`
	Reason string `json:"reason"`
	ID     int    `json:"id"` // of the reason, in addresses of pages
	N      int64  `json:"n"`
	Sites  string `json:"sites"`
}

// activityNews is what the senders do at a site.
type activityNews struct {
	campaign.SiteActivity
	Said string `json:"said,omitempty"` // when the site last refused something, in words
}

// watches let all who look at a run share one reader of it: a page costs the store
// nothing that another page has not cost already.
type watches struct {
	service *campaign.Service
	sites   api.Sites
	log     *slog.Logger
	now     func() time.Time

	mu   sync.Mutex
	runs map[campaign.RunID]*watch
	work sync.WaitGroup
}

// watch is one run that somebody looks at.
type watch struct {
	viewers int
	stop    context.CancelFunc
	poke    chan struct{} // something changed: look now

	mu      sync.Mutex
	latest  news
	waits   func(reader *time.Location) string // what the latest waits for; nil while there is none
	text    map[string][]byte                  // the latest, written out for all who look from a zone
	sites   []activityNews
	trail   []float64
	changed chan struct{} // closed with the next news
}

// join begins to watch a run; leave ends it.
func (ws *watches) join(id campaign.RunID) (w *watch, leave func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w = ws.runs[id]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &watch{stop: stop, poke: make(chan struct{}, 1), changed: make(chan struct{})}
		if ws.runs == nil {
			ws.runs = map[campaign.RunID]*watch{}
		}
		ws.runs[id] = w
		ws.work.Go(func() { ws.follow(ctx, id, w) })
		ws.work.Go(func() { ws.followSites(ctx, w) })
	}
	w.viewers++
	return w, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		if w.viewers--; w.viewers == 0 {
			w.stop()
			delete(ws.runs, id)
		}
	}
}

// poke lets those who watch a run see at once what was done to it.
func (ws *watches) poke(id campaign.RunID) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w := ws.runs[id]; w != nil {
		select {
		case w.poke <- struct{}{}:
		default: // it is looking anyway
		}
	}
}

// follow reads a run until nobody looks any more.
func (ws *watches) follow(ctx context.Context, id campaign.RunID, w *watch) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var pace pace
	for {
		status, err := ws.service.StatusOf(ctx, id)
		switch {
		case err == nil:
			now := ws.now()
			w.tell(pace.news(status, now), func(reader *time.Location) string { return status.WaitsFor(now, reader) })
		case ctx.Err() == nil && !errors.Is(err, campaign.ErrNotFound):
			ws.log.Warn("web: a run that is watched can't be read", "run", id, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.poke:
		}
	}
}

// askEvery is how often the senders are asked what they do. They answer from memory.
const askEvery = 2 * time.Second

// sitesShown are the busiest ones.
const sitesShown = 12

// followSites asks the senders what they do until nobody looks any more. It is apart from
// follow because they have some time to answer.
func (ws *watches) followSites(ctx context.Context, w *watch) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		list, err := ws.sites.Activity(ctx)
		if err != nil && ctx.Err() == nil {
			ws.log.Warn("web: what the senders do can't be asked", "error", err)
		}
		now := ws.now()
		busy := make([]activityNews, 0, sitesShown)
		for _, s := range list[:min(len(list), sitesShown)] {
			n := activityNews{SiteActivity: s}
			if !s.ReplyAt.IsZero() {
				n.Said = ago(now.Sub(s.ReplyAt))
			}
			busy = append(busy, n)
		}
		w.mu.Lock()
		w.sites = busy
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *watch) tell(n news, waits func(reader *time.Location) string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.Activity = w.sites
	w.latest, w.waits, w.text = n, waits, map[string][]byte{}
	if n.State == campaign.RunRunning || n.Rate > 0 {
		w.trail = append(w.trail, n.Rate)
		w.trail = w.trail[max(0, len(w.trail)-trail):]
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// see returns the latest news as an event for a reader in a zone, nil when there are none
// yet, whether they are the last, and a channel that is closed with the next. The first time
// they have the trail.
func (w *watch) see(reader *time.Location, first bool) (text []byte, over bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waits == nil {
		return nil, false, w.changed
	}
	n, zone := w.latest, reader.String()
	if text = w.text[zone]; text != nil && !first {
		return text, n.over(), w.changed
	}
	n.Waits = w.waits(reader)
	if first {
		n.Trail = w.trail
		return n.event(), n.over(), w.changed
	}
	w.text[zone] = n.event()
	return w.text[zone], n.over(), w.changed
}

// over tells that nothing will change any more.
func (n *news) over() bool { return !n.Open && n.Counts.Open() == 0 }

func (n *news) event() []byte {
	name := "news"
	if n.over() {
		name = "over"
	}
	text, err := eventOf(name, n)
	if err != nil {
		panic(err) // they are numbers and texts
	}
	return text
}

// pace turns counts into rates.
type pace struct {
	at       time.Time
	settled  int64
	rate     float64
	measured bool // there was a rate before
	sites    map[string]*pace
}

// measure smooths the rate at which recipients are settled over about two seconds.
func (p *pace) measure(c campaign.Counts, now time.Time) float64 {
	settled := c.Planned - c.Open()
	if dt := now.Sub(p.at).Seconds(); !p.at.IsZero() && dt > 0 {
		rate := float64(settled-p.settled) / dt
		if !p.measured {
			p.rate, p.measured = rate, true
		}
		p.rate += (rate - p.rate) * min(dt/2, 1)
	}
	if p.rate < 0.05 {
		p.rate = 0
	}
	p.settled, p.at = settled, now
	return p.rate
}

func (p *pace) news(s campaign.Status, now time.Time) news {
	n := news{State: s.Run.State, Note: s.Run.Note, Counts: s.Counts, Complete: s.Run.SnapshotDone, Open: s.Run.Open(), AB: s.AB, Rate: p.measure(s.Counts, now), Held: s.Waves.Held(now)}
	if s.Run.State == campaign.RunScheduled {
		n.StartAt = s.Run.StartAt.UnixMilli()
	}
	if n.Rate >= 0.5 && n.Counts.Waiting > 0 {
		n.ETA = int64(float64(n.Counts.Waiting)/n.Rate) + 1
	}
	if until := s.SpreadUntil(); until.After(now) && s.Run.State == campaign.RunRunning && n.Counts.Waiting > 0 {
		n.ETA = max(n.ETA, int64(until.Sub(now).Seconds())+1)
	}
	if p.sites == nil {
		p.sites = map[string]*pace{}
	}
	for _, site := range sitesOf(s.Lanes) {
		if p.sites[site.Name] == nil {
			p.sites[site.Name] = &pace{}
		}
		site.Rate = p.sites[site.Name].measure(site.Counts, now)
		n.Sites = append(n.Sites, site)
	}
	for _, b := range reasonsOf(s.Lanes) {
		n.Why = append(n.Why, reasonNews{b.State.String(), b.Reason.String(), int(b.Reason), b.N, b.AtSites()})
	}
	return n
}
