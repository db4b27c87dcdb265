package delivery

import (
	"testing"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// A sender that stops in order before an outcome is durable (a full disk) leaves the
// claim, so that its next life counts the second copy; all others it takes with it.
func TestClaimsOutliveWhatIsNotDurable(t *testing.T) {
	dir := t.TempDir()
	claimed := func(contact campaign.ContactID) *item {
		return &item{Delivery: queue.Delivery{Job: campaign.Job{
			Recipient: campaign.Recipient{Run: 1, Lane: 2, Contact: contact}, Attempt: 3,
		}}}
	}
	open := func() *Claims {
		c, err := OpenClaims(dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	durable, lost := claimed(4), claimed(5)
	first := open()
	for _, it := range []*item{durable, lost} {
		if err := first.add(it); err != nil {
			t.Fatal(err)
		}
	}
	durable.claim.giveBack()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open()
	if !second.suspect(lost.try()) {
		t.Error("what was sent and is not durable is not suspected")
	}
	other := claimed(6)
	if err := second.add(other); err != nil {
		t.Fatal(err)
	}
	other.claim.giveBack()
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := open()
	defer third.Close()
	if third.suspect(other.try()) {
		t.Error("what is durable is suspected after an end in order")
	}
	if !third.suspect(lost.try()) {
		t.Error("a claim of the life before the last is forgotten")
	}
}
