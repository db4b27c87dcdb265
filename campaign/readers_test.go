package campaign

import (
	"reflect"
	"testing"
)

func TestReadersOf(t *testing.T) {
	links := []Link{{Number: 1, Target: "https://a.example/"}, {Number: 2, Target: "https://b.example/"}}
	got := readersOf(links, []HitCount{
		{Link: AnyLink, Evidence: ByPerson, People: 3},
		{Link: 0, Evidence: ByPerson, N: 5, People: 4}, {Link: 0, Evidence: ByProxy, N: 2, Nameless: 2}, {Link: 0, Evidence: PrivacyProxy, N: 7, People: 7},
		{Link: 1, Evidence: ByPerson, N: 4, People: 3}, {Link: 1, Evidence: AllAtOnce, N: 1, People: 1},
		{Link: 2, Evidence: ByPerson, N: 1, People: 1}, {Link: 2, Evidence: AllAtOnce, N: 2, Nameless: 1, People: 1},
		{Link: 3, Evidence: ByPerson, N: 1, People: 1}, // of a table that was lost
	})
	want := Readers{
		Opens: ReaderCount{Person: 7, People: 4, Nameless: 2, Machine: 7}, Clicks: ReaderCount{Person: 6, People: 3, Machine: 3},
		Links: []LinkCount{{1, "https://a.example/", ReaderCount{4, 3, 0, 1}}, {2, "https://b.example/", ReaderCount{1, 1, 0, 2}}},
		Apart: []MachineHits{{Evidence: PrivacyProxy.String(), Opens: 7}, {Evidence: AllAtOnce.String(), Clicks: 3}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want\n%+v", got, want)
	}
	if readersOf(nil, nil).Any() || !got.Any() {
		t.Error("there is something to tell where nobody was counted")
	}
}

// ePrivacy 13: a campaign gets what it wants, and never more than its lists allow.
func TestTrackWithin(t *testing.T) {
	for _, test := range []struct {
		track         Track
		ceiling       Tracking
		opens, clicks Tracking
	}{
		{Track{}, TrackOff, TrackOff, TrackOff},
		{Track{}, TrackIndividual, TrackIndividual, TrackIndividual},
		{Track{Opens: "individual", Clicks: "individual"}, TrackOff, TrackOff, TrackOff},
		{Track{Opens: "individual", Clicks: "off"}, TrackAnonymous, TrackAnonymous, TrackOff},
		{Track{Opens: "anonymous"}, TrackIndividual, TrackAnonymous, TrackIndividual},
		{Track{Opens: "yes"}, TrackIndividual, TrackOff, TrackIndividual},
	} {
		if opens, clicks := test.track.Within(test.ceiling); opens != test.opens || clicks != test.clicks {
			t.Errorf("%+v within %s: %s, %s", test.track, test.ceiling, opens, clicks)
		}
	}
	for _, level := range Trackings() {
		if got, err := ParseTracking(level.String()); got != level || err != nil || level.Means() == "" {
			t.Errorf("%s is read as %s, %v", level, got, err)
		}
	}
	if _, err := ParseTracking("always"); err == nil {
		t.Error("always is a level")
	}
}
