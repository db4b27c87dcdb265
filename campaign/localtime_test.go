package campaign

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"broadside/campaign/schedule"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Each zone has its wave, in order of time; halves and quarters of an hour are theirs.
func TestWavesByTheClock(t *testing.T) {
	const start = "2026-11-23T09:00:00+01:00"
	spec := Spec{LocalTime: LocalTime{Zone: "Europe/Berlin"}}
	r := &Run{Spec: spec, StartAt: moment(t, start).Add(27 * time.Second), Started: moment(t, "2026-11-22T19:00:00Z")}
	w := localWaves(r)
	c, err := newClocks(spec.LocalTime, r.For())
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range []struct {
		attributes, zone, due string
		wave                  Wave
	}{
		{`{"timezone":"Pacific/Kiritimati"}`, "Pacific/Kiritimati", "2026-11-22T19:00:00Z", 1},
		{`{"timezone":"Pacific/Auckland"}`, "Pacific/Auckland", "2026-11-22T20:00:00Z", 5},
		{`{"timezone":"Pacific/Chatham"}`, "Pacific/Chatham", "2026-11-22T19:15:00Z", 2},
		{`{"timezone":"Asia/Kolkata"}`, "Asia/Kolkata", "2026-11-23T03:30:00Z", 35},
		{`{"timezone":"Asia/Kathmandu"}`, "Asia/Kathmandu", "2026-11-23T03:15:00Z", 34},
		{`{"timezone":"Europe/Berlin"}`, "Europe/Berlin", "2026-11-23T08:00:00Z", 53},
		{`{"timezone":" America/New_York "}`, "America/New_York", "2026-11-23T14:00:00Z", 77},
		{`{"timezone":"Etc/GMT+12"}`, "Etc/GMT+12", "2026-11-23T21:00:00Z", 105},
		{`{"tz":"Europe/London"}`, "Europe/London", "2026-11-23T09:00:00Z", 57},
		{`{"timezone":"","tz":"Europe/London"}`, "Europe/London", "2026-11-23T09:00:00Z", 57},
		{`{"timezone":"Local"}`, "", "2026-11-23T08:00:00Z", 53},
		{`{"timezone":"../../etc/passwd"}`, "", "2026-11-23T08:00:00Z", 53},
		{`{"timezone":7}`, "", "2026-11-23T08:00:00Z", 53},
		{`{"city":"timezone"}`, "", "2026-11-23T08:00:00Z", 53},
		{`{}`, "", "2026-11-23T08:00:00Z", 53},
	} {
		for range 2 { // the second time from memory
			zone, due := c.of([]byte(z.attributes))
			if zone != z.zone || !due.Equal(moment(t, z.due)) {
				t.Errorf("%s: %q at %s, want %q at %s", z.attributes, zone, due.UTC(), z.zone, z.due)
			}
			if got := w.waveOf(due); got != z.wave || w.OpenAt(due) != got || w.OpenAt(due.Add(-time.Second)) != got-1 || !w.Opens(got).Equal(due) {
				t.Errorf("%s: wave %d, open then %d, before %d, want wave %d", z.attributes, got, w.OpenAt(due), w.OpenAt(due.Add(-time.Second)), z.wave)
			}
		}
	}
	if got := w.OpenAt(moment(t, "2027-01-01T00:00:00Z")); got != w.Last() {
		t.Errorf("in the end %d of %d waves are open", got, w.Last())
	}
	field, err := newClocks(LocalTime{Zone: "UTC", Field: "clock"}, r.For())
	if err != nil {
		t.Fatal(err)
	}
	if zone, _ := field.of([]byte(`{"timezone":"Asia/Tokyo","clock":"Asia/Seoul"}`)); zone != "Asia/Seoul" {
		t.Errorf("by a field of its own: %q", zone)
	}
}

// Who begins late has all whose time has passed in the first wave.
func TestWavesByTheClockBegunLate(t *testing.T) {
	r := &Run{Spec: Spec{LocalTime: LocalTime{Zone: "UTC"}}, StartAt: moment(t, "2026-11-23T09:00:00Z"), Started: moment(t, "2026-11-23T09:07:00Z")}
	w := localWaves(r)
	for due, want := range map[string]Wave{"2026-11-22T19:00:00Z": 1, "2026-11-23T09:00:00Z": 1, "2026-11-23T09:15:00Z": 2, "2026-11-23T21:00:00Z": 49} {
		if got := w.waveOf(moment(t, due)); got != want {
			t.Errorf("due at %s: wave %d, want %d", due, got, want)
		}
	}
	if got := w.OpenAt(r.Started); got != 1 {
		t.Errorf("%d waves are open at once", got)
	}
}

