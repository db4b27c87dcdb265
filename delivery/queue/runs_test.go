package queue

import (
	"testing"

	"broadside/campaign"
)

func TestRunStatesArriveAtSenders(t *testing.T) {
	server := startServer(t, t.TempDir())
	planner := connect(t, Options{Embedded: server, Name: "planner"})
	sender := connect(t, Options{Embedded: server, Name: "sender"})
	announce := func(id campaign.RunID, s campaign.RunState) {
		t.Helper()
		if err := planner.Announce(t.Context(), campaign.RunStatus{Run: id, State: s}); err != nil {
			t.Fatal(err)
		}
	}
	announce(1, campaign.RunRunning)
	runs := must[*Runs](t)(sender.WatchRuns(t.Context()))
	defer runs.Close()
	state := func(id campaign.RunID) campaign.RunState {
		return must[campaign.RunStatus](t)(runs.Status(t.Context(), id)).State
	}
	if s := state(1); s != campaign.RunRunning {
		t.Errorf("a run announced before the watch is %s", s)
	}
	if s := state(99); s != campaign.RunCancelled {
		t.Errorf("a run nobody announced is %s", s)
	}
	for _, s := range []campaign.RunState{campaign.RunPaused, campaign.RunRunning, campaign.RunCancelled} {
		announce(1, s)
		eventually(t, "run 1 is "+string(s), func() bool { return state(1) == s })
	}
	// A job may overtake its run's announcement: Status asks.
	announce(2, campaign.RunRunning)
	if s := state(2); s != campaign.RunRunning {
		t.Errorf("a run announced just now is %s", s)
	}
	if err := planner.DropRun(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dropped run counts as cancelled", func() bool { return state(2) == campaign.RunCancelled })
}
