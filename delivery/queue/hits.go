package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

const hitSubject = "hit.0"

// PublishHits makes hits durable, all of them or none: they travel in one message. The
// id names them when they are published again after an error, so that they are not
// there twice.
func (q *Queue) PublishHits(ctx context.Context, id string, hits []campaign.Hit) error {
	msg := &nats.Msg{Subject: hitSubject, Data: appendHits(make([]byte, 0, 24*len(hits)), hits)}
	if _, err := q.js.PublishMsg(ctx, msg, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("queue: publishing %d hits: %w", len(hits), explain(err))
	}
	return nil
}

// HitsEnd implements campaign.JobQueue.
func (q *Queue) HitsEnd(ctx context.Context) (uint64, error) {
	info, err := q.hits.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("queue: the end of the stream of hits: %w", err)
	}
	return info.State.LastSeq, nil
}

// HitsRange returns the first and last sequence that the stream holds; first is last+1
// when it is empty.
func (q *Queue) HitsRange(ctx context.Context) (first, last uint64, err error) {
	return rangeOf(ctx, q.hits)
}

// HitReader reads the stream of hits in order.
type HitReader = Reader[campaign.Hit]

// ReadHits starts reading after a sequence.
func (q *Queue) ReadHits(ctx context.Context, after uint64) (*HitReader, error) {
	return openReader(ctx, q, q.hits, after, decodeHits)
}

// hitVersion begins a payload, and variantHitVersion one in which each hit ends with its
// variant: what has none can be read by processes that know of none.
const (
	hitVersion        = 1
	variantHitVersion = 2
)

func appendHits(b []byte, hits []campaign.Hit) []byte {
	version := byte(hitVersion)
	if slices.ContainsFunc(hits, func(h campaign.Hit) bool { return h.Variant != campaign.NoVariant }) {
		version = variantHitVersion
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(hits)))
	for _, h := range hits {
		b = binary.AppendUvarint(b, uint64(h.Run))
		b = binary.AppendUvarint(b, uint64(h.Contact))
		b = binary.AppendUvarint(b, uint64(h.Link))
		b = append(appendTime(b, h.At), byte(h.Evidence))
		if version == variantHitVersion {
			b = append(b, byte(h.Variant))
		}
	}
	return b
}

// decodeHits appends a payload's hits to hits.
func decodeHits(hits []campaign.Hit, b []byte) ([]campaign.Hit, error) {
	if len(b) < 1 || b[0] != hitVersion && b[0] != variantHitVersion {
		return hits, fmt.Errorf("hits: %w", errCorrupt)
	}
	r, version := reader{b: b[1:]}, b[0]
	kept := len(hits)
	for range r.uvarint(uint64(len(b))) {
		h := campaign.Hit{
			Run:      campaign.RunID(r.uvarint(math.MaxInt64)),
			Contact:  campaign.ContactID(r.uvarint(math.MaxInt64)),
			Link:     int(r.uvarint(math.MaxInt32)),
			At:       r.time(),
			Evidence: campaign.Evidence(r.byte()),
		}
		if version == variantHitVersion {
			h.Variant = campaign.Variant(r.byte())
		}
		hits = append(hits, h)
		if r.bad {
			return hits[:kept], fmt.Errorf("hits: %w", errCorrupt)
		}
	}
	if r.bad || len(r.b) > 0 {
		return hits[:kept], fmt.Errorf("hits: %w", errCorrupt)
	}
	return hits, nil
}
