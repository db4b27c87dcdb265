package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"broadside/campaign"
)

// Jobs and events travel as a version byte followed by varints and length-prefixed
// strings: a job is its address and attributes plus about 20 bytes. A reader meets
// only versions that it knows or older ones; senders are upgraded before planners.
const (
	jobVersion   = 1
	eventVersion = 1
)

// errCorrupt marks a payload that is not ours: it is reported, never half-read.
var errCorrupt = errors.New("corrupt payload")

const (
	jobExpress = 1 << iota
	jobResent
	jobVariant // follows the attributes
)

func appendJob(b []byte, j *campaign.Job) []byte {
	var flags byte
	if j.Express {
		flags |= jobExpress
	}
	if j.Resent {
		flags |= jobResent
	}
	if j.Variant != campaign.NoVariant {
		flags |= jobVariant
	}
	b = append(b, jobVersion, flags)
	b = appendRecipient(b, j.Recipient)
	b = binary.AppendUvarint(b, uint64(j.Attempt))
	b = appendTime(b, j.FirstTried)
	b = appendBytes(b, j.Email)
	b = appendBytes(b, j.Attributes)
	if j.Variant != campaign.NoVariant {
		b = append(b, byte(j.Variant))
	}
	return b
}

// decodeJob reads a job; Attributes alias b.
func decodeJob(b []byte) (campaign.Job, error) {
	if len(b) < 2 || b[0] != jobVersion {
		return campaign.Job{}, fmt.Errorf("job: %w", errCorrupt)
	}
	flags := b[1]
	r := reader{b: b[2:]}
	j := campaign.Job{
		Recipient:  r.recipient(),
		Attempt:    uint16(r.uvarint(math.MaxUint16)),
		FirstTried: r.time(),
		Email:      string(r.bytes()),
		Attributes: r.bytes(),
		Express:    flags&jobExpress != 0,
		Resent:     flags&jobResent != 0,
	}
	if flags&jobVariant != 0 {
		j.Variant = campaign.Variant(r.byte())
	}
	if r.bad || len(r.b) > 0 {
		return campaign.Job{}, fmt.Errorf("job: %w", errCorrupt)
	}
	return j, nil
}

func appendEvents(b []byte, events []campaign.Event) []byte {
	b = append(b, eventVersion)
	b = binary.AppendUvarint(b, uint64(len(events)))
	for i := range events {
		e := &events[i]
		var resent byte
		if e.Resent {
			resent = 1
		}
		b = appendRecipient(b, e.Recipient)
		b = binary.AppendUvarint(b, uint64(e.Attempt))
		b = append(b, byte(e.State), byte(e.Reason), resent)
		b = binary.AppendUvarint(b, uint64(e.Code))
		b = appendTime(b, e.At)
		b = appendTime(b, e.Due)
		b = appendBytes(b, e.Enhanced)
		b = appendBytes(b, e.Reply)
		b = appendBytes(b, e.Host)
	}
	return b
}

// decodeEvents appends a payload's events to events.
func decodeEvents(events []campaign.Event, b []byte) ([]campaign.Event, error) {
	if len(b) < 1 || b[0] != eventVersion {
		return events, fmt.Errorf("events: %w", errCorrupt)
	}
	r := reader{b: b[1:]}
	n := r.uvarint(uint64(len(b)))
	kept := len(events)
	for range n {
		e := campaign.Event{Recipient: r.recipient(), Attempt: uint16(r.uvarint(math.MaxUint16))}
		e.State, e.Reason = campaign.State(r.byte()), campaign.Reason(r.byte())
		e.Resent = r.byte() == 1
		e.Code = uint16(r.uvarint(math.MaxUint16))
		e.At, e.Due = r.time(), r.time()
		e.Enhanced, e.Reply, e.Host = string(r.bytes()), string(r.bytes()), string(r.bytes())
		if r.bad {
			return events[:kept], fmt.Errorf("events: %w", errCorrupt)
		}
		events = append(events, e)
	}
	if r.bad || len(r.b) > 0 {
		return events[:kept], fmt.Errorf("events: %w", errCorrupt)
	}
	return events, nil
}

func appendRecipient(b []byte, r campaign.Recipient) []byte {
	b = binary.AppendUvarint(b, uint64(r.Run))
	b = binary.AppendUvarint(b, uint64(r.Lane))
	return binary.AppendUvarint(b, uint64(r.Contact))
}

// appendTime writes Unix milliseconds, 0 for the zero time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(t.UnixMilli()))
}

func appendBytes[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// reader reads a payload from front to back; after the first fault it is bad and
// returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || v > limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint(uint64(len(r.b)))
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) time() time.Time {
	ms := r.uvarint(math.MaxInt64)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

func (r *reader) recipient() campaign.Recipient {
	return campaign.Recipient{
		Run:     campaign.RunID(r.uvarint(math.MaxInt64)),
		Lane:    campaign.Lane(r.uvarint(math.MaxInt16)),
		Contact: campaign.ContactID(r.uvarint(math.MaxInt64)),
	}
}
