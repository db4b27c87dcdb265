package campaign_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery"
	"broadside/delivery/queue"
	"broadside/store"
	"broadside/store/storetest"
)

// world is a store, a queue and whoever works on them, all real but for the SMTP: the
// planner under test is started by the tests.
type world struct {
	t       testing.TB
	dir     string
	db      *store.DB
	server  *queue.Embedded
	queue   *queue.Queue
	service *campaign.Service
}

// tailLanes is how many lanes there are beside the named ones. Tests use the domains
// t0.example and t1.example, whose lanes these are, and gmail.com.
const tailLanes = 2

func laneOf(domain string) campaign.Lane {
	switch domain {
	case "t0.example":
		return campaign.TailLane
	case "t1.example":
		return campaign.TailLane + 1
	}
	return campaign.LaneGoogle
}

var usedLanes = []campaign.Lane{campaign.LaneGoogle, campaign.TailLane, campaign.TailLane + 1}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	db, err := store.Open(context.Background(), filepath.Join(w.dir, "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.db, w.service = db, &campaign.Service{Store: db, PublicURL: "https://news.example.org", Now: time.Now}
	w.openQueue()
	t.Cleanup(func() {
		w.closeQueue()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) openQueue() {
	w.t.Helper()
	var err error
	if w.server, err = queue.StartEmbedded(queue.EmbeddedOptions{Dir: w.dir}); err != nil {
		w.t.Fatal(err)
	}
	// A request for jobs that ends while the server answers it leaves jobs with nobody
	// until AckWait has passed.
	w.queue, err = queue.Connect(context.Background(), queue.Options{
		Embedded: w.server, Name: "test", TailLanes: tailLanes, AckWait: 15 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) closeQueue() {
	w.queue.Close()
	w.server.Shutdown()
}

// loseQueue replaces the queue by one on an empty disk.
func (w *world) loseQueue() {
	w.t.Helper()
	w.closeQueue()
	if err := os.RemoveAll(filepath.Join(w.dir, "jetstream")); err != nil {
		w.t.Fatal(err)
	}
	w.openQueue()
}

// list makes a list of n contacts of a domain each in turn, with ids in that order.
func (w *world) list(name string, n int, domains ...string) campaign.List {
	w.t.Helper()
	rows := make([]campaign.ImportRow, n)
	for i := range rows {
		rows[i] = campaign.ImportRow{
			Email:      fmt.Sprintf("%s.%06d@%s", name, i, domains[i%len(domains)]),
			Attributes: fmt.Appendf(nil, `{"name":"Recipient %d","nr":%d}`, i, i),
		}
	}
	return w.importRows(name, rows)
}

func (w *world) importRows(name string, rows []campaign.ImportRow) campaign.List {
	w.t.Helper()
	list, _, err := storetest.List(context.Background(), w.db, name, time.Now(), rows...)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// spec is a small campaign to a list.
func spec(name, list string) campaign.Spec {
	return campaign.Spec{
		Name:   name,
		Source: message.Source{From: "News <news@example.org>", Subject: "Hello {{ name }}", Text: "Hello {{ name }}, this is news.", PostalAddress: "1 Main Street"},
		Lists:  []string{list},
	}
}

// start creates a campaign and starts it.
func (w *world) start(s campaign.Spec) campaign.Run {
	w.t.Helper()
	must(w.service.Create(context.Background(), s))(w.t)
	return must(w.service.Start(context.Background(), s.Name, time.Time{}))(w.t)
}

// planner is the planner under test with a short tick.
func (w *world) planner() *campaign.Planner {
	return &campaign.Planner{
		Store: w.db, Queue: w.queue, LanesOf: lanesBy(laneOf),
		Tick: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
}

func lanesBy(laneOf func(string) campaign.Lane) func([]string) []campaign.Lane {
	return func(domains []string) []campaign.Lane {
		lanes := make([]campaign.Lane, len(domains))
		for i, domain := range domains {
			lanes[i] = laneOf(domain)
		}
		return lanes
	}
}

// run starts work and returns what stops it and waits for it. Its error is the test's.
func (w *world) run(work func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := work(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.t.Cleanup(stop)
	return stop
}

// startTo starts a campaign to n new contacts of a domain each in turn.
func (w *world) startTo(n int, domains ...string) campaign.Run {
	w.t.Helper()
	w.list("all", n, domains...)
	return w.start(spec("all", "all"))
}

func (w *world) record() (stop func()) {
	r := &delivery.Recorder{Ledger: w.db, Queue: w.queue, Log: slog.New(slog.DiscardHandler)}
	return w.run(r.Run)
}

func (w *world) counts(run campaign.Run) campaign.Counts {
	w.t.Helper()
	c := must(w.db.Counts(context.Background(), run.ID))(w.t)
	if !c.Balanced() {
		w.t.Errorf("the ledger does not balance: %+v", c)
	}
	return c
}

// latest is a run as it is stored now.
func (w *world) latest(run campaign.Run) campaign.Run {
	w.t.Helper()
	return must(w.db.RunByID(context.Background(), run.ID))(w.t)
}

func (w *world) state(run campaign.Run) campaign.RunState {
	w.t.Helper()
	return w.latest(run).State
}

func (w *world) waves(run campaign.Run) campaign.Waves {
	w.t.Helper()
	return must(w.db.WavesOf(context.Background(), run.ID))(w.t)
}

// due reports whether it is known when a run's next wave leaves.
func (w *world) due(run campaign.Run) bool {
	waves, err := w.db.WavesOf(w.t.Context(), run.ID)
	return err == nil && !waves.Due.IsZero()
}

// complete waits until a run's whole audience is in the ledger.
func (w *world) complete(run campaign.Run) {
	w.t.Helper()
	eventually(w.t, "the audience is complete", func() bool { return w.latest(run).SnapshotDone })
}

// finished waits for a run's end, and checks that its kept counts are those of the
// ledger's rows.
func (w *world) finished(run campaign.Run) campaign.Counts {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("run %d is finished", run.ID), func() bool { return w.state(run) == campaign.RunFinished })
	c := w.counts(run)
	if rows := must(w.db.Recount(context.Background(), run.ID))(w.t); rows != c {
		w.t.Errorf("counts %+v, but the rows are %+v", c, rows)
	}
	return c
}

// everyone are the counts of a run in which everybody was reached.
func everyone(n int) campaign.Counts {
	return campaign.Counts{Planned: int64(n), Accepted: int64(n)}
}

// reached waits for a run's end, at which everybody was reached.
func (w *world) reached(run campaign.Run, n int) {
	w.t.Helper()
	if got, want := w.finished(run), everyone(n); got != want {
		w.t.Errorf("counts %+v, want %+v", got, want)
	}
}

// depth is how many first attempts of a run the queue holds.
func (w *world) depth(run campaign.Run) int64 {
	w.t.Helper()
	var n int64
	for lane, jobs := range must(w.queue.Depth(context.Background()))(w.t).Jobs {
		if lane.Run == run.ID {
			n += jobs
		}
	}
	return n
}

// fed waits until the queue holds n first attempts of a run.
func (w *world) fed(run campaign.Run, n int) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%d jobs of run %d are in the queue", n, run.ID), func() bool { return w.depth(run) == int64(n) })
}

// eventually waits for a condition that others bring about.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(3 * time.Minute)
	for !condition() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
