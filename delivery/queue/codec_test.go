package queue

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

var sampleJobs = []campaign.Job{
	{},
	{
		Recipient: campaign.Recipient{Run: 1, Lane: campaign.LaneGoogle, Contact: 42}, Attempt: 1,
		Email: "anna@gmail.com", Attributes: []byte(`{"name":"Anna"}`),
	},
	{
		Recipient: campaign.Recipient{Run: 1<<63 - 1, Lane: campaign.TailLane + 31, Contact: 1<<63 - 1}, Attempt: 65535,
		Express: true, Resent: true, Email: "müller@bücher.example", Attributes: []byte(strings.Repeat("x", 4000)),
		FirstTried: time.UnixMilli(1_800_000_000_123),
	},
}

var sampleEvents = []campaign.Event{
	{},
	{
		Recipient: campaign.Recipient{Run: 3, Lane: campaign.LaneYahoo, Contact: 7}, Attempt: 2,
		State: campaign.Deferred, Reason: campaign.RateLimited, Code: 421, Enhanced: "4.7.0",
		Reply: "[TSS04] Messages from 192.0.2.1 temporarily deferred", Host: "mta5.am0.yahoodns.net [192.0.2.25]",
		At: time.UnixMilli(1_800_000_000_123), Due: time.UnixMilli(1_800_000_060_000),
	},
	{
		Recipient: campaign.Recipient{Run: 3, Lane: campaign.LaneYahoo, Contact: 8}, Attempt: 65535,
		State: campaign.Accepted, Code: 250, Resent: true, At: time.UnixMilli(1),
	},
}

// same compares jobs, with empty attributes for nil ones.
func same(a, b campaign.Job) bool {
	if !bytes.Equal(a.Attributes, b.Attributes) || !a.FirstTried.Equal(b.FirstTried) {
		return false
	}
	a.Attributes, b.Attributes, a.FirstTried, b.FirstTried = nil, nil, time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}

func TestJobsSurviveTheWire(t *testing.T) {
	for _, want := range sampleJobs {
		wire := appendJob(nil, &want)
		got, err := decodeJob(wire)
		if err != nil || !same(got, want) {
			t.Errorf("sent %+v\n got %+v, %v", want, got, err)
		}
		// No beginning of a job is a job, and neither is one with something after it.
		for n := range wire {
			if _, err := decodeJob(wire[:n]); !errors.Is(err, errCorrupt) {
				t.Errorf("the first %d of %d bytes: %v, want %v", n, len(wire), err, errCorrupt)
			}
		}
		if _, err := decodeJob(append(wire, 0)); !errors.Is(err, errCorrupt) {
			t.Errorf("one byte more: %v, want %v", err, errCorrupt)
		}
	}
}

func TestEventsSurviveTheWire(t *testing.T) {
	wire := appendEvents(nil, sampleEvents)
	before := []campaign.Event{{Attempt: 9}}
	got, err := decodeEvents(before, wire)
	if err != nil || !reflect.DeepEqual(got[1:], sampleEvents) || got[0].Attempt != 9 {
		t.Errorf("sent %+v\n got %+v, %v", sampleEvents, got, err)
	}
	for n := range wire {
		if got, err := decodeEvents(before, wire[:n]); !errors.Is(err, errCorrupt) || len(got) != 1 {
			t.Errorf("the first %d of %d bytes gave %d events and %v, want none and %v", n, len(wire), len(got)-1, err, errCorrupt)
		}
	}
}

func TestPayloadsOfAnotherVersionAreRefused(t *testing.T) {
	job := appendJob(nil, &sampleJobs[1])
	job[0]++
	if _, err := decodeJob(job); !errors.Is(err, errCorrupt) {
		t.Errorf("a job of version %d: %v", job[0], err)
	}
	events := appendEvents(nil, sampleEvents)
	events[0]++
	if _, err := decodeEvents(nil, events); !errors.Is(err, errCorrupt) {
		t.Errorf("events of version %d: %v", events[0], err)
	}
}

func FuzzDecodeJob(f *testing.F) {
	for i := range sampleJobs {
		f.Add(appendJob(nil, &sampleJobs[i]))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		job, err := decodeJob(wire)
		if err != nil {
			return
		}
		again, err := decodeJob(appendJob(nil, &job))
		if err != nil || !same(job, again) {
			t.Errorf("read %+v\nthen %+v, %v", job, again, err)
		}
	})
}

func FuzzDecodeEvents(f *testing.F) {
	f.Add(appendEvents(nil, nil))
	f.Add(appendEvents(nil, sampleEvents))
	f.Fuzz(func(t *testing.T, wire []byte) {
		events, err := decodeEvents(nil, wire)
		if err != nil {
			if len(events) > 0 {
				t.Errorf("half-read: %d events and %v", len(events), err)
			}
			return
		}
		again, err := decodeEvents(nil, appendEvents(nil, events))
		if err != nil || !reflect.DeepEqual(events, again) {
			t.Errorf("read %+v\nthen %+v, %v", events, again, err)
		}
	})
}
