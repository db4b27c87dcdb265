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
	sample := meter.Sample{Sites: map[string]meter.SiteCount{"google": {Accepted: 40, Connections: 2}, "yahoo": {Accepted: 10}, "gmx": {}}}
	list := activityOf(sample, 2, map[string]campaign.SiteLimit{"orange": {Rate: 3, Who: "ann"}}, map[string]bool{"microsoft": true, "gmx": true})
	var names []string
	for _, a := range list {
		names = append(names, a.Site)
	}
	if want := []string{"gmx", "microsoft", "google", "yahoo", "orange"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if google, orange := list[2], list[4]; google.Rate != 20 || google.Connections != 2 || orange.Ordered.Rate != 3 || !list[1].Paused {
		t.Errorf("%+v", list)
	}
}
