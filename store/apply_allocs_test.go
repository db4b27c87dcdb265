//go:build !race

package store_test

import (
	"testing"

	"broadside/campaign"
)

// maxApplyAllocs is what recording an accepted message may allocate on SQLite.
const maxApplyAllocs = 8

// Allocations are a promise, so they are a test. Not under the race detector, which
// allocates itself.
func TestAllocationsOfARecordedMessage(t *testing.T) {
	const batch, rounds = 500, 5
	db := open(t, sqliteURL(t))
	run := newRun(t, db, "may", map[campaign.Lane]int{1: batch * (rounds + 1)})
	var seq uint64
	events := make([]campaign.Event, batch)
	allocs := testing.AllocsPerRun(rounds, func() {
		for i := range events {
			events[i] = campaign.Event{
				Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: campaign.ContactID(1_000_000 + seq*batch + uint64(i) + 1)},
				Attempt:   1, State: campaign.Accepted, Code: 250, Enhanced: "2.0.0", Host: "mx.example.org [203.0.113.7]", At: now,
			}
		}
		if err := db.Apply(t.Context(), seq, seq+1, events); err != nil {
			t.Fatal(err)
		}
		seq++
	}) / batch
	t.Logf("%.1f allocations", allocs)
	if allocs > maxApplyAllocs {
		t.Errorf("%.1f allocations a message, want at most %d", allocs, maxApplyAllocs)
	}
	checkCounts(t, db, run.ID)
	if c := must(db.Counts(t.Context(), run.ID))(t); c.Accepted != batch*(rounds+1) {
		t.Errorf("the counts are %+v", c)
	}
}
