package queue

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
