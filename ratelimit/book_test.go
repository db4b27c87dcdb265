package ratelimit

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// runServer runs a JetStream server on a directory; port -1 takes any.
func runServer(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready after 20 s")
	}
	t.Cleanup(func() { stopServer(srv) })
	return srv
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// sharedBook is one process's book on a server.
func sharedBook(t testing.TB, url string) *Book {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenBook(t.Context(), js, 1, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(); nc.Close() })
	return b
}

// eventuallyTrue waits for what other goroutines do.
func eventuallyTrue(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in 3 min: %s", what)
		}
	}
}

// written reports whether all that a book has learned is in the bucket.
func written(b *Book) bool {
	for i := range b.shelf {
		for _, p := range b.shelf[i].list() {
			p.mu.Lock()
			n := len(p.pending)
			p.mu.Unlock()
			if n > 0 {
				return false
			}
		}
	}
	return true
}

func TestSendersCountHitsTogether(t *testing.T) {
	t.Parallel()
	srv := runServer(t, t.TempDir(), -1)
	a, b := sharedBook(t, srv.ClientURL()), sharedBook(t, srv.ClientURL())
	var told atomic.Int32
	b.OnChange(func(k Key) {
		if k.Site == "yahoo" {
			told.Add(1)
		}
	})
	re := Reaction{Name: "TSS04", Hits: 3, Stop: true, For: 2 * time.Hour}
	hit := func(b *Book) {
		b.Key(Source, "192.0.2.1", "yahoo").React(time.Now(), hundred, re, Reply{Began: time.Now(), Text: "421 [TSS04]"})
	}
	stopped := func(b *Book) bool {
		return !b.Key(Source, "192.0.2.1", "yahoo").Allowed(time.Now(), hundred).Until.IsZero()
	}
	hit(a)
	hit(b)
	eventuallyTrue(t, "both senders have counted two", func() bool {
		return len(a.Key(Source, "192.0.2.1", "yahoo").Record().Hits) == 2 && len(b.Key(Source, "192.0.2.1", "yahoo").Record().Hits) == 2
	})
	if stopped(a) || stopped(b) {
		t.Fatal("stopped after two hits of three")
	}
	hit(a)
	if !stopped(a) {
		t.Error("the third hit did not stop the sender that had it")
	}
	eventuallyTrue(t, "the other sender has stopped too", func() bool { return stopped(b) && told.Load() > 0 })
	if a := b.Key(Source, "192.0.2.2", "yahoo").Allowed(time.Now(), hundred); !a.Until.IsZero() {
		t.Error("another source has stopped too")
	}
}

func TestWhatWasLearnedSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := runServer(t, dir, -1)
	a := sharedBook(t, srv.ClientURL())
	const keys = 3000
	for i := range keys {
		a.Key(Source, "2001:db8::1", fmt.Sprintf("mx%d.example.", i)).Throttled(time.Now(), hundred, Reply{Began: time.Now(), Text: "450 later"})
	}
	l := a.Key(URLDomain, "bücher.example", "google")
	l.React(time.Now(), hundred, gmail, Reply{Began: time.Now(), Text: "421-4.7.28"})
	a.Key(WholeSite, "", "yahoo").Pause(Pause{Since: time.Now(), Why: "holiday"})
	want := l.Record()
	a.Close() // writes all of it
	stopServer(srv)

	srv = runServer(t, dir, -1)
	b := sharedBook(t, srv.ClientURL())
	n := 0
	for key, r := range b.All() {
		n++
		if key.Kind == Source && !close2(r.Pace.Peak, 100) {
			t.Fatalf("%v: %+v", key, r)
		}
	}
	if n != keys+2 {
		t.Errorf("%d keys are known after the restart, want %d", n, keys+2)
	}
	if got := b.Key(URLDomain, "bücher.example", "google").Record(); !got.same(want) || got.Why != "421-4.7.28" {
		t.Errorf("after the restart %+v, want %+v", got, want)
	}
	if !b.Key(WholeSite, "", "yahoo").Record().Paused(time.Now()) {
		t.Error("the pause is forgotten")
	}
}

func TestConcurrentSendersConverge(t *testing.T) {
	t.Parallel()
	srv := runServer(t, t.TempDir(), -1)
	const senders, hits, keys = 4, 10, 3
	books := make([]*Book, senders)
	for i := range books {
		books[i] = sharedBook(t, srv.ClientURL())
	}
	re := Reaction{Name: "busy", Hits: 1000, Rate: 1, For: time.Hour}
	now := time.Now() // one epoch
	var wg sync.WaitGroup
	for _, b := range books {
		wg.Go(func() {
			for range hits {
				for i := range keys {
					l := b.Key(Source, "192.0.2.1", fmt.Sprint(i))
					l.React(now, hundred, re, Reply{Began: now})
					l.Throttled(now, hundred, Reply{Began: now})
				}
			}
		})
	}
	wg.Wait()
	eventuallyTrue(t, "all senders know every hit, and one decrease", func() bool {
		for _, b := range books {
			for i := range keys {
				r := b.Key(Source, "192.0.2.1", fmt.Sprint(i)).Record()
				other := books[0].Key(Source, "192.0.2.1", fmt.Sprint(i)).Record()
				if len(r.Hits) != senders*hits || r.Pace.Peak != 100 || !r.same(other) || !written(b) {
					return false
				}
			}
		}
		return true
	})
}

