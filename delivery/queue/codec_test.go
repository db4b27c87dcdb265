package queue

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
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
	{
		Recipient: campaign.Recipient{Run: 1, Lane: campaign.LaneGoogle, Contact: 42}, Attempt: 1, Variant: campaign.VariantA + 1,
		Email: "anna@gmail.com", Attributes: []byte(`{"name":"Anna"}`),
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

// What was queued before there were variants is read: a job without one is as it was.
func TestJobsOfBefore(t *testing.T) {
	before := "\x01\x01\x03\x01\x2a\x01\x00\x05a@b.c\x02{}"
	want := campaign.Job{Recipient: campaign.Recipient{Run: 3, Lane: 1, Contact: 42}, Attempt: 1, Express: true, Email: "a@b.c", Attributes: []byte("{}")}
	if got, err := decodeJob([]byte(before)); err != nil || !same(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	if wire := appendJob(nil, &want); string(wire) != before {
		t.Errorf("a job without a variant is written %q", wire)
	}
}

func TestPacketsSurviveTheWire(t *testing.T) {
	jobs := jobsFor(lane, 1, 1, 3*packetJobs+5)
	jobs[20].Express = true                                            // apart from those around it
	jobs[40].Attributes = []byte(strings.Repeat("x", packetBytes))     // alone
	jobs[42].Attributes = []byte(strings.Repeat("y", packetBytes-200)) // with what fits beside it
	jobs[43].Attributes = []byte(strings.Repeat("z", packetBytes-200)) // not
	var sizes []int
	var got []campaign.Job
	packets(jobs, func(of []campaign.Job, wire []byte) {
		sizes = append(sizes, len(of))
		back, err := decodeJobs(wire)
		if err != nil || len(back) != len(of) {
			t.Fatalf("%d jobs came back as %d, %v", len(of), len(back), err)
		}
		got = append(got, back...)
	})
	if want := []int{16, 4, 1, 16, 3, 1, 2, 5, 5}; !slices.Equal(sizes, want) {
		t.Errorf("packets of %v jobs, want %v", sizes, want)
	}
	for i := range jobs {
		if !same(got[i], jobs[i]) {
			t.Fatalf("sent %+v\n got %+v", jobs[i], got[i])
		}
	}
	// A job alone, as retries travel, is a packet too; one of none or too many is not.
	if one, err := decodeJobs(appendJob(nil, &jobs[0])); err != nil || len(one) != 1 || !same(one[0], jobs[0]) {
		t.Errorf("a job alone came back as %+v, %v", one, err)
	}
	many := []byte{packetVersion}
	for range packetJobs + 1 {
		many = appendBytes(many, appendJob(nil, &jobs[0]))
	}
	for _, wire := range [][]byte{nil, {packetVersion}, {packetVersion, 0}, {packetVersion, 9, 1}, many, {3}} {
		if _, err := decodeJobs(wire); !errors.Is(err, errCorrupt) {
			t.Errorf("%d bytes: %v, want %v", len(wire), err, errCorrupt)
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

func FuzzDecodeJobs(f *testing.F) {
	f.Add(appendJob(nil, &sampleJobs[1]))
	packets(sampleJobs, func(_ []campaign.Job, wire []byte) { f.Add(wire) })
	f.Fuzz(func(t *testing.T, wire []byte) {
		jobs, err := decodeJobs(wire)
		if err != nil {
			return
		}
		if len(jobs) == 0 || len(jobs) > packetJobs {
			t.Fatalf("a message of %d jobs", len(jobs))
		}
		i := 0
		packets(jobs, func(of []campaign.Job, wire []byte) {
			again, err := decodeJobs(wire)
			if err != nil || len(again) != len(of) {
				t.Fatalf("%d jobs, read again as %d, %v", len(of), len(again), err)
			}
			for k := range again {
				if !same(jobs[i], again[k]) {
					t.Errorf("read %+v\nthen %+v", jobs[i], again[k])
				}
				i++
			}
		})
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
