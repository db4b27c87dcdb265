package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
)

// item is a job in this sender's hands. It is owned by one stage at a time, and ends
// in exactly one of Sender.drop, leave, giveBack and outcomes.add.
type item struct {
	queue.Delivery
	class   queue.Class
	lane    *lane
	taken   time.Time
	checked time.Time // when the address was last looked for among the suppressed
	domain  string
	lost    int // connections that broke while it was being sent
	ceiling campaign.Tracking
	resent  bool   // an earlier copy may have been accepted
	claim   *claim // from the first byte sent until the outcome is durable
	lapsed  bool   // another sender may have it; guarded by the hand
	// allowance is what it has of a new source's day, and has not used; or nil.
	allowance *allowance
}

// firstTried is when its recipient was taken for the first attempt.
func (it *item) firstTried() time.Time {
	if it.Job.FirstTried.IsZero() {
		return it.taken
	}
	return it.Job.FirstTried
}

// hand knows every item in this sender's hands and renews its claim on them.
type hand struct {
	reach func(context.Context) error // whether all that was said so far is at the server
	wait  time.Duration               // how long a claim lasts
	every time.Duration
	log   *slog.Logger

	mu      sync.Mutex
	items   map[try]*item
	renewed time.Time // when claims were renewed last, for all that is known
}

// try names one attempt at one recipient.
type try struct {
	who     campaign.Recipient
	attempt uint16
}

func (it *item) try() try { return try{it.Job.Recipient, it.Job.Attempt} }

func newHand(ackWait time.Duration, reach func(context.Context) error, log *slog.Logger) *hand {
	return &hand{reach: reach, wait: ackWait, every: ackWait / 3, log: log, items: map[try]*item{}, renewed: time.Now()}
}

// add takes an item; false when it is in hand already: the claim on it had run out,
// as when the machine was asleep, and the queue delivered it once more.
func (h *hand) add(it *item) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.items[it.try()] != nil {
		return false
	}
	h.items[it.try()] = it
	return true
}

// done takes an item that was acknowledged out of the hand and makes room for another.
func (h *hand) done(it *item) {
	h.mu.Lock()
	delete(h.items, it.try())
	h.mu.Unlock()
	it.claim.giveBack()
	it.allowance.giveBack()
	it.lane.room[it.class].done(time.Now())
}

// renew keeps the claims on items for as long as ctx lives.
func (h *hand) renew(ctx context.Context) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			began := time.Now()
			for _, it := range h.due(began) {
				if err := it.Renew(); err != nil {
					h.log.Warn("sender: the claim on a job was not renewed; another sender may look it up", "run", it.Job.Run, "contact", it.Job.Contact, "error", err)
				}
			}
			// While the server is away, what is said to it waits in this process.
			if h.reach(ctx) == nil {
				h.kept(began)
			}
		}
	}
}

// kept notes that the claims that were due at a time are renewed.
func (h *hand) kept(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renewed = at
}

// due are the items whose claims are to be renewed now. What has lapsed stays so.
func (h *hand) due(now time.Time) []*item {
	h.mu.Lock()
	defer h.mu.Unlock()
	var old []*item
	lapsed := 0
	for _, it := range h.items {
		switch {
		case it.lapsed || !it.taken.Before(now.Add(-h.every/2)):
		case h.overdue(it, now):
			it.lapsed = true
			lapsed++
		default:
			old = append(old, it)
		}
	}
	if lapsed > 0 {
		h.log.Warn("sender: this process stood still, or was cut off, for longer than the queue waits; what it had in hand comes again and is looked up", "jobs", lapsed)
	}
	return old
}

// overdue reports whether the claim on an item was not renewed in time; the lock is held.
func (h *hand) overdue(it *item, now time.Time) bool {
	return now.Sub(later(it.taken, h.renewed.Add(-h.every/2))) > h.wait
}

// lost reports whether another sender may have an item, because this process stood still or
// was cut off for so long that the claim on it ran out. It must not be sent.
func (h *hand) lost(it *item) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return it.lapsed || h.overdue(it, time.Now())
}

// drop acknowledges an item without an outcome: its run is paused or over. If its
// recipient is still waiting later on, the planner feeds it again.
func (s *Sender) drop(it *item) {
	if err := it.Ack(); err != nil {
		s.Log.Warn("sender: a dropped job was not acknowledged", "run", it.Job.Run, "contact", it.Job.Contact, "error", err)
	}
	s.hand.done(it)
}

// leave leaves items with the queue: they come again after AckWait, to be looked up.
func (s *Sender) leave(items []*item) {
	for _, it := range items {
		s.hand.done(it)
	}
}

// giveBack returns an item that was not sent. A first attempt is dropped, for the
// planner to feed again; a retry is scheduled again for a time from now, since the
// planner would find it missing only when it is long overdue; and what may have been
// sent by others stays with the queue, which is the one that knows.
func (s *Sender) giveBack(ctx context.Context, it *item, after time.Duration) {
	s.giveBackUntil(ctx, it, time.Now().Add(after+rand.N(after)))
}

// giveBackUntil is giveBack with the time at which a retry is due again.
func (s *Sender) giveBackUntil(ctx context.Context, it *item, due time.Time) {
	if it.Again {
		s.leave([]*item{it})
		return
	}
	if it.class == queue.RetryJobs {
		if err := s.Queue.Retry(context.WithoutCancel(ctx), it.Job, due); err != nil {
			s.Log.Warn("sender: a retry was not given back; it comes again by itself", "run", it.Job.Run, "contact", it.Job.Contact, "error", err)
			s.leave([]*item{it})
			return
		}
	}
	s.drop(it)
}

// event starts the event of an item's attempt.
func (it *item) event(s campaign.State, r campaign.Reason, at time.Time) campaign.Event {
	return campaign.Event{
		Recipient: it.Job.Recipient, Attempt: it.Job.Attempt, State: s, Reason: r, At: at, Resent: it.resent,
	}
}

// routed is an item with where it goes.
type routed struct {
	*item
	route mx.Route
}
