package campaign_test

import (
	"errors"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

// runsOf are a campaign's runs, oldest first.
func (w *world) runsOf(id campaign.CampaignID) []campaign.Run {
	w.t.Helper()
	var mine []campaign.Run
	for _, r := range must(w.db.Runs(w.t.Context(), 0, 50))(w.t) {
		if r.Campaign == id {
			mine = append([]campaign.Run{r}, mine...)
		}
	}
	return mine
}

// Each time makes one run, whoever plans: two planners at once, a restart, times that were
// missed, and times that a person leaves out.
func TestRepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 3, "t0.example")
	monday := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	c := newClock(monday)
	w.service.Now = c.now
	s := spec("daily", "all")
	s.Repeat = schedule.Repeat{Cron: "0 9 * * *", Zone: "UTC"}
	daily := must(w.service.Create(t.Context(), s))(t)
	r := must(w.service.Repeat(t.Context(), daily))(t)
	nine := monday.Add(time.Hour)
	if !r.Next.Equal(nine) {
		t.Errorf("next %s, want %s", r.Next, nine)
	}
	w.sends(nil)
	plan := func() (stop func()) { return w.run(w.plannerBy(c.now).Run) }
	stop, stopOther := plan(), plan()
	runs := func(n int) []campaign.Run {
		t.Helper()
		eventually(t, "its time has come", func() bool { return len(w.runsOf(daily.ID)) >= n })
		all := w.runsOf(daily.ID)
		if len(all) != n {
			t.Fatalf("%d runs, want %d", len(all), n)
		}
		w.reached(all[n-1], 3)
		return all
	}
	c.set(nine)
	if first := runs(1)[0]; !first.StartAt.Equal(nine) {
		t.Errorf("it was due %s, want %s", first.StartAt, nine)
	}
	// Nothing runs for two days, and on the third comes back five hours late.
	stop()
	stopOther()
	c.set(nine.AddDate(0, 0, 3).Add(5 * time.Hour))
	stop = plan()
	if second := runs(2)[1]; !second.StartAt.Equal(nine.AddDate(0, 0, 3)) {
		t.Errorf("the latest was due %s, want %s", second.StartAt, nine.AddDate(0, 0, 3))
	}
	// Seven hours late is too late.
	stop()
	c.set(nine.AddDate(0, 0, 4).Add(7 * time.Hour))
	stop = plan()
	note := func() string { return must(w.db.RecurrenceOf(t.Context(), daily.ID))(t).Note }
	eventually(t, "the missed time is told", func() bool { return note() != "" })
	if got, want := note(), "missed 2026-11-27T09:00:00Z: nothing was running within 6h0m0s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// A person leaves out the next.
	left := must(w.service.SkipNext(t.Context(), daily.ID))(t)
	if want := nine.AddDate(0, 0, 6); !left.Next.Equal(want) {
		t.Errorf("after it comes %s, want %s", left.Next, want)
	}
	c.set(left.Next)
	if third := runs(3)[2]; !third.StartAt.Equal(left.Next) {
		t.Errorf("it was due %s, want %s", third.StartAt, left.Next)
	}
	if err := w.service.StopRepeating(t.Context(), daily.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.service.StopRepeating(t.Context(), daily.ID); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("stopped twice: %v", err)
	}
	stop()
}