// A run begins with the first zone, or leaves a minute in which it can be taken back.
func TestBegins(t *testing.T) {
	const now = "2026-11-20T12:00:00Z"
	for _, c := range []struct{ zone, at, begin string }{
		{"Europe/Berlin", "2026-11-23T09:00:00+01:00", "2026-11-22T19:00:00Z"},
		{"America/Los_Angeles", "2026-11-23T09:00:00-08:00", "2026-11-22T19:00:00Z"},
		{"UTC", "2026-11-20T20:00:00Z", "2026-11-20T12:01:00Z"},
		{"UTC", "2026-11-20T12:00:10Z", "2026-11-20T12:00:10Z"},
		{"UTC", "2026-11-20T11:00:00Z", "2026-11-19T21:00:00Z"},
		{"UTC", "", "2026-11-19T22:00:00Z"},
	} {
		s := Spec{LocalTime: LocalTime{Zone: c.zone}}
		var at time.Time
		if c.at != "" {
			at = moment(t, c.at)
		}
		begin := s.byTheirClocks(at, moment(t, now))
		if !begin.Equal(moment(t, c.begin)) {
			t.Errorf("for %s in %s: it begins %s, want %s", c.at, c.zone, begin.UTC(), c.begin)
		}
		if got := (Run{Spec: s, StartAt: begin}).For(); c.at != "" && !got.Equal(at) || got.IsZero() {
			t.Errorf("for %s in %s: it is for %s", c.at, c.zone, got)
		}
	}
	if at := moment(t, now); !(Spec{}).Begins(at).Equal(at) {
		t.Error("a campaign for one moment begins at another")
	}
}

func TestLocalTimeIsChecked(t *testing.T) {
	zone := LocalTime{Zone: "Europe/Berlin"}
	for want, s := range map[string]Spec{
		"local_time.zone: is missing":     {LocalTime: LocalTime{Field: "zone"}},
		`local_time.zone: "Berlin"`:       {LocalTime: LocalTime{Zone: "Berlin"}},
		"local_time.field: ":              {LocalTime: LocalTime{Zone: "UTC", Field: "Time Zone"}},
		"local_time: a message about":     {LocalTime: zone, Class: Transactional},
		"spread: with local_time":         {LocalTime: zone, Spread: Duration(time.Hour)},
		"brake.canary: with local_time":   {LocalTime: zone, Brake: Brake{Canary: "1%"}},
		"repeat.cron: with local_time":    {LocalTime: zone, Repeat: schedule.Repeat{Cron: "0 9,17 * * mon", Zone: "Europe/Berlin"}},
		"local_time.zone: the repetition": {LocalTime: zone, Repeat: schedule.Repeat{Cron: "0 9 * * *", Zone: "UTC"}},
	} {
		errs := s.localProblems()
		if len(errs) != 1 || len(errs[0].Error()) < len(want) || errs[0].Error()[:len(want)] != want {
			t.Errorf("%v, want %q", errs, want)
		}
	}
	for _, s := range []Spec{{}, {LocalTime: zone}, {LocalTime: zone, Repeat: schedule.Repeat{Cron: "0 9 * * *", Zone: "Europe/Berlin"}, Brake: Brake{Canary: "off"}}} {
		if errs := s.localProblems(); errs != nil {
			t.Errorf("%+v: %v", s, errs)
		}
	}
}

// Names that are no zone's cost a search the first time, and now and then another one:
// not for each contact that has them, however many others there are.
func TestUnknownZonesAreRemembered(t *testing.T) {
	c, err := newClocks(LocalTime{Zone: "UTC"}, moment(t, "2026-11-23T09:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	searches := 0
	c.find = func(name string) (*time.Location, error) {
		searches++
		if name == "Asia/Kathmandu" {
			return time.FixedZone(name, 5*60*60+45*60), nil
		}
		return nil, errors.New("is no zone")
	}
	const others = 4 * mostZones
	for i := range others {
		c.of(fmt.Appendf(nil, `{"timezone":"Nowhere/%d"}`, i))
		if i < 2*mostZones { // the two come when there is no room any more
			continue
		}
		if zone, due := c.of([]byte(`{"timezone":"Berlin"}`)); zone != "" || !due.Equal(c.wall) {
			t.Fatalf("Berlin: %q at %s", zone, due)
		}
		if zone, due := c.of([]byte(`{"timezone":"Asia/Kathmandu"}`)); zone == "" || !due.Equal(moment(t, "2026-11-23T03:15:00Z")) {
			t.Fatalf("Asia/Kathmandu: %q at %s", zone, due)
		}
		if len(c.due) > mostZones {
			t.Fatalf("%d names are remembered", len(c.due))
		}
	}
	if again := searches - others; again > others/50 {
		t.Errorf("two names were searched for %d times among %d others", again, others)
	}
}

// Whatever attributes hold, there is a zone that is known, or the campaign's own.
func FuzzZoneOfAttributes(f *testing.F) {
	f.Add(`{"timezone":"Europe/Berlin"}`)
	f.Add(`{"timezone":null,"tz":"Asia/Kolkata"}`)
	f.Add(`{"timezone":`)
	wall := time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)
	c, err := newClocks(LocalTime{Zone: "UTC"}, wall)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, attributes string) {
		name, due := c.of([]byte(attributes))
		if name == "" {
			if !due.Equal(wall) {
				t.Fatalf("due %s", due)
			}
			return
		}
		if _, err := schedule.Zone(name); err != nil || due.Sub(wall).Abs() > 27*time.Hour {
			t.Fatal(fmt.Sprint(name, due, err))
		}
	})
}
