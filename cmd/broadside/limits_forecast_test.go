package main

import (
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"broadside/campaign"
)

// What replies have taught lowers a site's limit: each source by its own, and a sending
// domain for all of them.
func TestLimitsThatWereLearned(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	row := func(kind, value, state string, rate float64, until time.Time) siteRow {
		return siteRow{campaign.SiteState{Site: "google", Kind: kind, Value: value, State: state, Rate: rate, Until: until}}
	}
	for _, c := range []struct {
		name    string
		rows    []siteRow
		sources []string
		want    campaign.SitePace
	}{
		{"nothing", nil, []string{"a", "b"}, campaign.SitePace{Rate: 100}},
		{"one of two is slow", []siteRow{row("source", "a", "slowed", 10, time.Time{})}, []string{"a", "b"}, campaign.SitePace{Rate: 100}},
		{"both are slow", []siteRow{row("source", "a", "slowed", 10, time.Time{}), row("source", "b", "slowed", 5, time.Time{})}, []string{"a", "b"}, campaign.SitePace{Rate: 15}},
		{"one is stopped, one slow", []siteRow{row("source", "a", "stopped", 0, now), row("source", "b", "slowed", 5, time.Time{})}, []string{"a", "b"}, campaign.SitePace{Rate: 5}},
		{"all are stopped", []siteRow{row("source", "a", "stopped", 0, now.Add(time.Hour)), row("source", "b", "stopped", 0, now)}, []string{"a", "b"}, campaign.SitePace{Rate: 100, Until: now}},
		{"the sending domain is slow", []siteRow{row("sending_domain", "example.org", "slowed", 2, time.Time{}), row("sending_domain", "other.example", "slowed", 1, time.Time{})}, []string{""}, campaign.SitePace{Rate: 2}},
		{"a pause that ends", []siteRow{row("site", "", "paused", 0, now)}, []string{""}, campaign.SitePace{Rate: 100, Until: now}},
		{"a pause that does not", []siteRow{row("site", "", "paused", 0, time.Time{})}, []string{""}, campaign.SitePace{Rate: 100, Paused: true}},
	} {
		got := campaign.SitePace{Rate: 100}
		applyLearned(&got, c.rows, c.sources, "example.org")
		if got.Rate != c.want.Rate || got.Until != c.want.Until || got.Paused != c.want.Paused {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLimitsOfNewSources(t *testing.T) {
	l := limits{cfg: Config{
		Sources: []SourceConfig{{Name: "old"}, {Name: "new"}, {Name: "newer"}},
		Pools:   map[string]map[string]int{"fresh": {"new": 1, "newer": 1}},
		Warmups: []WarmupConfig{{Sources: []string{"new", "newer"}, Start: toml.LocalDate{Year: 2026, Month: 11, Day: 22}, PerDay: []int64{50, 100, 500}}},
	}}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	if got := l.perDay(l.sourcesOf("fresh"), now); len(got) != 2 || got[0] != 200 || got[1] != 1000 {
		t.Errorf("two new sources may send %v a day, want 200 and 1000", got)
	}
	if got := l.perDay(l.sourcesOf(""), now); got != nil {
		t.Errorf("a warm source bounds nothing, but %v", got)
	}
}