func TestLocalKnowledgeGoesOnWithoutTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := runServer(t, dir, -1)
	port := srv.Addr().String()
	a, b := sharedBook(t, srv.ClientURL()), sharedBook(t, srv.ClientURL())
	key := func(b *Book) Learned { return b.Key(Source, "192.0.2.1", "google") }
	stopServer(srv)

	began := time.Now()
	key(a).React(time.Now(), hundred, gmail, Reply{Began: time.Now(), Text: "421-4.7.28"})
	if took := time.Since(began); took > time.Second {
		t.Errorf("a reply waited %v for the server", took)
	}
	if key(a).Allowed(time.Now(), hundred).Until.IsZero() {
		t.Error("without the server a stop is not obeyed")
	}
	key(b).Throttled(time.Now(), hundred, Reply{Began: time.Now(), Text: "421 slow"})

	var p int
	if _, err := fmt.Sscanf(port, "127.0.0.1:%d", &p); err != nil {
		t.Fatal(err)
	}
	runServer(t, dir, p)
	eventuallyTrue(t, "both senders have stopped and agree", func() bool {
		ra, rb := key(a).Record(), key(b).Record()
		return ra.same(rb) && !ra.Stop.From.IsZero() && written(a) && written(b)
	})
}

func TestForgottenKeysLeaveTheBucketAndComeAgain(t *testing.T) {
	t.Parallel()
	srv := runServer(t, t.TempDir(), -1)
	a, b := sharedBook(t, srv.ClientURL()), sharedBook(t, srv.ClientURL())
	key := func(b *Book) Learned { return b.Key(SendingDomain, "example.org", "google") }
	known := func(b *Book) bool { return !key(b).Record().empty() }
	for round := range 3 {
		key(a).Throttled(time.Now(), hundred, Reply{Began: time.Now()})
		eventuallyTrue(t, "both know", func() bool { return known(a) && known(b) && written(a) })
		late := time.Now().Add(forgotten)
		a.sweep(late)
		b.sweep(late)
		eventuallyTrue(t, "nobody knows", func() bool { return !known(a) && !known(b) && written(a) && written(b) })
		if round == 1 { // the pages go too
			a.sweep(late)
			b.sweep(late)
			if a.find(key(a).key) != nil || b.find(key(b).key) != nil {
				t.Error("an empty page is kept")
			}
		}
	}
}

func BenchmarkAllowed(b *testing.B) {
	book := NewBook()
	for i := range 5000 {
		book.Key(Source, "192.0.2.1", fmt.Sprint(i)).Throttled(time.Now(), hundred, Reply{Began: time.Now()})
	}
	for name, site := range map[string]string{"known": "17", "unknown": "google"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			now := time.Now()
			for b.Loop() {
				book.Key(Source, "192.0.2.1", site).Allowed(now, hundred)
			}
		})
	}
}

func TestKeyNames(t *testing.T) {
	for _, k := range []Key{
		{Source, "192.0.2.1", "google"},
		{Source, "2001:db8::1", "mx.example."},
		{WholeSite, "", "a..b/c=d e"},
		{URLDomain, "bücher.example", ".x"},
	} {
		name := k.name()
		got, err := parseKey(name)
		if err != nil || got != k {
			t.Errorf("%v is written %s and read %v, %v", k, name, got, err)
		}
	}
	for _, name := range []string{"", "source/a", "planet/a/b", "source/=zz/b", "source/a/b/c"} {
		if k, err := parseKey(name); err == nil {
			t.Errorf("%q is read as %v", name, k)
		}
	}
}

func FuzzKeyNames(f *testing.F) {
	f.Add("192.0.2.1", "google")
	f.Add("", "a..b/c=%41")
	f.Fuzz(func(t *testing.T, value, site string) {
		k := Key{Source, value, site}
		name := k.name()
		got, err := parseKey(name)
		if err != nil || got != k {
			t.Errorf("%q is read %v, %v", name, got, err)
		}
		for i := range len(name) {
			c := name[i]
			if c <= ' ' || c == '*' || c == '>' || c >= 0x7f || c == '.' && (i+1 == len(name) || name[i+1] == '.') {
				t.Errorf("%q is no key of a bucket", name)
			}
		}
	})
}
