package schedule

import (
	"strings"
	"testing"
	"time"
)

func hours(t *testing.T, w Window) Hours {
	t.Helper()
	h, err := w.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var office = Window{Days: "mon-fri", From: "08:00", To: "20:00", Zone: "Europe/Berlin"}

func TestWindowOpens(t *testing.T) {
	night := Window{Days: "fri,sat", From: "22:00", To: "04:00", Zone: "America/New_York"}
	early := Window{From: "02:15", To: "02:45", Zone: "Europe/Berlin"}
	for _, c := range []struct {
		name         string
		window       Window
		at           string
		open         bool
		change, next string // next is when it is open
	}{
		{"in it", office, "2026-11-23T09:00:00+01:00", true, "2026-11-23T20:00:00+01:00", "2026-11-23T09:00:00+01:00"},
		{"its first moment", office, "2026-11-23T08:00:00+01:00", true, "2026-11-23T20:00:00+01:00", "2026-11-23T08:00:00+01:00"},
		{"its last moment", office, "2026-11-23T19:59:59.999+01:00", true, "2026-11-23T20:00:00+01:00", "2026-11-23T19:59:59.999+01:00"},
		{"closed", office, "2026-11-23T20:00:00+01:00", false, "2026-11-24T08:00:00+01:00", "2026-11-24T08:00:00+01:00"},
		{"asked from another zone", office, "2026-11-23T19:30:00Z", false, "2026-11-24T08:00:00+01:00", "2026-11-24T08:00:00+01:00"},
		{"over the weekend", office, "2026-11-27T20:00:00+01:00", false, "2026-11-30T08:00:00+01:00", "2026-11-30T08:00:00+01:00"},
		{"the weekend with the change of spring", office, "2026-03-27T20:00:00+01:00", false, "2026-03-30T08:00:00+02:00", "2026-03-30T08:00:00+02:00"},
		{"the weekend with the change of autumn", office, "2026-10-23T20:00:00+02:00", false, "2026-10-26T08:00:00+01:00", "2026-10-26T08:00:00+01:00"},
		{"over midnight", night, "2026-11-21T00:30:00-05:00", true, "2026-11-21T04:00:00-05:00", "2026-11-21T00:30:00-05:00"},
		{"the morning after no night", night, "2026-11-20T03:00:00-05:00", false, "2026-11-20T22:00:00-05:00", "2026-11-20T22:00:00-05:00"},
		{"a night that loses an hour", night, "2026-03-07T22:00:00-05:00", true, "2026-03-08T04:00:00-04:00", "2026-03-07T22:00:00-05:00"},
		{"a night that gains an hour", night, "2026-10-31T22:00:00-04:00", true, "2026-11-01T04:00:00-05:00", "2026-10-31T22:00:00-04:00"},
		{"an hour that spring leaves out", early, "2026-03-28T03:00:00+01:00", false, "2026-03-30T02:15:00+02:00", "2026-03-30T02:15:00+02:00"},
		{"an hour that comes twice, the first time", early, "2026-10-25T02:20:00+02:00", true, "2026-10-25T02:45:00+02:00", "2026-10-25T02:20:00+02:00"},
		{"between the two", early, "2026-10-25T02:50:00+02:00", false, "2026-10-25T02:15:00+01:00", "2026-10-25T02:15:00+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, now := hours(t, c.window), at(t, c.at)
			if got := h.Open(now); got != c.open {
				t.Errorf("open: %v", got)
			}
			if got := h.Change(now); !got.Equal(at(t, c.change)) {
				t.Errorf("changes %s, want %s", got, c.change)
			}
			if got := h.Next(now); !got.Equal(at(t, c.next)) {
				t.Errorf("is open from %s, want %s", got, c.next)
			}
		})
	}
}

// Minute by minute through both changes of summer time, what Change says is when Open
// changes.
func TestChangeIsWhenOpenChanges(t *testing.T) {
	for _, w := range []Window{
		office, {From: "22:30", To: "02:30", Zone: "Europe/Berlin"}, {Days: "sun", From: "01:00", To: "03:00", Zone: "America/New_York"},
		{From: "23:30", To: "00:30", Zone: "America/Santiago"}, // whose days begin at one o'clock in spring
		{Days: "sat-sun", From: "01:45", To: "02:10", Zone: "Australia/Lord_Howe"},
	} {
		h := hours(t, w)
		for _, day := range []string{"2026-03-07T00:00:00Z", "2026-03-28T00:00:00Z", "2026-04-04T00:00:00Z", "2026-09-05T00:00:00Z", "2026-10-03T00:00:00Z", "2026-10-24T00:00:00Z", "2026-10-31T00:00:00Z"} {
			now := at(t, day)
			change := h.Change(now)
			for range 3 * minutesOfDay {
				next := now.Add(time.Minute)
				if h.Open(next) != h.Open(now) {
					if !change.Equal(next) {
						t.Fatalf("%+v: the change after %s is at %s, but Change says %s", w, now, next, change)
					}
					change = h.Change(next)
				}
				now = next
			}
		}
	}
}

