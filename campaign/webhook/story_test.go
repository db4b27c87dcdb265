package webhook_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/delivery/mx"
)

// Everything that an endpoint may name is told, once, signed, with what there is to say.
func TestEverythingIsTold(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := w.receiver(nil)
	other := w.receiver(nil, webhook.RunPaused)
	w.dispatch(nil)
	now := time.Now()
	ann, bob, cid := w.who[0], w.who[1], w.who[2]
	want := map[webhook.Type]int{}
	heard := map[webhook.Type]webhook.Data{}
	expect := func(n int, types ...webhook.Type) {
		t.Helper()
		for _, k := range types {
			want[k]++
		}
		for range n {
			got := r.next()
			heard[got.Type] = got.Data
			if want[got.Type]--; want[got.Type] < 0 {
				t.Errorf("told %s once more: %s", got.Type, got.body)
			}
		}
	}
	if ok := must(w.db.StartRun(ctx, w.run.ID, now))(t); !ok {
		t.Fatal("not started")
	}
	rows := []campaign.NewRecipient{
		{Lane: campaign.TailLane, Contact: ann.ID}, {Lane: campaign.TailLane, Contact: bob.ID},
		{Lane: campaign.TailLane, Contact: cid.ID, State: campaign.Skipped, Reason: campaign.MergeFailed},
	}
	if err := w.db.AppendRecipients(ctx, w.run.ID, 0, cid.ID, rows, true); err != nil {
		t.Fatal(err)
	}
	expect(2, webhook.RunStarted, webhook.Skipped)
	if d := heard[webhook.Skipped]; d.Email != "cid@example.org" || d.Reason != "merge failed" || d.Campaign != "spring" {
		t.Errorf("skipped: %+v", d)
	}
	for i, s := range []campaign.State{campaign.Accepted, campaign.Deferred, campaign.Bounced, campaign.Unknown} {
		w.outcome(i%3, s)
	}
	expect(4, webhook.Accepted, webhook.Deferred, webhook.Bounced, webhook.Unknown)
	if d := heard[webhook.Accepted]; d.Email != "ann@example.org" || d.Run != w.run.ID || d.Campaign != "spring" || d.Contact != ann.ID || d.Attempt != 1 || d.Code != 250 || d.Reply != "as you like" {
		t.Errorf("accepted: %+v", d)
	}
	for _, s := range []campaign.RunState{campaign.RunPaused, campaign.RunRunning, campaign.RunCancelled} {
		from := []campaign.RunState{campaign.RunRunning, campaign.RunPaused}
		if _, err := w.db.SetRunState(ctx, w.run.ID, from, s, "why not", now); err != nil {
			t.Fatal(err)
		}
	}
	expect(3, webhook.RunPaused, webhook.RunResumed, webhook.RunCancelled)
	if d := heard[webhook.RunPaused]; d.Run != w.run.ID || d.Reason != "why not" || d.Campaign != "spring" {
		t.Errorf("paused: %+v", d)
	}
	if err := w.db.Unsubscribe(ctx, bob.ID, w.list, now); err != nil {
		t.Fatal(err)
	}
	expect(1, webhook.Unsubscribed)
	if d := heard[webhook.Unsubscribed]; d.Email != "bob@example.org" || d.List != w.list {
		t.Errorf("unsubscribed: %+v", d)
	}
	complaint := campaign.Feedback{Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: ann.ID}, Kind: campaign.Complaint, At: now}
	for range 2 { // the second says nothing new
		if err := w.db.Heard(ctx, []campaign.Feedback{complaint}); err != nil {
			t.Fatal(err)
		}
	}
	expect(2, webhook.Complained, webhook.Suppressed)
	if d := heard[webhook.Suppressed]; d.Email != "ann@example.org" || d.Reason != "complained" {
		t.Errorf("suppressed: %+v", d)
	}
	complaint.Kind, complaint.Contact = campaign.SoftBounce, bob.ID
	if err := w.db.Heard(ctx, []campaign.Feedback{complaint}); err != nil {
		t.Fatal(err)
	}
	expect(1, webhook.Bounced)
	if d := heard[webhook.Bounced]; !d.Late || d.Reason != "soft bounce" {
		t.Errorf("bounced late: %+v", d)
	}
	r.quiet()
	if got := other.next(); got.Type != webhook.RunPaused {
		t.Errorf("who wants one type is told %s", got.Type)
	}
	other.quiet()
}

