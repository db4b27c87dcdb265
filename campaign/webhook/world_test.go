package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/delivery/queue"
	"broadside/store"
	"broadside/store/storetest"
)

// world is a store and an embedded queue, with three contacts in a run.
type world struct {
	*testing.T
	db    *store.DB
	queue *queue.Queue
	desk  *webhook.Desk
	list  campaign.ListID
	run   campaign.Run
	who   []campaign.Member
	allow func(netip.Addr) bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel() // they wait most of the time
	ctx := context.Background()
	w := &world{T: t, allow: func(a netip.Addr) bool { return a.IsLoopback() }}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	w.db = must(store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{}))(t)
	t.Cleanup(func() { _ = w.db.Close() })
	srv := must(queue.StartEmbedded(queue.EmbeddedOptions{Dir: t.TempDir()}))(t)
	t.Cleanup(srv.Shutdown)
	w.queue = must(queue.Connect(ctx, queue.Options{Embedded: srv, Name: "test", TailLanes: 2, Log: log}))(t)
	t.Cleanup(w.queue.Close)
	w.desk = &webhook.Desk{Store: w.db, Allow: func(a netip.Addr) bool { return w.allow(a) }, Now: time.Now}

	var people []campaign.ImportRow
	for _, name := range []string{"ann", "bob", "cid"} {
		people = append(people, campaign.ImportRow{Email: name + "@example.org", Attributes: []byte("{}")})
	}
	l, _, err := storetest.List(ctx, w.db, "news", time.Now(), people...)
	if err != nil {
		t.Fatal(err)
	}
	w.list = l.ID
	w.who = must(w.db.ListContacts(ctx, l.ID, 0, 10))(t)
	spec := campaign.Spec{Name: "spring", Lists: []string{"news"}}
	spec.From, spec.Subject, spec.Text, spec.PostalAddress = "News <news@example.org>", "Hello", "Hello", "Harbour Street 1"
	c := must((&campaign.Service{Store: w.db, Now: time.Now}).Create(ctx, spec))(t)
	w.run = must(w.db.CreateRun(ctx, c, campaign.RunScheduled, time.Now(), time.Now()))(t)
	return w
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

// dispatch runs a dispatcher until the returned function is called. Attempts follow each other within a moment.
func (w *world) dispatch(tune func(*webhook.Dispatcher)) (stop func()) {
	d := &webhook.Dispatcher{Store: w.db, Queue: w.queue, Allow: w.allow, Log: slog.New(slog.NewTextHandler(w.Output(), nil))}
	d.Hurry(20*time.Millisecond, 10*time.Second, time.Hour, time.Hour)
	if tune != nil {
		tune(d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	w.Cleanup(stop)
	return stop
}

// told is a request as a receiver saw it.
type told struct {
	id   string
	body []byte
	webhook.Data
	Type webhook.Type
}

// receiver is somebody else's server. It verifies signatures by its own means.
type receiver struct {
	w      *world
	srv    *httptest.Server
	id     webhook.EndpointID
	secret string
	got    chan told
}

// receiver starts a server that answers as it is told, and adds it as an endpoint.
func (w *world) receiver(answer func(http.ResponseWriter, told), types ...webhook.Type) *receiver {
	w.Helper()
	r := &receiver{w: w, got: make(chan told, 1000)}
	r.srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // cut off
		}
		t := told{id: req.Header.Get("webhook-id"), body: body}
		var envelope struct {
			ID   string
			Type webhook.Type
			Data webhook.Data
		}
		if err := json.Unmarshal(body, &envelope); err != nil || envelope.ID != t.id || !r.signed(req, body) {
			w.Errorf("a request that is not as it should be: %v %s %v", req.Header, body, err)
		}
		t.Data, t.Type = envelope.Data, envelope.Type
		if answer != nil {
			answer(rw, t)
		}
		r.got <- t
	}))
	w.Cleanup(r.srv.Close)
	var names []string
	for _, m := range types {
		names = append(names, string(m))
	}
	if len(types) == 0 {
		for _, m := range webhook.Types() {
			names = append(names, string(m.Type))
		}
	}
	e, secret, err := w.desk.Add(context.Background(), webhook.Draft{URL: r.srv.URL + "/hook", Types: names})
	if err != nil {
		w.Fatal(err)
	}
	r.id, r.secret = e.ID, secret
	return r
}

// signed verifies as docs/webhooks.md tells receivers to.
func (r *receiver) signed(req *http.Request, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.secret, "whsec_"))
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.%s", req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	for s := range strings.FieldsSeq(req.Header.Get("webhook-signature")) {
		if s == want {
			return true
		}
	}
	return false
}

// patience is for machines that have much else to do.
const patience = 2 * time.Minute

func (r *receiver) next() told {
	r.w.Helper()
	return from(r.w, r.got)
}

// from waits for what comes next.
func from[T any](w *world, c <-chan T) T {
	w.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		w.Fatal("nothing came")
		panic("not reached")
	}
}

// quiet wants that nothing more came, once something that was told later has come.
func (r *receiver) quiet() {
	r.w.Helper()
	id := must(r.w.desk.Test(context.Background(), r.id))(r.w)
	if t := r.next(); t.id != id {
		r.w.Errorf("told %s %s, and nothing was to come", t.Type, t.body)
	}
}

// outcome makes one attempt's outcome durable.
func (w *world) outcome(contact int, s campaign.State) {
	w.Helper()
	e := campaign.Event{
		Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: w.who[contact].ID},
		Attempt:   1, State: s, Code: 250, Reply: "as you like", At: time.Now(),
	}
	if err := w.queue.PublishEvents(context.Background(), []campaign.Event{e}); err != nil {
		w.Fatal(err)
	}
}

// delivery waits for the delivery of an event to be in a state.
func (r *receiver) delivery(event string, s webhook.DeliveryState) webhook.Delivery {
	r.w.Helper()
	var d webhook.Delivery
	r.w.eventually(func() bool {
		var err error
		d, err = r.w.db.DeliveryOf(context.Background(), r.id, event)
		return err == nil && d.State == s
	})
	return d
}

// endpoint waits for it to be as wanted.
func (r *receiver) endpoint(want func(webhook.Endpoint) bool) webhook.Endpoint {
	r.w.Helper()
	var e webhook.Endpoint
	r.w.eventually(func() bool {
		e = must(r.w.db.WebhookByID(context.Background(), r.id))(r.w)
		return want(e)
	})
	return e
}

func (w *world) eventually(happened func() bool) {
	w.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			w.Fatal("it did not happen")
		}
	}
}
