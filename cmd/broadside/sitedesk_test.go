package main

import (
	"slices"
	"testing"

	"broadside/campaign"
	"broadside/delivery/meter"
)

// Whoever paused or limited a site finds it again, however quiet it is and however busy
// the others are.
func TestActivityOf(t *testing.T) {
	sample := meter.Sample{Sites: map[string]meter.SiteCount{"google": {Accepted: 40, Connections: 2}, "yahoo": {Accepted: 10}, "gmx": {}, "yandex": {Limits: meter.Limits{Rate: 2, Connections: 1}}}}
	list := activityOf(sample, 2, map[string]campaign.SiteLimit{"orange": {Rate: 3, Connections: 4, Who: "ann"}, "yandex": {Rate: 5, Connections: 9}}, map[string]bool{"microsoft": true, "gmx": true})
	var names []string
	for _, a := range list {
		names = append(names, a.Site)
	}
	if want := []string{"gmx", "microsoft", "google", "yahoo", "orange", "yandex"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if google, orange := list[2], list[4]; google.Rate != 20 || google.Connections != 2 || orange.Ordered.Rate != 3 || !list[1].Paused {
		t.Errorf("%+v", list)
	}
	// A limit is told with its numbers though no sender has met it; what the senders know holds.
	if orange, yandex := list[4], list[5]; orange.RateLimit != 3 || orange.ConnectionLimit != 4 || yandex.RateLimit != 2 || yandex.ConnectionLimit != 1 {
		t.Errorf("the limits of %+v and %+v", orange, yandex)
	}
}
