package campaign_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

func TestForecast(t *testing.T) {
	w := newWorld(t)
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) // a Monday
	limits := map[string]campaign.SitePace{
		"gmail.com":       {Site: "Gmail", Rate: 20},
		"googlemail.com":  {Site: "Gmail", Rate: 20},
		"closed.example":  {Site: "closed", Rate: 100, Until: start.Add(3 * time.Hour)},
		"new.example":     {Site: "new", Rate: 100, PerDay: []int64{1000, 2000, 4000}},
		"stopped.example": {Site: "stopped", Rate: 100, Paused: true},
		"fast.example":    {Site: "fast", Rate: 10_000},
	}
	w.service.Limits = func(context.Context, campaign.Spec) (func(string) campaign.SitePace, error) {
		return func(domain string) campaign.SitePace { return limits[domain] }, nil
	}
	day := schedule.Window{From: "08:00", To: "10:00", Zone: "UTC"}
	test := func(rule campaign.ABRule, after time.Duration) campaign.Spec {
		return campaign.Spec{AB: campaign.ABTest{Share: 20, Winner: rule, After: campaign.Duration(after), Variants: []campaign.Alternative{{Subject: "B"}}}}
	}
	for _, c := range []struct {
		name    string
		domains map[string]int64
		spec    campaign.Spec
		lasts   time.Duration
		says    string
	}{
		{"the slowest site", map[string]int64{"gmail.com": 100_000, "googlemail.com": 56_000, "fast.example": 200_000}, campaign.Spec{Brake: campaign.Brake{Canary: "off"}}, 7800 * time.Second, "about 2 h 10 min, bound by Gmail at 20 a second"},
		{"our own speed", map[string]int64{"fast.example": 300_000}, campaign.Spec{Brake: campaign.Brake{Canary: "off"}}, 1000 * time.Second, "about 17 min, bound by our own speed, 300 a second"},
		{"a pause", map[string]int64{"closed.example": 1000}, campaign.Spec{}, 3*time.Hour + 10*time.Second, "takes nothing in the first 3 h"},
		{"new sources", map[string]int64{"new.example": 3500}, campaign.Spec{}, 39*time.Hour + 5*time.Second, "what new sources may send to new in a day"},
		{"new sources, few", map[string]int64{"new.example": 900}, campaign.Spec{}, 9 * time.Second, "about a minute"},
		{"a paused site", map[string]int64{"stopped.example": 100, "gmail.com": 1200}, campaign.Spec{}, time.Minute, "Gmail at 20 a second; stopped is paused and not in it"},
		{"spread", map[string]int64{"gmail.com": 1200}, campaign.Spec{Spread: campaign.Duration(4 * time.Hour)}, 4 * time.Hour, "about 4 h, bound by the time it is spread over"},
		{"hours", map[string]int64{"gmail.com": 144_000}, campaign.Spec{Window: day, Brake: campaign.Brake{Canary: "off"}}, 24 * time.Hour, "about 24 h, bound by Gmail at 20 a second, and the hours in which it may send"},
		{"a canary first", map[string]int64{"fast.example": 300_000}, campaign.Spec{Brake: campaign.Brake{Canary: "1%"}}, 1600 * time.Second, "300 a second; 10 min of it are the canary's"},
		{"a large audience", map[string]int64{"fast.example": 300_000}, campaign.Spec{}, 1600 * time.Second, "the canary's"},
		{"a test", map[string]int64{"gmail.com": 1200}, test(campaign.ByOpens, 4*time.Hour), 4*time.Hour + time.Minute, "Gmail at 20 a second; 4 h of it are the A/B test's"},
		{"a choice", map[string]int64{"gmail.com": 1200}, test(campaign.ByChoice, 0), 0, ""},
		{"their clocks", map[string]int64{"gmail.com": 1200}, campaign.Spec{StartAt: start.Add(24 * time.Hour), LocalTime: campaign.LocalTime{Zone: "UTC"}}, 19 * time.Hour, "the clock of the last time zone"},
		{"nobody", nil, campaign.Spec{}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			count := campaign.AudienceCount{Domains: c.domains, Zones: map[string]int64{"": 10, "Etc/GMT+5": 10, "nowhere": 10}}
			for _, n := range c.domains {
				count.Recipients += n
			}
			f := must(w.service.Forecast(t.Context(), c.spec, count, start))(t)
			if f.Lasts.Round(time.Second) != c.lasts || !strings.Contains(f.String(), c.says) {
				t.Errorf("%s, %q; want %s, %q", f.Lasts, f, c.lasts, c.says)
			}
		})
	}
}

// What was foretold is kept, and a finished run says how it came.
func TestForecastIsKept(t *testing.T) {
	w := newWorld(t)
	w.list("all", 3, "t0.example")
	run := w.start(spec("all", "all"))
	f := campaign.Forecast{Lasts: 130 * time.Minute, Bound: "Gmail at 20 a second"}
	if err := w.service.Foretell(t.Context(), run.ID, f); err != nil {
		t.Fatal(err)
	}
	run = w.latest(run)
	if run.Forecast != f || run.Came() != "" {
		t.Errorf("kept %+v, came %q", run.Forecast, run.Came())
	}
	run.State, run.Finished = campaign.RunFinished, run.Started.Add(141*time.Minute)
	if got, want := run.Came(), "The forecast was about 2 h 10 min, bound by Gmail at 20 a second; it took 2 h 20 min."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
