package schedule

import (
	"strings"
	"testing"
	"time"
)

func times(t *testing.T, cron, zone string) Times {
	t.Helper()
	v, err := Repeat{cron, zone}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTimes(t *testing.T) {
	const berlin = "Europe/Berlin"
	for _, c := range []struct {
		cron, zone, words string
		after             string
		next              []string
	}{
		{"0 9 * * mon", berlin, "every Monday at 09:00, Europe/Berlin", "2026-11-23T09:00:00+01:00", []string{"2026-11-30T09:00:00+01:00", "2026-12-07T09:00:00+01:00"}},
		{"0 9 * * 1-5", berlin, "every weekday at 09:00, Europe/Berlin", "2026-11-27T08:59:59+01:00", []string{"2026-11-27T09:00:00+01:00", "2026-11-30T09:00:00+01:00"}},
		{"30 8,18 * * sat,0", "UTC", "every Saturday and Sunday at 08:30 and 18:30, UTC", "2026-11-28T18:30:00Z", []string{"2026-11-29T08:30:00Z", "2026-11-29T18:30:00Z", "2026-12-05T08:30:00Z"}},
		{"15 10 1,15 * *", "UTC", "on the 1st and 15th of every month at 10:15, UTC", "2026-11-23T00:00:00Z", []string{"2026-12-01T10:15:00Z", "2026-12-15T10:15:00Z"}},
		{"0 12 31 * *", "UTC", "on the 31st of every month at 12:00, UTC", "2026-11-23T00:00:00Z", []string{"2026-12-31T12:00:00Z", "2027-01-31T12:00:00Z", "2027-03-31T12:00:00Z"}},
		{"0 0 29 2 *", "UTC", "on the 29th in February at 00:00, UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"5 * * * *", "UTC", "every day in every hour at minute 5, UTC", "2026-11-23T23:30:00Z", []string{"2026-11-24T00:05:00Z", "2026-11-24T01:05:00Z"}},
		{"0 */12 * 1-3/2 7", "UTC", "every Sunday in January and March at 00:00 and 12:00, UTC", "2026-01-31T00:00:00Z", []string{"2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"}},
		// Over the changes of summer time.
		{"0 9 * * *", berlin, "every day at 09:00, Europe/Berlin", "2026-03-28T10:00:00+01:00", []string{"2026-03-29T09:00:00+02:00", "2026-03-30T09:00:00+02:00"}},
		{"0 9 * * *", berlin, "every day at 09:00, Europe/Berlin", "2026-10-24T10:00:00+02:00", []string{"2026-10-25T09:00:00+01:00"}},
		{"30 2 * * *", berlin, "every day at 02:30, Europe/Berlin", "2026-03-28T03:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"30 2 * * *", berlin, "every day at 02:30, Europe/Berlin", "2026-10-24T03:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"30 0 * * *", "America/Santiago", "every day at 00:30, America/Santiago", "2026-09-05T12:00:00-04:00", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:30:00-03:00"}},
	} {
		v := times(t, c.cron, c.zone)
		if got := v.String(); got != c.words {
			t.Errorf("%s: %q, want %q", c.cron, got, c.words)
		}
		now := at(t, c.after)
		for _, want := range c.next {
			if now = v.Next(now); !now.Equal(at(t, want)) {
				t.Errorf("%s: next %s, want %s", c.cron, now, want)
			}
		}
	}
}

func TestLast(t *testing.T) {
	v := times(t, "0 9 * * *", "UTC")
	from := at(t, "2026-11-20T09:00:00Z")
	for until, want := range map[string]string{"2026-11-23T08:59:59Z": "2026-11-22T09:00:00Z", "2026-11-23T09:00:00Z": "2026-11-23T09:00:00Z"} {
		if got := v.Last(from, at(t, until)); !got.Equal(at(t, want)) {
			t.Errorf("until %s the last is %s, want %s", until, got, want)
		}
	}
	if got := v.Last(from, from.Add(time.Hour)); !got.IsZero() {
		t.Errorf("within an hour: %s", got)
	}
}

func TestRepeatProblems(t *testing.T) {
	for _, c := range []struct{ cron, zone, want string }{
		{"", "UTC", "does not have five fields"},
		{"0 9 * *", "UTC", "does not have five fields"},
		{"*/5 * * * *", "UTC", `the minute is "*/5"`},
		{"60 9 * * *", "UTC", `the minute is "60"`},
		{"0 24 * * *", "UTC", `the hour is "24"`},
		{"0 5/2 * * *", "UTC", `the hour is "5/2"`},
		{"0 9-5 * * *", "UTC", `the hour is "9-5"`},
		{"0 9 0 * *", "UTC", `the day of the month is "0"`},
		{"0 9 * 13 *", "UTC", `the month is "13"`},
		{"0 9 * * mo", "UTC", `the day of the week is "mo"`},
		{"0 9 1 * mon", "UTC", "keep one of them"},
		{"0 9 31 2 *", "UTC", "never comes"},
		{"0 9 * * *", "Berlin", "zone: "},
		{"0 9 */0 * *", "UTC", `the day of the month is "*/0"`},
	} {
		if _, err := (Repeat{c.cron, c.zone}).Parse(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.cron, err, c.want)
		}
	}
}

func FuzzRepeat(f *testing.F) {
	f.Add("0 9 * * mon-fri", "Europe/Berlin", int64(1_790_000_000))
	f.Add("30 */3 1-31/2 1,3 *", "America/Santiago", int64(1_774_000_000))
	f.Fuzz(func(t *testing.T, cron, zone string, unix int64) {
		v, err := Repeat{cron, zone}.Parse()
		if err != nil || unix < 0 || unix > 1<<33 {
			return
		}
		now := time.Unix(unix, 0)
		first := v.Next(now)
		second := v.Next(first)
		if !first.After(now) || !second.After(first) || v.String() == "" {
			t.Fatalf("%s after %s: %s, %s", v, now, first, second)
		}
		if got := v.Last(now, first); !got.Equal(first) {
			t.Fatalf("%s: the last until %s is %s", v, first, got)
		}
	})
}
