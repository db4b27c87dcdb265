package queue

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

// What the queue's server does for a message costs several times what a job needs, so
// first attempts travel in packets: up to packetJobs of a lane's run in a message, or as
// many as packetBytes hold, of which a job may exceed the rest.
const (
	packetJobs  = 16
	packetBytes = 64 << 10
)

// packetVersion begins a message with several jobs; each follows after its length.
const packetVersion = 2

// packets cuts jobs into the bodies of messages, in their order; all jobs of a body have
// one priority.
func packets(jobs []campaign.Job, body func(jobs []campaign.Job, data []byte)) {
	var one []byte
	for len(jobs) > 0 {
		one = appendJob(one[:0], &jobs[0])
		data := append(make([]byte, 0, min(packetJobs, len(jobs))*(len(one)+24)), packetVersion)
		data = appendBytes(data, one)
		n := 1
		for ; n < min(packetJobs, len(jobs)) && jobs[n].Express == jobs[0].Express; n++ {
			if one = appendJob(one[:0], &jobs[n]); len(data)+len(one) > packetBytes {
				break
			}
			data = appendBytes(data, one)
		}
		body(jobs[:n], data)
		jobs = jobs[n:]
	}
}

// decodeJobs reads the jobs of a message; their Attributes alias b.
func decodeJobs(b []byte) ([]campaign.Job, error) {
	if len(b) == 0 || b[0] != packetVersion {
		j, err := decodeJob(b)
		return []campaign.Job{j}, err
	}
	jobs := make([]campaign.Job, 0, packetJobs)
	for r := (reader{b: b[1:]}); len(r.b) > 0; {
		j, err := decodeJob(r.bytes())
		if err != nil {
			return nil, err
		}
		if jobs = append(jobs, j); len(jobs) > packetJobs {
			return nil, fmt.Errorf("a packet of more than %d jobs: %w", packetJobs, errCorrupt)
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("a packet without jobs: %w", errCorrupt)
	}
	return jobs, nil
}

// packet is a message whose jobs are in this sender's hands. The server has it until all
// of them are acknowledged: if their sender dies before, all come again, and those that
// were done are found in the ledger.
type packet struct {
	msg     jetstream.Msg
	open    atomic.Uint32 // a bit for each job that is not acknowledged
	renewed atomic.Int64  // when, last: Unix nanoseconds
}

func newPacket(msg jetstream.Msg, jobs int) *packet {
	p := &packet{msg: msg}
	p.open.Store(1<<jobs - 1)
	return p
}

// ack acknowledges a job; the last one's acknowledgement is the message's.
func (p *packet) ack(job int) error {
	if bit := uint32(1) << job; p.open.And(^bit) != bit {
		return nil
	}
	return p.msg.Ack()
}

// renewPause is how often, at most, a packet is renewed: each of its jobs asks for it.
const renewPause = 100 * time.Millisecond

func (p *packet) renew() error {
	now, last := time.Now().UnixNano(), p.renewed.Load()
	if now-last < int64(renewPause) || !p.renewed.CompareAndSwap(last, now) {
		return nil
	}
	return p.msg.InProgress()
}
