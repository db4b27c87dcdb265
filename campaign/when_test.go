package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A note says its times by the clock of whoever reads it, and keeps its other words.
func TestNotesInZones(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("", 60*60))
	for _, c := range []struct{ note, want string }{
		{"", ""},
		{"left out " + Noted(at) + ": the run before was not over", "left out Mon 23 Nov 2026, 12:45 +0545: the run before was not over"},
		{Noted(at) + " and " + Noted(at.AddDate(0, 0, 1)), "Mon 23 Nov 2026, 12:45 +0545 and Tue 24 Nov 2026, 12:45 +0545"},
		{"left out Mon 23 Nov 2026, 09:00 CET", "left out Mon 23 Nov 2026, 09:00 CET"}, // as they were kept before
		{"2026-13-23T08:00:00Z, 12026-11-23T08:00:00Z, 2026-11-23T08:00:00+01:00", "2026-13-23T08:00:00Z, 12026-11-23T08:00:00Z, 2026-11-23T08:00:00+01:00"},
	} {
		if got := InZone(c.note, zoneOf(t, "Asia/Kathmandu")); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.note, got, c.want)
		}
	}
}

// What tells a time with its zone does so here, for a reader: nothing else knows whose clock
// it is to be told by.
func TestTimesAreToldInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "when.go" && !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), `MST"`) {
			t.Errorf("%s writes a time with a zone by itself: use when, or Noted if it is kept", name)
		}
	}
}
