package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// The process that tells webhooks is killed three times, while requests are under way: the
// endpoint hears of every outcome all the same, and of each always under the same id.
func TestWebhooksKilledWhileTelling(t *testing.T) {
	const recipients, kills = 200, 3
	db := startPostgres(t)
	hook := &hearing{bodies: map[string]string{}, times: map[string]int{}}
	srv := httptest.NewServer(hook)
	t.Cleanup(srv.Close)
	t.Cleanup(hook.release) // or the server waits for the requests that are held
	providers := []smtptest.Provider{{
		Name: "one", Domains: []string{"one.example"}, MX: []string{"mx.one.example"}, Share: 1, Behaviour: smtptest.Behaviour{UnknownUser: 0.1},
	}}
	c := newClusterOf(t, providers, "BROADSIDE_DB="+db, "BROADSIDE_NATS="+startNATS(t), "BROADSIDE_WEBHOOKS_ALLOW_NETWORKS=127.0.0.0/8")
	c.writeList("list.csv", recipients, providers)
	c.create()
	c.open(db)
	c.run("webhook", "add", srv.URL+"/hook", "--event", "message.accepted,message.deferred,message.bounced,message.unknown")

	c.serve("--roles", "plan,record,send")
	p := c.serve("--roles", "webhooks")
	c.run("campaign", "start", "news")
	var cut []string // events whose requests were under way when the process was killed
	for kill := range kills {
		hook.holdFrom((kill + 1) * recipients / (kills + 1))
		eventually(t, "no request is under way", 3*time.Minute, func() bool { return len(hook.held()) > 0 })
		cut = append(cut, hook.held()...)
		p.kill()
		hook.release()
		p = c.serve("--roles", "webhooks")
	}
	c.finished(1)

	wanted := c.outcomes()
	if len(wanted) < recipients*9/10 {
		t.Fatalf("there are %d outcomes of %d recipients", len(wanted), recipients)
	}
	eventually(t, "not every outcome is told", 3*time.Minute, func() bool { return hook.missing(wanted) == 0 })
	for _, id := range cut {
		eventually(t, id+" was under way at a kill, and did not come again", 3*time.Minute, func() bool { return hook.heard(id) > 1 })
	}
	for _, wrong := range hook.wrong() {
		t.Error(wrong)
	}
	t.Logf("%d outcomes, told in %d requests over %d kills, %d of them cut off", len(wanted), hook.requests(), kills, len(cut))
}

// outcomes are the ids of the events that the ledger of run 1 says there were.
func (c *cluster) outcomes() []string {
	c.t.Helper()
	var ids []string
	for _, s := range []campaign.State{campaign.Accepted, campaign.Bounced, campaign.Unknown} {
		for r := range c.recipients(1, s) {
			for attempt := uint16(1); attempt < r.Attempts; attempt++ {
				ids = append(ids, fmt.Sprintf("evt_%d_%d_%d_%d", r.Run, r.Contact, attempt, campaign.Deferred))
			}
			ids = append(ids, fmt.Sprintf("evt_%d_%d_%d_%d", r.Run, r.Contact, r.Attempts, s))
		}
	}
	return ids
}

// hearing is an endpoint that can hold its requests, from a number of events on.
type hearing struct {
	mu     sync.Mutex
	bodies map[string]string // by event id
	times  map[string]int
	faults []string
	limit  int           // events, from which requests are held; 0: none is
	gate   chan struct{} // closed when they may go on
	under  []string      // the events of those that are held
}

func (h *hearing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off
	}
	if gate := h.take(r.Header.Get("webhook-id"), string(body)); gate != nil {
		<-gate
	}
	w.WriteHeader(http.StatusNoContent)
}

// take notes an event; its request waits for the gate, if there is one.
func (h *hearing) take(id, body string) (gate chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var e struct{ ID string }
	if err := json.Unmarshal([]byte(body), &e); err != nil || e.ID != id {
		h.faults = append(h.faults, fmt.Sprintf("%s came with %s (%v)", id, body, err))
	}
	if before, known := h.bodies[id]; known && before != body {
		h.faults = append(h.faults, fmt.Sprintf("%s came as %s and as %s", id, before, body))
	}
	h.bodies[id] = body
	h.times[id]++
	if h.gate == nil || len(h.bodies) < h.limit {
		return nil
	}
	h.under = append(h.under, id)
	return h.gate
}

func (h *hearing) holdFrom(events int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limit, h.gate, h.under = events, make(chan struct{}), nil
}

func (h *hearing) held() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.under
}

func (h *hearing) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gate != nil {
		close(h.gate)
		h.gate = nil
	}
}

func (h *hearing) missing(ids []string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, id := range ids {
		if h.times[id] == 0 {
			n++
		}
	}
	return n
}

func (h *hearing) heard(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.times[id]
}

func (h *hearing) wrong() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.faults
}

func (h *hearing) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, times := range h.times {
		n += times
	}
	return n
}