// An endpoint that is down holds up nobody else; its events come when it is back, under
// their ids, whether it refuses, fails, redirects or says nothing in time.
func TestOneIsDown(t *testing.T) {
	for name, fail := range map[string]func(http.ResponseWriter){
		"500": func(rw http.ResponseWriter) { http.Error(rw, "not now", http.StatusInternalServerError) },
		"redirect": func(rw http.ResponseWriter) {
			rw.Header().Set("Location", "/elsewhere")
			rw.WriteHeader(http.StatusTemporaryRedirect)
		},
		"breaks off": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var down atomic.Bool
			down.Store(true)
			ill := w.receiver(func(rw http.ResponseWriter, _ told) {
				if down.Load() {
					fail(rw)
				}
			}, webhook.Accepted)
			well := w.receiver(nil, webhook.Accepted)
			w.dispatch(nil)
			for i := range w.who {
				w.outcome(i, campaign.Accepted)
			}
			ids := map[string]bool{}
			for range w.who {
				ids[well.next().id] = true
			}
			well.quiet()
			if e := ill.endpoint(func(e webhook.Endpoint) bool { return !e.FailingSince.IsZero() }); e.State != webhook.Active {
				t.Errorf("%+v", e)
			}
			down.Store(false)
			again := 0 // some may have waited behind the first that failed
			for id := range ids {
				d := ill.delivery(id, webhook.Delivered)
				if d.Status != 200 {
					t.Errorf("%+v", d)
				}
				if d.Attempts > 1 {
					again++
				}
			}
			if again == 0 {
				t.Error("nothing was tried twice")
			}
			ill.endpoint(func(e webhook.Endpoint) bool { return e.FailingSince.IsZero() })
		})
	}
}

// A dispatcher that dies while an endpoint makes up its mind has told nobody anything:
// the next one tells it again, under the same id.
func TestKilledInBetween(t *testing.T) {
	w := newWorld(t)
	var dying atomic.Bool
	dying.Store(true)
	asked, killed := make(chan string, 10), make(chan struct{})
	w.receiver(func(_ http.ResponseWriter, got told) {
		asked <- got.id
		if dying.Load() {
			<-killed
		}
	}, webhook.Accepted, webhook.RunStarted)
	stop := w.dispatch(func(d *webhook.Dispatcher) { d.Hurry(time.Second, 10*time.Second, time.Hour, time.Hour) })
	w.outcome(0, campaign.Accepted)
	first := from(w, asked)
	stop()
	close(killed)
	must(w.db.StartRun(t.Context(), w.run.ID, time.Now()))(t) // while nobody is there
	w.outcome(1, campaign.Accepted)
	dying.Store(false)
	w.dispatch(nil)
	again := map[string]int{}
	for len(again) < 3 {
		again[from(w, asked)]++
	}
	if again[first] == 0 {
		t.Errorf("%s is not told again: %v", first, again)
	}
}

// What answers with too much is read no further.
func TestHuge(t *testing.T) {
	w := newWorld(t)
	sent := make(chan int, 10)
	huge := w.receiver(func(rw http.ResponseWriter, _ told) {
		n := 0
		for range 4096 {
			m, err := rw.Write(bytes.Repeat([]byte("x\n"), 1<<13))
			if n += m; err != nil {
				break
			}
		}
		sent <- n
	}, webhook.Accepted)
	w.dispatch(nil)
	w.outcome(0, campaign.Accepted)
	id := huge.next().id
	if n := from(w, sent); n > 32<<20 {
		t.Errorf("read all %d bytes of an answer", n)
	}
	if d := huge.delivery(id, webhook.Delivered); len(d.Answer) > 500 || strings.Contains(d.Answer, "\n") {
		t.Errorf("keeps %d bytes of an answer", len(d.Answer))
	}
}

// What answers too late is not waited for.
func TestSlow(t *testing.T) {
	w := newWorld(t)
	ended := make(chan struct{})
	slow := w.receiver(func(http.ResponseWriter, told) { <-ended })
	t.Cleanup(func() { close(ended) })
	w.dispatch(func(d *webhook.Dispatcher) {
		d.Hurry(time.Millisecond, 300*time.Millisecond, time.Nanosecond, time.Hour)
	})
	id := must(w.desk.Test(t.Context(), slow.id))(t)
	if d := slow.delivery(id, webhook.Failed); !strings.Contains(d.Error, "exceeded") || d.Status != 0 {
		t.Errorf("%+v", d)
	}
}

