package webhook

import (
	"context"
	"errors"
	"sync"
	"time"

	"broadside/campaign"
)

// ErrFull: an endpoint's queue takes no more until some of it was delivered.
var ErrFull = errors.New("the endpoint's queue is full")

// ErrEmpty: nothing came for a while.
var ErrEmpty = errors.New("nothing is waiting")

// Message is an event's body on its way into an endpoint's queue. A Key that was there
// in the last two minutes is not taken again.
type Message struct {
	Key  string
	Body []byte
}

// Parcel is a body in a dispatcher's hands. It comes again, to whoever asks, unless Hold,
// Done or Later is called within each Claim.
type Parcel struct {
	Body  []byte
	Tries int       // how often it was handed out, this time included
	Put   time.Time // when it came into the queue
	Claim time.Duration
	Hold  func() error
	Done  func() error
	Later func(time.Duration) error
}

// keep holds the parcel until the returned function is called: an answer may take longer
// than a claim.
func (p Parcel) keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var holding sync.WaitGroup
	holding.Go(func() {
		tick := time.NewTicker(p.Claim / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = p.Hold() // if that fails it comes again, and is known by its id
			}
		}
	})
	return func() {
		cancel()
		holding.Wait()
	}
}

// Queue keeps what endpoints are to be told, and hands out outcomes.
type Queue interface {
	// OpenHook makes an endpoint's queue, or finds it.
	OpenHook(ctx context.Context, id EndpointID) error
	// Hooks are the endpoints that have a queue, removed ones included.
	Hooks(ctx context.Context) ([]EndpointID, error)
	DropHook(ctx context.Context, id EndpointID) error
	// PutHook makes messages durable in an endpoint's queue and returns how many were
	// taken: all, or fewer with ErrFull.
	PutHook(ctx context.Context, id EndpointID, messages []Message) (int, error)
	// NextHook waits some seconds for a body; ErrEmpty when none came.
	NextHook(ctx context.Context, id EndpointID) (Parcel, error)
	// HookWaiting is how much is in an endpoint's queue, handed out or not.
	HookWaiting(ctx context.Context, id EndpointID) (int64, error)

	// FollowOutcomes hands out outcomes once each, some together with when they came into
	// the queue, and goes on after those for which tell returned nil, also in another
	// process; at first with those from a time on. It returns when ctx is done or with
	// tell's error.
	FollowOutcomes(ctx context.Context, since time.Time, tell func(came time.Time, outcomes []campaign.Event) error) error
	// ForgetOutcomes forgets how far that went.
	ForgetOutcomes(ctx context.Context) error
	// OutcomesSince hands out the outcomes that are kept and came from a time until now.
	OutcomesSince(ctx context.Context, since time.Time, tell func([]campaign.Event) error) error
}
