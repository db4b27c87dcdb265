package schedule

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Window is when a campaign may send, as a person writes it. The zero Window is always
// open.
type Window struct {
	// Days of the week on which a window begins, such as "mon-fri" or "mon,wed,sat-sun";
	// every day when empty.
	Days string `json:"days,omitempty" toml:"days" yaml:"days"`
	// From and To are times of the day, "00:00" to "24:00"; the whole day when empty. A
	// To that is before From is meant on the next day.
	From string `json:"from,omitempty" toml:"from" yaml:"from"`
	To   string `json:"to,omitempty" toml:"to" yaml:"to"`
	// Zone is an IANA name such as Europe/Berlin.
	Zone string `json:"zone,omitempty" toml:"zone" yaml:"zone"`
}

// minutesOfDay is how many minutes a day has on the wall clock.
const minutesOfDay = 24 * 60

// shortest is how long a window is open at least each time: what waits for it takes a
// minute to come back.
const shortest = 15

// Hours are a Window that was read. The zero Hours are always open. They are a value
// and safe for concurrent use.
type Hours struct {
	days     [7]bool // by time.Weekday, on which a window begins
	from, to int     // minutes of the wall clock; to <= from is on the next day
	zone     *time.Location
}

// Parse reads a window. Its error begins with the key that is wrong.
func (w Window) Parse() (Hours, error) {
	if w == (Window{}) {
		return Hours{}, nil
	}
	h := Hours{to: minutesOfDay}
	var errs []error
	fail := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	var err error
	h.zone, err = Zone(w.Zone)
	fail("zone", err)
	h.days, err = parseDays(w.Days)
	fail("days", err)
	if w.From != "" {
		h.from, err = parseClock(w.From)
		fail("from", err)
	}
	if w.To != "" {
		h.to, err = parseClock(w.To)
		fail("to", err)
	}
	if len(errs) == 0 && (h.to-h.from+minutesOfDay)%minutesOfDay < shortest && h.to-h.from != minutesOfDay {
		errs = append(errs, fmt.Errorf("to: %s is less than %d minutes after %s; leave the run more time", clockText(h.to), shortest, clockText(h.from)))
	}
	return h, errors.Join(errs...)
}

// ReadWindow reads a window that is written in one line, "mon-fri 08:00-20:00
// Europe/Berlin", where the days or the hours may be missing; "" is the zero Window.
func ReadWindow(text string) (Window, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Window{}, nil
	}
	w := Window{Zone: words[len(words)-1]}
	for _, word := range words[:len(words)-1] {
		switch from, to, _ := strings.Cut(word, "-"); {
		case !strings.Contains(word, ":") && w.Days == "":
			w.Days = word
		case strings.Contains(word, ":") && w.From == "":
			w.From, w.To = from, to
		default:
			return w, fmt.Errorf("%q is not a window; write it like mon-fri 08:00-20:00 Europe/Berlin", text)
		}
	}
	_, err := w.Parse()
	return w, err
}

// Zone finds a time zone by its IANA name. The machine's own is none: what a campaign
// means must not depend on where it is read.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("is missing; write a time zone such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil || path.Clean(name) != name { // Europe//Berlin is a file too
		return nil, fmt.Errorf("%q is not a time zone; write a name such as Europe/Berlin", name)
	}
	return zone, nil
}

// parseClock reads a time of the day in minutes.
func parseClock(text string) (int, error) {
	if text == "24:00" {
		return minutesOfDay, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is not a time of the day; write it like 08:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// Always reports whether the window never closes.
func (h Hours) Always() bool {
	return h.zone == nil || h.days == everyDay && h.to-h.from == minutesOfDay
}

// Open reports whether the window is open at a moment: it is when the zone's wall clock
// shows a time that the window has. In the hour that comes twice in autumn, a time that
// the window has is open both times; the hour that spring leaves out never comes.
func (h Hours) Open(at time.Time) bool {
	if h.Always() {
		return true
	}
	local := at.In(h.zone)
	minute, day := local.Hour()*60+local.Minute(), local.Weekday()
	if h.from < h.to {
		return h.days[day] && h.from <= minute && minute < h.to
	}
	return h.days[day] && minute >= h.from || h.days[(day+6)%7] && minute < h.to
}

// horizon is how far ahead a change is looked for. It comes within a week, or within two
// when spring leaves out the only hour of the week that a window has.
const horizon = 15 * 24 * time.Hour

// Change returns the next moment after at at which the window opens or closes; the zero
// time when it is always open.
func (h Hours) Change(at time.Time) time.Time {
	if h.Always() {
		return time.Time{}
	}
	open, last := h.Open(at), at.Add(horizon)
	for t := at; t.Before(last); {
		t = h.boundary(t)
		if h.Open(t) != open {
			return t.UTC()
		}
	}
	return time.Time{}
}

// boundary returns the next moment after t at which the wall clock reaches the window's
// from or to or midnight, or jumps. Between two of them nothing changes.
func (h Hours) boundary(t time.Time) time.Time {
	local := t.In(h.zone)
	since := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute +
		time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	wait := 24*time.Hour - since
	for _, minutes := range []int{h.from, h.to} {
		if until := time.Duration(minutes)*time.Minute - since; until > 0 {
			wait = min(wait, until)
		}
	}
	next := local.Add(wait)
	if _, jump := local.ZoneBounds(); !jump.IsZero() && jump.Before(next) {
		return jump
	}
	return next
}

// Next returns the first moment from at on at which the window is open.
func (h Hours) Next(at time.Time) time.Time {
	if h.Open(at) {
		return at
	}
	return h.Change(at)
}

// After returns the moment at which the window has been open for so long since from:
// when something ends that takes so long and works in these hours only.
func (h Hours) After(from time.Time, d time.Duration) time.Time {
	for t := h.Next(from); ; t = h.Next(t) {
		end := h.Change(t)
		if end.IsZero() || end.Sub(t) >= d {
			return t.Add(d)
		}
		d -= end.Sub(t)
		t = end
	}
}

// Left returns how long the window is open between two moments.
func (h Hours) Left(from, until time.Time) time.Duration {
	var left time.Duration
	for t := h.Next(from); t.Before(until); t = h.Next(t) {
		end := h.Change(t)
		if end.IsZero() || end.After(until) {
			return left + until.Sub(t)
		}
		left += end.Sub(t)
		t = end
	}
	return left
}

// String says when the window is open: "Mon–Fri 08:00–20:00, Europe/Berlin".
func (h Hours) String() string {
	if h.zone == nil {
		return "at any time"
	}
	var parts []string
	if h.days != everyDay {
		parts = append(parts, daysText(h.days))
	}
	switch {
	case h.to-h.from == minutesOfDay:
	case h.to <= h.from:
		parts = append(parts, clockText(h.from)+"–"+clockText(h.to)+" of the next day")
	default:
		parts = append(parts, clockText(h.from)+"–"+clockText(h.to))
	}
	if len(parts) == 0 {
		return "at any time"
	}
	return strings.Join(parts, " ") + ", " + h.zone.String()
}

// Zone is where the window's clock hangs; UTC when it is always open.
func (h Hours) Zone() *time.Location {
	if h.zone == nil {
		return time.UTC
	}
	return h.zone
}
