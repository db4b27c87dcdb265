package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
)

var sampleHits = []campaign.Hit{
	{},
	{Run: 3, Contact: 42, Link: 7, At: time.UnixMilli(1_800_000_000_123), Evidence: campaign.ScannerNetwork},
	{Run: 1<<63 - 1, Contact: 1<<63 - 1, Link: math.MaxInt32, At: time.UnixMilli(1), Evidence: 255},
}

func TestHitsSurviveTheWire(t *testing.T) {
	wire := appendHits(nil, sampleHits)
	before := []campaign.Hit{{Link: 9}}
	got, err := decodeHits(before, wire)
	if err != nil || !slices.Equal(got[1:], sampleHits) || got[0].Link != 9 {
		t.Errorf("sent %+v\n got %+v, %v", sampleHits, got, err)
	}
	for n := range wire {
		if got, err := decodeHits(before, wire[:n]); !errors.Is(err, errCorrupt) || len(got) != 1 {
			t.Errorf("the first %d of %d bytes gave %d hits and %v, want none and %v", n, len(wire), len(got)-1, err, errCorrupt)
		}
	}
	wire[0]++
	if _, err := decodeHits(nil, wire); !errors.Is(err, errCorrupt) {
		t.Errorf("hits of version %d: %v", wire[0], err)
	}
}

// Hits with a variant survive too; those without are as processes read them that know of
// none.
func TestHitsOfVariants(t *testing.T) {
	hits := append([]campaign.Hit{{Run: 3, Variant: campaign.VariantA + 1, At: time.UnixMilli(5)}}, sampleHits...)
	wire := appendHits(nil, hits)
	if got, err := decodeHits(nil, wire); err != nil || !slices.Equal(got, hits) {
		t.Errorf("sent %+v\n got %+v, %v", hits, got, err)
	}
	if wire[0] != variantHitVersion || appendHits(nil, sampleHits)[0] != hitVersion {
		t.Error("the version does not tell whether there are variants")
	}
}

func FuzzDecodeHits(f *testing.F) {
	f.Add(appendHits(nil, nil))
	f.Add(appendHits(nil, []campaign.Hit{{Run: 3, Variant: 2}}))
	f.Add(appendHits(nil, sampleHits))
	f.Fuzz(func(t *testing.T, wire []byte) {
		hits, err := decodeHits(nil, wire)
		if err != nil {
			if len(hits) > 0 {
				t.Errorf("half-read: %d hits and %v", len(hits), err)
			}
			return
		}
		again, err := decodeHits(nil, appendHits(nil, hits))
		if err != nil || !slices.Equal(hits, again) {
			t.Errorf("read %+v\nthen %+v, %v", hits, again, err)
		}
	})
}

// Hits are read in order, each once although it was published again, also by a reader
// that begins in the middle, and by one of another process after the server's restart.
func TestHitsAreThereOnce(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, dir)
	q := connect(t, Options{Embedded: server, Name: "test"})
	publish := func(id string, contacts ...campaign.ContactID) {
		t.Helper()
		var hits []campaign.Hit
		for _, c := range contacts {
			hits = append(hits, campaign.Hit{Run: 1, Contact: c, At: time.Now()})
		}
		if err := q.PublishHits(t.Context(), id, hits); err != nil {
			t.Fatal(err)
		}
	}
	publish("a", 1, 2)
	publish("b", 3)
	publish("a", 1, 2) // an answer that was lost
	publish("c", 4, 5)
	readAll := func(q *Queue, after uint64, want ...campaign.ContactID) {
		t.Helper()
		r := must[*HitReader](t)(q.ReadHits(t.Context(), after))
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var got []campaign.ContactID
		for len(got) < len(want) {
			hits, _, err := r.Read(ctx, nil, 10, 10*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				got = append(got, h.Contact)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("read %v after %d, want %v", got, after, want)
		}
	}
	readAll(q, 0, 1, 2, 3, 4, 5)
	readAll(q, 2, 4, 5)
	if first, last, err := q.HitsRange(t.Context()); first != 1 || last != 3 || err != nil {
		t.Errorf("the stream has %d to %d, %v", first, last, err)
	}
	q.Close()
	server.Shutdown()
	readAll(connect(t, Options{Embedded: startServer(t, dir), Name: "test"}), 0, 1, 2, 3, 4, 5)
}

// The stream's leader is shut down while hits are published: those that were said to be
// durable are there, once.
func TestHitsSurviveTheStreamsLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	q := connect(t, Options{URL: c.urls(), Name: "web", Replicas: 3, MaxBytes: 1 << 30})
	const last = 200
	for contact := campaign.ContactID(1); contact <= last; contact++ {
		if contact == last/2 {
			node, ok := c.leaderOf(q, hitsStream)
			if !ok {
				t.Fatal("the stream has no leader")
			}
			c.stop(node)
		}
		eventually(t, "a hit is durable", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return q.PublishHits(ctx, fmt.Sprint(contact), []campaign.Hit{{Run: 1, Contact: contact}}) == nil
		})
	}
	var r *HitReader
	eventually(t, "the hits can be read", func() bool {
		var err error
		r, err = q.ReadHits(t.Context(), 0)
		return err == nil
	})
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var hits []campaign.Hit
	for len(hits) < last {
		var err error
		if hits, _, err = r.Read(ctx, hits, last, 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	var got []campaign.ContactID
	for _, h := range hits {
		got = append(got, h.Contact)
	}
	inOrder(t, got, 1, last)
}