// X6: a name that leads into our own network is found out when it is connected to.
func TestGuardedDialer(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil, webhook.Accepted)
	if _, err := w.db.ChangeWebhook(t.Context(), r.id, func(e *webhook.Endpoint) error {
		e.URL = strings.Replace(e.URL, "127.0.0.1", "localhost", 1)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.allow = mx.Public
	w.dispatch(func(d *webhook.Dispatcher) { d.Hurry(time.Millisecond, 10*time.Second, time.Nanosecond, time.Hour) })
	id := must(w.desk.Test(t.Context(), r.id))(t)
	if d := r.delivery(id, webhook.Failed); !strings.Contains(d.Error, "not a public address") {
		t.Errorf("%+v", d)
	}
	select {
	case got := <-r.got:
		t.Errorf("it was connected to: %+v", got)
	default:
	}
	if _, _, err := w.desk.Add(t.Context(), webhook.Draft{URL: r.srv.URL, Types: []string{"run.paused"}}); err == nil {
		t.Error("http to this host is taken")
	}
}

// X6: redirects are not followed, whoever is behind them.
func TestRedirect(t *testing.T) {
	w := newWorld(t)
	var hits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	r := w.receiver(func(rw http.ResponseWriter, _ told) {
		rw.Header().Set("Location", elsewhere.URL)
		rw.WriteHeader(http.StatusPermanentRedirect)
	}, webhook.Accepted)
	w.dispatch(func(d *webhook.Dispatcher) { d.Hurry(time.Millisecond, 10*time.Second, time.Nanosecond, time.Hour) })
	id := must(w.desk.Test(t.Context(), r.id))(t)
	if d := r.delivery(id, webhook.Failed); !strings.Contains(d.Error, "redirects are not followed") || d.Status != 308 || hits.Load() != 0 {
		t.Errorf("%+v, %d requests elsewhere", d, hits.Load())
	}
}

// Who fails for days, or says that it is gone, is told nothing more; it is resumed by a
// person, and what it missed is replayed.
func TestDisabled(t *testing.T) {
	for name, first := range map[string]int32{"gone": http.StatusGone, "failing": http.StatusBadGateway} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var status atomic.Int32
			status.Store(first)
			r := w.receiver(func(rw http.ResponseWriter, _ told) { rw.WriteHeader(int(status.Load())) }, webhook.Accepted)
			w.dispatch(func(d *webhook.Dispatcher) {
				d.Hurry(20*time.Millisecond, 10*time.Second, time.Hour, 100*time.Millisecond)
			})
			w.outcome(0, campaign.Accepted)
			e := r.endpoint(func(e webhook.Endpoint) bool { return e.State == webhook.Disabled })
			if e.Why == "" {
				t.Error("it does not say why")
			}
			before := time.Now().Add(-time.Minute)
			if err := w.desk.ReplaySince(t.Context(), r.id, before); err == nil {
				t.Error("a replay is taken while it is disabled")
			}
			w.outcome(1, campaign.Accepted)
			status.Store(http.StatusOK)
			must(w.desk.Resume(t.Context(), r.id))(t)
			if err := w.desk.ReplaySince(t.Context(), r.id, before); err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{}
			for len(ids) < 2 {
				ids[r.next().id] = true
			}
			for id := range ids {
				r.delivery(id, webhook.Delivered)
			}
		})
	}
}

// A delivery that was given up is replayed, by itself, with the others, or from a time
// on, always under its id.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	var down atomic.Bool
	down.Store(true)
	r := w.receiver(func(rw http.ResponseWriter, _ told) {
		if down.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}, webhook.Accepted, webhook.Unsubscribed, webhook.Suppressed)
	began := time.Now()
	w.dispatch(func(d *webhook.Dispatcher) { d.Hurry(time.Millisecond, 10*time.Second, time.Nanosecond, time.Hour) })
	ctx := t.Context()
	for i := range 2 {
		w.outcome(i, campaign.Accepted)
	}
	if err := w.db.Unsubscribe(ctx, w.who[2].ID, w.list, time.Now()); err != nil {
		t.Fatal(err)
	}
	must(w.db.Suppress(ctx, []campaign.Suppression{{Domain: "fay.example", Reason: "manual", At: time.Now()}}))(t)
	var ids []string
	for range 4 {
		ids = append(ids, r.next().id)
	}
	for _, id := range ids {
		r.delivery(id, webhook.Failed)
	}
	down.Store(false)
	if err := w.desk.Replay(ctx, r.id, ids[1]); err != nil {
		t.Fatal(err)
	}
	if got := r.next(); got.id != ids[1] {
		t.Errorf("replayed %s, want %s", got.id, ids[1])
	}
	r.delivery(ids[1], webhook.Delivered)
	if err := w.desk.ReplayFailed(ctx, r.id); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for range 3 {
		seen[r.next().id]++
	}
	for _, id := range ids {
		r.delivery(id, webhook.Delivered)
	}
	if err := w.desk.ReplaySince(ctx, r.id, began); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		seen[r.next().id]++
	}
	for i, id := range ids {
		if want := map[bool]int{true: 1, false: 2}[i == 1]; seen[id] != want {
			t.Errorf("%s came %d times, want %d", id, seen[id], want)
		}
	}
	r.quiet()
	if err := w.desk.Replay(ctx, r.id, "evt_of_nobody"); err == nil {
		t.Error("replays what never was")
	}
	if err := w.desk.ReplaySince(ctx, r.id, began.Add(-8*24*time.Hour)); err == nil {
		t.Error("replays what is not kept any more")
	}
}

