package benchmarks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"broadside/campaign"
	"broadside/delivery/meter"
	"broadside/delivery/queue"
	"broadside/store"
)

// Cluster is a deployment that runs already: its planner, recorder and senders do the
// work, and bench only starts a run there and watches. Its senders answer on its NATS
// server what they did.
type Cluster struct {
	NATS    string   // nats:// addresses, comma-separated
	DB      string   // data source name
	From    string   // the letter's sender, whom the cluster signs for
	Domains []string // of the readers; reserved names only, which the cluster routes to a sink
	Version string   // of this program, which the cluster must have too: it shares the database
}

// reserved are the top-level names that never belong to anybody (RFC 2606, RFC 6761): a
// load test cannot reach a person.
var reserved = []string{".example", ".test", ".invalid", ".localhost"}

// Check says in one line what is missing.
func (c *Cluster) Check() error {
	switch {
	case c.NATS == "":
		return errors.New("--nats: a cluster has its queue on a server of its own")
	case c.From == "":
		return errors.New("--from: the letter needs a sender whom the cluster signs for")
	case len(c.Domains) == 0:
		return errors.New("--domains: say which domains lead to your sink, such as a.example,b.example")
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		return fmt.Errorf("--from %q: %w", c.From, err)
	}
	for _, domain := range c.Domains {
		if !isReserved(domain) {
			return fmt.Errorf("--domains: %q could be somebody's; only names that end in %s are sent to", domain, strings.Join(reserved, ", "))
		}
	}
	return nil
}

func isReserved(domain string) bool {
	for _, end := range reserved {
		if strings.HasSuffix(domain, end) && len(domain) > len(end) {
			return true
		}
	}
	return false
}

// answerWithin is how long senders have to answer a question.
const answerWithin = 500 * time.Millisecond

// senders asks all senders for what they did so far.
func (c *Cluster) senders(ctx context.Context, nc *nats.Conn) (map[string]meter.Process, error) {
	answers, err := queue.AskSamples(ctx, nc, answerWithin)
	if err != nil {
		return nil, err
	}
	all := map[string]meter.Process{}
	for _, answer := range answers {
		var p meter.Process
		if err := json.Unmarshal(answer, &p); err != nil {
			return nil, fmt.Errorf("a sender's answer: %w; does it have this program's version %s?", err, c.Version)
		}
		if p.Version != c.Version {
			return nil, fmt.Errorf("sender %s has version %s, this program %s: use the same, they share the database", p.Sender, p.Version, c.Version)
		}
		all[p.Sender] = p
	}
	return all, nil
}

// allSenders asks three times: who is busy may be late for one answer, and what a sender
// did before its first answer is not counted.
func (c *Cluster) allSenders(ctx context.Context, nc *nats.Conn) (map[string]meter.Process, error) {
	all := map[string]meter.Process{}
	for range 3 {
		now, err := c.senders(ctx, nc)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, now)
	}
	return all, nil
}

// course is what a cluster did second by second.
type course struct {
	first, last   map[string]meter.Process
	began, latest time.Time
	arrivals      Course
}

func (w *course) add(now map[string]meter.Process, at time.Time) {
	if w.first == nil {
		w.first, w.last, w.began, w.latest = now, maps.Clone(now), at, at
		return
	}
	accepted := delta(w.last, now).Accepted()
	w.arrivals.Rate = append(w.arrivals.Rate, float64(accepted)/at.Sub(w.latest).Seconds())
	for name, p := range now {
		w.last[name] = p
		if _, ok := w.first[name]; !ok {
			w.first[name] = p // joined meanwhile: counts from its first answer
		}
	}
	w.latest = at
	w.arrivals.Step = at.Sub(w.began).Seconds() / float64(len(w.arrivals.Rate))
}

// delta is what all senders that are in both readings did between them.
func delta(before, after map[string]meter.Process) (sum meter.Sample) {
	for name, p := range after {
		if b, ok := before[name]; ok {
			sum = sum.Plus(p.Sample.Since(b.Sample))
		}
	}
	return sum
}

// playOn has the cluster send a scenario.
func (b *bench) playOn(ctx context.Context, c *Cluster, s Scenario) (r Result, err error) {
	if err := s.checkFor(c); err != nil {
		return r, err
	}
	nc, err := nats.Connect(c.NATS, nats.Name("broadside bench"))
	if err != nil {
		return r, fmt.Errorf("no NATS server at %s: %w", c.NATS, err)
	}
	defer nc.Close()
	var watched course
	now, err := c.allSenders(ctx, nc)
	if err != nil {
		return r, err
	}
	if len(now) == 0 {
		return r, fmt.Errorf("no sender answers at %s: start some with broadside serve --roles send", c.NATS)
	}
	db, err := store.Open(ctx, c.DB, store.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	watched.add(now, time.Now())
	counts, name, err := c.sendAll(ctx, db, s, func() error {
		now, err := c.senders(ctx, nc)
		if err == nil {
			watched.add(now, time.Now())
		}
		return err
	})
	if err != nil {
		return r, err
	}
	r = clusterResult(s, &watched, counts)
	r.Setting += fmt.Sprintf("; campaign and list %s stay in the cluster's database", name)
	return r, nil
}

// checkFor says what of a scenario a cluster decides by itself.
func (s *Scenario) checkFor(c *Cluster) error {
	if len(s.Sites) > 0 || s.Senders > 0 || s.Offered > 0 || s.TLS || s.PerConnection > 0 || s.Retry.Duration > 0 {
		return errors.New("a cluster has its own sites, senders, pace, TLS and retries: leave site, senders, offered, tls, per_connection and retry out of the scenario")
	}
	return c.Check()
}

// sendAll imports the readers, starts a run, and calls sample each second until the run is
// finished, or cancelled because the scenario's time is over.
func (c *Cluster) sendAll(ctx context.Context, db *store.DB, s Scenario, sample func() error) (counts campaign.Counts, name string, err error) {
	name = "bench-" + time.Now().UTC().Format("20060102-150405")
	row := func(row, i int) campaign.ImportRow {
		one := importRow(row, i)
		one.Email = fmt.Sprintf(readerPrefix+"%08d@%s", i, c.Domains[i%len(c.Domains)])
		return one
	}
	if err := importList(ctx, db, name, readersOrder(s.Recipients), row); err != nil {
		return counts, name, err
	}
	spec := s.Letter.spec()
	spec.Name, spec.Lists, spec.From = name, []string{name}, c.From
	service := &campaign.Service{Store: db, Now: time.Now}
	if _, err := service.Create(ctx, spec); err != nil {
		return counts, name, err
	}
	began := time.Now()
	run, err := service.Start(ctx, name, time.Time{})
	if err != nil {
		return counts, name, err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_, err := service.Cancel(context.WithoutCancel(ctx), name, "the benchmark was stopped")
			return counts, name, errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
		if err := sample(); err != nil {
			return counts, name, err
		}
		if run, err = db.RunByID(ctx, run.ID); err != nil {
			return counts, name, err
		}
		late := time.Since(began) > s.Duration.Duration
		if run.State != campaign.RunFinished && !late {
			continue
		}
		if err := sample(); err != nil { // what came between the last one and the end
			return counts, name, err
		}
		if counts, err = db.Counts(ctx, run.ID); err == nil && late {
			_, err = service.Cancel(ctx, name, "the benchmark's time is over")
		}
		return counts, name, err
	}
}
