package campaign

import (
	"testing"
	"time"

	"broadside/campaign/schedule"
)

// A run says who goes first and when the others do, in every phase.
func TestWavesInWords(t *testing.T) {
	now := moment(t, "2026-11-23T08:00:00Z")
	reader := zoneOf(t, "Asia/Kathmandu")
	run := &Run{State: RunRunning}
	canary := WaveStatus{Waves: Waves{Kind: CanaryWaves, Share: 12_500}, Parts: []WavePart{{Wave: 1, N: 400}}}
	want := func(w WaveStatus, r *Run, want string) {
		t.Helper()
		if got := w.WaitsFor(r, now, reader); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	want(WaveStatus{}, run, "")
	want(canary, run, "A canary goes first, 1.2 % of the audience, over all sites. The rest leaves 10 min after it was tried, unless the brake stops the run.")
	canary.Complete, canary.Parts = true, []WavePart{{Wave: 1, N: 1000}, {Wave: 2, N: 99_000}}
	want(canary, run, "A canary of 1,000 of 100,000 goes first, over all sites. The other 99,000 leave 10 min after it was tried, unless the brake stops the run.")
	want(canary, &Run{State: RunPaused}, "")
	canary.Due = now.Add(7 * time.Minute)
	want(canary, run, "A canary of 1,000 of 100,000 goes first, over all sites. The other 99,000 leave at 13:52 +0545, unless the brake stops the run.")
	if canary.Held(now) != 99_000 || !canary.NextAt(now).Equal(canary.Due) {
		t.Errorf("%d are held until %s", canary.Held(now), canary.NextAt(now))
	}
	canary.Open, canary.Opened, canary.Note, canary.Due = 2, now, canaryNote, time.Time{}
	want(canary, run, "")
	if got := canary.Parted(reader); got != "1,000 of 100,000 went first; the rest left Mon 23 Nov, 13:45 +0545: the canary did no harm" || canary.Held(now) != 0 {
		t.Errorf("%s; %d are held", got, canary.Held(now))
	}

	base := moment(t, "2026-11-22T19:00:00Z")
	run.Spec = Spec{LocalTime: LocalTime{Zone: "Europe/Berlin"}, StartAt: moment(t, "2026-11-23T09:00:00+01:00").In(zoneOf(t, "Europe/Berlin"))}
	local := WaveStatus{Waves: Waves{Kind: LocalWaves, Base: base}, Complete: true}
	for _, p := range []WavePart{{Wave: 5, N: 20}, {Wave: 53, N: 300}, {Wave: 77, N: 1}, {Wave: 89, N: 7}} {
		p.Opens = local.Opens(p.Wave)
		local.Parts = append(local.Parts, p)
	}
	want(local, run, "It is sent at 09:00 by each recipient's clock. Next: 1 person at Mon 23 Nov, 19:45 +0545, then others until Mon 23 Nov, 22:45 +0545.")
	again := *run
	again.Spec.StartAt, again.StartAt = time.Time{}, run.Spec.StartAt.UTC() // as a repetition's
	want(local, &again, "It is sent at 09:00 by each recipient's clock. Next: 1 person at Mon 23 Nov, 19:45 +0545, then others until Mon 23 Nov, 22:45 +0545.")
	if got := local.Parted(reader); got != "by each recipient's clock, at 4 times from Mon 23 Nov, 01:45 +0545 to Mon 23 Nov, 22:45 +0545" || local.Held(now) != 8 {
		t.Errorf("%s; %d are held", got, local.Held(now))
	}
	now = moment(t, "2026-11-23T17:00:00Z")
	want(local, run, "")
}

// A review says when the first and the last get it, for whom it is too late, and what
// becomes of who has no zone.
func TestForetoldByTheirClocks(t *testing.T) {
	reader := zoneOf(t, "Asia/Kathmandu")
	at := moment(t, "2026-11-23T09:00:30+01:00")
	s := Spec{LocalTime: LocalTime{Zone: "Europe/Berlin"}, StartAt: at}
	count := AudienceCount{Recipients: 1_362, Zones: map[string]int64{"Pacific/Auckland": 120, "Europe/Berlin": 1_200, "America/New_York": 30, "": 12}}
	for now, want := range map[string]string{
		"2026-11-20T12:00:00Z": "For Mon 23 Nov, 09:00 on each recipient's clock: the first at Mon 23 Nov, 01:45 +0545 (Pacific/Auckland), the last at Mon 23 Nov, 19:45 +0545 (America/New_York). Without a zone that is known, by the clock of Europe/Berlin: 12 people.",
		"2026-11-22T22:00:00Z": "For Mon 23 Nov, 09:00 on each recipient's clock: the first at Mon 23 Nov, 13:45 +0545 (Europe/Berlin), the last at Mon 23 Nov, 19:45 +0545 (America/New_York). At once, because their clock shows more: 120 people. Without a zone that is known, by the clock of Europe/Berlin: 12 people.",
	} {
		if got := s.ByTheirClocks(count, time.Time{}, moment(t, now), reader); got != want {
			t.Errorf("at %s:\ngot  %s\nwant %s", now, got, want)
		}
	}
	if got := (Spec{}).ByTheirClocks(count, at, at, reader); got != "" {
		t.Errorf("for one moment: %s", got)
	}
}

// A campaign's next run is for the next time of its repetition, its start_at, or now: what
// is past is for nothing.
func TestMeant(t *testing.T) {
	now := moment(t, "2026-11-23T08:30:00Z")
	later := now.Add(time.Hour)
	daily := schedule.Repeat{Cron: "0 9 * * *", Zone: "Europe/Berlin"}
	for _, c := range []struct {
		spec Spec
		want time.Time
	}{
		{Spec{}, now},
		{Spec{StartAt: later}, later},
		{Spec{StartAt: now.Add(-time.Hour)}, now},
		{Spec{Repeat: daily}, moment(t, "2026-11-24T08:00:00Z")},
		{Spec{Repeat: daily, StartAt: later}, moment(t, "2026-11-24T08:00:00Z")},
		{Spec{Repeat: schedule.Repeat{Cron: "0 9 31 2 *", Zone: "UTC"}, StartAt: later}, later}, // which never comes
	} {
		if got := c.spec.meant(now); !got.Equal(c.want) {
			t.Errorf("%+v, %s: for %s, want %s", c.spec.Repeat, c.spec.StartAt, got.UTC(), c.want.UTC())
		}
	}
}

// What a first wave may take counts from the time that its audience was complete, and that
// the run was resumed, without the hours in which it may not send.
func TestLateWaves(t *testing.T) {
	evening := moment(t, "2026-11-23T22:00:00Z")
	r := &Run{ID: 1, Started: evening.Add(-5 * time.Hour), Spec: Spec{Window: schedule.Window{From: "08:00", To: "22:30", Zone: "UTC"}}}
	at := tries{}
	for _, step := range []struct {
		after time.Duration
		epoch int64
		late  bool
	}{
		{after: 0},
		{after: 30 * time.Minute},
		{after: 10*time.Hour + 29*time.Minute}, // half an hour of the evening, 29 minutes of the morning
		{after: 10*time.Hour + 30*time.Minute, late: true},
		{after: 10*time.Hour + 40*time.Minute, epoch: 1},
		{after: 11*time.Hour + 40*time.Minute, epoch: 1, late: true},
	} {
		r.Epoch = step.epoch
		if got := at.late(r, evening.Add(step.after)); got != step.late {
			t.Errorf("after %s: late is %v", step.after, got)
		}
	}
}