// A queue that is full takes no more, which is written down and costs nobody else.
func TestFull(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	r := w.receiver(nil, webhook.Accepted)
	other := w.receiver(nil, webhook.Accepted)
	must(w.desk.Pause(ctx, r.id))(t)
	if err := w.queue.OpenHook(ctx, r.id); err != nil {
		t.Fatal(err)
	}
	stream := must(w.queue.JetStream().Stream(ctx, "HOOK_1"))(t)
	cfg := must(stream.Info(ctx))(t).Config
	cfg.MaxBytes = 600
	must(w.queue.JetStream().UpdateStream(ctx, cfg))(t)
	w.dispatch(nil)
	for i := range w.who {
		w.outcome(i, campaign.Accepted)
	}
	for range w.who {
		other.next()
	}
	e := r.endpoint(func(e webhook.Endpoint) bool { return e.Dropped > 0 })
	waiting := must(w.queue.HookWaiting(ctx, r.id))(t)
	if e.Dropped+waiting != int64(len(w.who)) || e.DroppedSince.IsZero() {
		t.Errorf("%+v, and %d wait", e, waiting)
	}
	must(w.desk.Resume(ctx, r.id))(t)
	for range waiting {
		r.next()
	}
	if err := w.desk.ReplaySince(ctx, r.id, e.DroppedSince.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for range w.who {
		r.next()
	}
}

// A replay that waits for room at an endpoint that is down keeps nobody else's orders.
func TestOrdersWaitForTheirOwnAlone(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	down := w.receiver(func(rw http.ResponseWriter, _ told) { rw.WriteHeader(http.StatusInternalServerError) }, webhook.Accepted)
	other := w.receiver(nil, webhook.RunPaused)
	if err := w.queue.OpenHook(ctx, down.id); err != nil {
		t.Fatal(err)
	}
	stream := must(w.queue.JetStream().Stream(ctx, "HOOK_1"))(t)
	cfg := must(stream.Info(ctx))(t).Config
	cfg.MaxBytes = 600
	must(w.queue.JetStream().UpdateStream(ctx, cfg))(t)
	w.dispatch(nil)
	for i := range w.who {
		w.outcome(i, campaign.Accepted)
	}
	down.endpoint(func(e webhook.Endpoint) bool { return e.Dropped > 0 })
	if err := w.desk.ReplaySince(ctx, down.id, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	must(w.desk.Test(ctx, other.id))(t)
	if got := other.next(); got.Type != webhook.Test {
		t.Errorf("told %s", got.Type)
	}
	if left := must(w.db.WebhookOrders(ctx))(t); len(left) == 0 || left[0].Kind != webhook.ReplaySince {
		t.Errorf("orders %+v", left)
	}
}

// An endpoint that was removed leaves no queue, and the first after it hears nothing old.
func TestRemoved(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := w.receiver(nil)
	w.dispatch(nil)
	r.quiet()
	if err := w.db.RemoveWebhook(ctx, r.id); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() bool {
		_, err := w.queue.JetStream().Stream(ctx, "HOOK_1")
		return err != nil
	})
	w.outcome(0, campaign.Accepted)
	must(w.db.Suppress(ctx, []campaign.Suppression{{Email: "old@example.org", Reason: "manual", At: time.Now()}}))(t)
	before := time.Now()
	w.eventually(func() bool { return time.Since(before) > 2*time.Millisecond }) // endpoints begin at a whole one
	fresh := w.receiver(nil)
	w.outcome(1, campaign.Accepted)
	if got := fresh.next(); got.Email != "bob@example.org" {
		t.Errorf("told of %+v", got.Data)
	}
	fresh.quiet()
}

// What becomes of a message to one person is told with its number, and whose it was.
func TestMessagesAreTold(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	spec := campaign.Spec{Name: "welcome", Class: campaign.Transactional}
	spec.From, spec.Subject, spec.Text = "Shop <shop@example.org>", "Hello", "Hello"
	c := must(w.db.CreateCampaign(ctx, spec, time.Now()))(t)
	run := must(w.db.OpenStandingRun(ctx, c.ID, time.Now()))(t)
	made, _, err := w.db.AddMessage(ctx, campaign.MessageRow{Run: run.ID, Lane: campaign.TailLane, Email: "dora@example.org", Data: []byte("{}")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := w.receiver(nil, webhook.Accepted)
	w.dispatch(nil)
	e := campaign.Event{Recipient: made.Recipient(), Attempt: 1, State: campaign.Accepted, Code: 250, At: time.Now()}
	if err := w.queue.PublishEvents(ctx, []campaign.Event{e}); err != nil {
		t.Fatal(err)
	}
	if d := r.next().Data; d.Email != "dora@example.org" || d.Message != made.ID || d.Contact != 0 || d.Campaign != "welcome" {
		t.Errorf("told %+v", d)
	}
}
