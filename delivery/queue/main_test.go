package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
)

// patience is how long a test waits for what must come; it comes at once on an idle
// machine.
const patience = 180 * time.Second

func startServer(t testing.TB, dir string) *Embedded {
	t.Helper()
	e, err := StartEmbedded(EmbeddedOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	return e
}

func connect(t testing.TB, opt Options) *Queue {
	t.Helper()
	if opt.TailLanes == 0 {
		opt.TailLanes = 2
	}
	q, err := Connect(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// newQueue is a queue on a server of its own.
func newQueue(t testing.TB) *Queue {
	return connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test"})
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// jobsFor are first attempts of the contacts from one to another.
func jobsFor(lane campaign.Lane, run campaign.RunID, from, to campaign.ContactID) []campaign.Job {
	var jobs []campaign.Job
	for c := from; c <= to; c++ {
		jobs = append(jobs, campaign.Job{
			Recipient: campaign.Recipient{Run: run, Lane: lane, Contact: c}, Attempt: 1,
			Email: fmt.Sprintf("c%d@example.com", c), Attributes: []byte(`{"name":"Ann"}`),
		})
	}
	return jobs
}

// feed feeds contacts from one to another after the marker prev.
func feed(t testing.TB, q *Queue, prev campaign.Marker, lane campaign.Lane, run campaign.RunID, from, to campaign.ContactID) campaign.Marker {
	t.Helper()
	m, err := q.Feed(t.Context(), lane, run, prev, campaign.Marker{Cursor: to}, jobsFor(lane, run, from, to))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// take takes exactly n deliveries of a source.
func take(t testing.TB, s *Source, n int) []Delivery {
	t.Helper()
	var got []Delivery
	eventually(t, fmt.Sprintf("%d jobs of %s", n, s.name), func() bool {
		err := s.Fetch(t.Context(), n-len(got), time.Second, func(d Delivery) { got = append(got, d) })
		if err != nil {
			t.Fatal(err)
		}
		return len(got) == n
	})
	return got
}

// nothingMore fails when a source has another job.
func nothingMore(t testing.TB, s *Source) {
	t.Helper()
	err := s.Fetch(t.Context(), 1, 100*time.Millisecond, func(d Delivery) { t.Errorf("%s has another job: %+v", s.name, d.Job) })
	if err != nil {
		t.Fatal(err)
	}
}

// records keeps what was logged.
type records struct {
	mu   sync.Mutex
	list []slog.Record
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }
func (r *records) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rec)
	return nil
}

func (r *records) errors() (messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.list {
		if rec.Level == slog.LevelError {
			messages = append(messages, rec.Message)
		}
	}
	return messages
}
