package queue

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

func outcomes(from, to campaign.ContactID) []campaign.Event {
	var events []campaign.Event
	for c := from; c <= to; c++ {
		events = append(events, campaign.Event{
			Recipient: campaign.Recipient{Run: 1, Lane: lane, Contact: c}, Attempt: 1, State: campaign.Accepted, Code: 250,
		})
	}
	return events
}

func publish(t *testing.T, q *Queue, events []campaign.Event) {
	t.Helper()
	if err := q.PublishEvents(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// read reads until contact last has come and returns the contacts and the sequence.
func read(t *testing.T, r *EventReader, limit int, last campaign.ContactID) (contacts []campaign.ContactID, to uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(contacts) == 0 || contacts[len(contacts)-1] < last {
		events, at, err := r.Read(ctx, nil, limit, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			contacts = append(contacts, e.Contact)
		}
		to = at
	}
	return contacts, to
}

func inOrder(t *testing.T, got []campaign.ContactID, from, to campaign.ContactID) {
	t.Helper()
	if len(got) != int(to-from)+1 {
		t.Fatalf("read %d events, want %d", len(got), to-from+1)
	}
	for i, c := range got {
		if c != from+campaign.ContactID(i) {
			t.Fatalf("event %d is of contact %d, want %d", i, c, from+campaign.ContactID(i))
		}
	}
}

func TestEventsAreReadInOrderFromTheCheckpoint(t *testing.T) {
	q := newQueue(t)
	for c := campaign.ContactID(1); c <= 1000; c += 10 {
		publish(t, q, outcomes(c, c+9))
	}
	if end := must[uint64](t)(q.EventsEnd(t.Context())); end != 100 {
		t.Fatalf("100 groups end at %d", end)
	}
	r := must[*EventReader](t)(q.ReadEvents(t.Context(), 0))
	defer r.Close()
	got, to := read(t, r, 2000, 1000)
	inOrder(t, got, 1, 1000)
	if to != 100 {
		t.Errorf("read up to %d, want 100", to)
	}
	later := must[*EventReader](t)(q.ReadEvents(t.Context(), 60))
	defer later.Close()
	got, _ = read(t, later, 2000, 1000)
	inOrder(t, got, 601, 1000)
	// What comes while the reader waits is read too.
	publish(t, q, outcomes(1001, 1005))
	got, to = read(t, later, 2000, 1005)
	inOrder(t, got, 1001, 1005)
	if to != 101 {
		t.Errorf("read up to %d, want 101", to)
	}
}

func TestReadCollectsUpToItsLimit(t *testing.T) {
	q := newQueue(t)
	for c := campaign.ContactID(1); c <= 100; c += 10 {
		publish(t, q, outcomes(c, c+9))
	}
	r := must[*EventReader](t)(q.ReadEvents(t.Context(), 0))
	defer r.Close()
	// Groups are never split: the limit is reached with the third.
	events, to, err := r.Read(t.Context(), nil, 25, patience)
	if err != nil || len(events) != 30 || to != 3 {
		t.Errorf("read %d events up to %d, %v; want 30 up to 3", len(events), to, err)
	}
	before := []campaign.Event{{Attempt: 7}}
	events, to, err = r.Read(t.Context(), before, 2000, 100*time.Millisecond)
	if err != nil || len(events) != 71 || events[0].Attempt != 7 || to != 10 {
		t.Errorf("read %d events up to %d, %v; want 1 + 70 up to 10", len(events), to, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, to, err = r.Read(ctx, nil, 1, patience); !errors.Is(err, context.Canceled) || to != 10 {
		t.Errorf("reading nothing ended at %d with %v, want 10 and %v", to, err, context.Canceled)
	}
}

func TestTheRangeOfAPurgedStream(t *testing.T) {
	q := newQueue(t)
	check := func(what string, first, last uint64) {
		t.Helper()
		gotFirst, gotLast, err := q.EventsRange(t.Context())
		if err != nil || gotFirst != first || gotLast != last {
			t.Errorf("%s: %d to %d, %v; want %d to %d", what, gotFirst, gotLast, err, first, last)
		}
	}
	check("new", 1, 0)
	for c := range campaign.ContactID(10) {
		publish(t, q, outcomes(c+1, c+1))
	}
	check("ten events", 1, 10)
	if err := q.events.Purge(t.Context(), jetstream.WithPurgeSequence(6)); err != nil {
		t.Fatal(err)
	}
	check("five purged", 6, 10)
	r := must[*EventReader](t)(q.ReadEvents(t.Context(), 2))
	defer r.Close()
	got, _ := read(t, r, 2000, 10)
	inOrder(t, got, 6, 10)
	if err := q.events.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("all purged", 11, 10)
}

func TestCorruptOutcomesAreReportedAndPassed(t *testing.T) {
	log := &records{}
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test", Log: slog.New(log)})
	publish(t, q, outcomes(1, 3))
	if _, err := q.js.Publish(t.Context(), eventSubject, appendEvents(nil, outcomes(4, 6))[:20]); err != nil {
		t.Fatal(err)
	}
	publish(t, q, outcomes(7, 9))
	r := must[*EventReader](t)(q.ReadEvents(t.Context(), 0))
	defer r.Close()
	got, to := read(t, r, 2000, 9)
	if len(got) != 6 || to != 3 {
		t.Errorf("read contacts %v up to %d, want six of them up to 3", got, to)
	}
	if reported := log.errors(); len(reported) != 1 {
		t.Errorf("reported: %q", reported)
	}
}

func TestAReaderNoticesThatTheStreamLostItsEnd(t *testing.T) {
	q := newQueue(t)
	publish(t, q, outcomes(1, 3))
	publish(t, q, outcomes(4, 6))
	r := must[*EventReader](t)(q.ReadEvents(t.Context(), 0))
	defer r.Close()
	r.idle = 20 * time.Millisecond
	if _, to := read(t, r, 100, 6); to != 2 {
		t.Fatalf("read up to %d", to)
	}
	if err := q.js.DeleteStream(t.Context(), eventsStream); err != nil {
		t.Fatal(err)
	}
	if err := q.declare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, to, err := r.Read(ctx, nil, 100, time.Millisecond); err == nil || ctx.Err() != nil || to != 2 {
		t.Errorf("read up to %d of a stream that is gone: %v", to, err)
	}
}
