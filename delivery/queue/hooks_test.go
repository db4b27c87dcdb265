package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

var hello = []webhook.Message{{Key: "evt_1", Body: []byte("hello")}}

// A queue that went, as with the server's disk, is an error once, and then made again.
func TestAHookThatIsGoneIsMadeAgain(t *testing.T) {
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test"})
	const id = webhook.EndpointID(7)
	open := func() {
		t.Helper()
		if err := q.OpenHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	open()
	if err := q.js.DeleteStream(t.Context(), hookName(id)); err != nil {
		t.Fatal(err)
	}
	if n, err := q.PutHook(t.Context(), id, hello); n != 0 || err == nil {
		t.Errorf("%d taken by a queue that is not there: %v", n, err)
	}
	open()
	if n, err := q.PutHook(t.Context(), id, hello); n != 1 || err != nil {
		t.Errorf("%d taken: %v", n, err)
	}
	p, err := q.NextHook(t.Context(), id)
	if err != nil || string(p.Body) != "hello" {
		t.Errorf("%+v, %v", p, err)
	}
}

// What nobody acknowledges is not waited for for ever: a stream that is dropped between
// a message and its acknowledgement says nothing more. Nor does it count for ever among
// those that may wait for theirs, here one at a time: other queues take theirs afterwards.
func TestPutHookEndsWithoutAcknowledgement(t *testing.T) {
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test"})
	const id = webhook.EndpointID(7)
	silent, err := q.nc.Subscribe(hookSubject(id), func(*nats.Msg) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Unsubscribe() }()
	if err := q.open(100*time.Millisecond, jetstream.WithPublishAsyncMaxPending(1)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		n, err := q.PutHook(t.Context(), id, hello)
		if n != 0 || !errors.Is(err, jetstream.ErrAsyncPublishTimeout) {
			t.Errorf("%d taken: %v", n, err)
		}
	}
	const other = webhook.EndpointID(8)
	if err := q.OpenHook(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for n := 0; n == 0; { // a busy machine may take longer than that
		if n, err = q.PutHook(t.Context(), other, hello); err != nil && !errors.Is(err, jetstream.ErrAsyncPublishTimeout) {
			t.Fatalf("%d taken: %v", n, err)
		}
	}
}

// Who follows outcomes, and ends, gives back what came in advance: the next one has it at
// once, and each outcome is handed out once.
func TestOutcomesAreGivenBack(t *testing.T) {
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test", AckWait: time.Hour})
	const outcomes = 20
	for c := range campaign.ContactID(outcomes) {
		if err := q.PublishEvents(t.Context(), []campaign.Event{{Recipient: campaign.Recipient{Run: 1, Contact: c + 1}, Attempt: 1, State: campaign.Accepted, At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	told := map[campaign.ContactID]int{}
	for len(told) < outcomes {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		before := time.Now().Add(-time.Hour)
		err := q.FollowOutcomes(ctx, before, func(came time.Time, events []campaign.Event) error {
			if came.Before(before) || came.After(time.Now()) {
				t.Errorf("came at %s", came)
			}
			for _, e := range events {
				told[e.Contact]++
			}
			if len(told)%5 == 0 {
				cancel()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Fatalf("%d of %d outcomes came", len(told), outcomes)
		}
		cancel()
	}
	for c, n := range told {
		if n != 1 {
			t.Errorf("contact %d was told %d times", c, n)
		}
	}
}

// The durable of a program before is kept, with where it stands, and configured anew.
func TestFollowerIsConfiguredAnew(t *testing.T) {
	srv := startServer(t, t.TempDir())
	since := time.Now().Add(-time.Hour)
	for _, wait := range []time.Duration{time.Hour, time.Minute, time.Minute, 2 * time.Minute} {
		q := connect(t, Options{Embedded: srv, Name: "test", AckWait: wait})
		if err := q.PublishEvents(t.Context(), []campaign.Event{{Recipient: campaign.Recipient{Run: 1, Contact: 1}, Attempt: 1, State: campaign.Accepted, At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		told := 0
		err := q.FollowOutcomes(ctx, since, func(time.Time, []campaign.Event) error {
			told++
			cancel()
			return nil
		})
		cancel()
		if err != nil || told != 1 {
			t.Fatalf("%d told: %v", told, err)
		}
		cons, err := q.events.Consumer(t.Context(), hookFollower)
		if err != nil {
			t.Fatal(err)
		}
		if got := cons.CachedInfo().Config.AckWait; got != wait {
			t.Errorf("AckWait is %s, want %s", got, wait)
		}
		since = time.Now() // a later one changes nothing
	}
}

// What a dead dispatcher had comes again soon, however long jobs are waited for.
func TestEventsAreClaimedForShort(t *testing.T) {
	srv := startServer(t, t.TempDir())
	for wait, want := range map[time.Duration]time.Duration{time.Hour: hookClaim, 5 * time.Second: 5 * time.Second} {
		q := connect(t, Options{Embedded: srv, Name: "test", AckWait: wait})
		id := webhook.EndpointID(wait / time.Second)
		if err := q.OpenHook(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := q.PutHook(t.Context(), id, hello); err != nil {
			t.Fatal(err)
		}
		p, err := q.NextHook(t.Context(), id)
		if err != nil || p.Claim != want {
			t.Errorf("claimed for %s: %v", p.Claim, err)
		}
		cons, err := q.hook(id)
		if err != nil || cons.CachedInfo().Config.AckWait != want {
			t.Errorf("AckWait is not %s: %v", want, err)
		}
	}
}