func TestWindowAlwaysOpen(t *testing.T) {
	for _, w := range []Window{{}, {Zone: "Europe/Berlin"}, {From: "00:00", To: "24:00", Zone: "Asia/Tokyo"}} {
		h, now := hours(t, w), at(t, "2026-11-23T03:00:00Z")
		if !h.Always() || !h.Open(now) || !h.Change(now).IsZero() || !h.Next(now).Equal(now) || h.String() != "at any time" {
			t.Errorf("%+v is not always open: %s", w, h)
		}
		if got := h.After(now, time.Hour); got.Sub(now) != time.Hour {
			t.Errorf("%+v: an hour later is %s", w, got)
		}
		if got := h.Left(now, now.Add(time.Hour)); got != time.Hour {
			t.Errorf("%+v: %s left", w, got)
		}
	}
}

func TestTimeInWindows(t *testing.T) {
	h := hours(t, office)
	from := at(t, "2026-11-27T18:00:00+01:00") // Friday
	end := h.After(from, 5*time.Hour)
	if want := at(t, "2026-11-30T11:00:00+01:00"); !end.Equal(want) {
		t.Errorf("5 h from Friday 18:00 end %s, want %s", end, want)
	}
	if got := h.Left(from, end); got != 5*time.Hour {
		t.Errorf("%s between, want 5 h", got)
	}
	if got := h.Left(at(t, "2026-11-28T12:00:00+01:00"), end); got != 3*time.Hour {
		t.Errorf("%s on Monday, want 3 h", got)
	}
	if got := h.Left(end, from); got != 0 {
		t.Errorf("%s backwards", got)
	}
}

func TestWindowInWords(t *testing.T) {
	for _, c := range []struct {
		w    Window
		want string
	}{
		{office, "Mon–Fri 08:00–20:00, Europe/Berlin"},
		{Window{Days: "sat-mon", Zone: "UTC"}, "Mon, Sat, Sun, UTC"},
		{Window{Days: "wed, fri-sun", From: "22:00", To: "04:00", Zone: "UTC"}, "Wed, Fri–Sun 22:00–04:00 of the next day, UTC"},
		{Window{From: "09:00", Zone: "Asia/Kolkata"}, "09:00–24:00, Asia/Kolkata"},
	} {
		if got := hours(t, c.w).String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.w, got, c.want)
		}
	}
}

func TestWindowProblems(t *testing.T) {
	for _, c := range []struct {
		w    Window
		want []string
	}{
		{Window{From: "08:00", To: "20:00"}, []string{"zone: is missing"}},
		{Window{Zone: "Local"}, []string{"zone: is missing"}},
		{Window{Zone: "Europe/Nowhere"}, []string{`zone: "Europe/Nowhere" is not a time zone`}},
		{Window{Zone: "Europe//Berlin"}, []string{`zone: "Europe//Berlin" is not a time zone`}},
		{Window{Days: "mo-fr", From: "8", To: "25:00", Zone: "UTC"}, []string{`days: "mo-fr" is not a day`, `from: "8" is not a time`, `to: "25:00" is not a time`}},
		{Window{From: "08:00", To: "08:05", Zone: "UTC"}, []string{"to: 08:05 is less than 15 minutes after 08:00"}},
		{Window{From: "08:00", To: "08:00", Zone: "UTC"}, []string{"to: 08:00 is less than 15 minutes"}},
	} {
		_, err := c.w.Parse()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", c.w, err, want)
			}
		}
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("mon-fri", "08:00", "20:00", "Europe/Berlin", int64(1_790_000_000))
	f.Add("sat", "02:15", "02:45", "Australia/Lord_Howe", int64(1_774_000_000))
	f.Fuzz(func(t *testing.T, days, from, to, zone string, unix int64) {
		h, err := Window{days, from, to, zone}.Parse()
		if err != nil || unix < 0 || unix > 1<<33 {
			return
		}
		now := time.Unix(unix, 0)
		change := h.Change(now)
		if h.Always() != change.IsZero() {
			t.Fatalf("%s: always %v, changes %s", h, h.Always(), change)
		}
		if !change.IsZero() && (!change.After(now) || h.Open(change) == h.Open(now)) {
			t.Fatalf("%s: nothing changes at %s", h, change)
		}
	})
}

func TestReadWindow(t *testing.T) {
	for text, want := range map[string]Window{
		"":                                  {},
		"mon-fri 08:00-20:00 Europe/Berlin": office,
		"sat,sun UTC":                       {Days: "sat,sun", Zone: "UTC"},
		"22:00-04:00  Asia/Tokyo":           {From: "22:00", To: "04:00", Zone: "Asia/Tokyo"},
	} {
		if got, err := ReadWindow(text); got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"mon-fri", "08:00-20:00", "mon-fri tue UTC", "08:00-09:00 10:00-11:00 UTC", "8-20 UTC"} {
		if got, err := ReadWindow(text); err == nil {
			t.Errorf("%q is taken: %+v", text, got)
		}
	}
}
