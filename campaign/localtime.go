package campaign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"broadside/campaign/schedule"
)

// LocalTime has each recipient get the message when the clock of their own zone shows the
// time at which the campaign is to start. The zero LocalTime is off.
//
// Each quarter of an hour in which some zone's clock may show it is a wave. A run begins
// with the first zone of the world, at UTC+14, and ends with the last, at UTC−12, 26 hours
// later. Whose time has passed when it begins is in the first wave: they get it at once,
// because a message that is for a day is of less use on the next.
type LocalTime struct {
	// Zone is by whose clock the start is told, and the zone of whoever has none: an IANA
	// name such as Europe/Berlin. Empty: off.
	Zone string `json:"zone,omitempty" toml:"zone" yaml:"zone"`
	// Field is the attribute that has a contact's zone, an IANA name too. Default:
	// timezone, or tz.
	Field string `json:"field,omitempty" toml:"field" yaml:"field"`
}

// LocalWaves are by the clock: each is of those whose clocks show the time at the same
// moment, within a quarter of an hour, which is how zones differ.
const LocalWaves WaveKind = "local"

// waveStep is from one wave by the clock to the next; lastLocal is the last there can be.
const (
	waveStep  = 15 * time.Minute
	lastLocal = 1 + Wave(26*time.Hour/waveStep)
)

// firstZone is where each day begins.
var firstZone = time.FixedZone("UTC+14", 14*60*60)

// On reports whether it is wanted.
func (l LocalTime) On() bool { return l.Zone != "" }

// fields are the attributes that may have a contact's zone, the first that does counts.
func (l LocalTime) fields() []string {
	if l.Field != "" {
		return []string{l.Field}
	}
	return []string{"timezone", "tz"}
}

// localProblems says what is wrong with a campaign's LocalTime; each begins with its key.
func (s Spec) localProblems() []error {
	l := s.LocalTime
	if l == (LocalTime{}) {
		return nil
	}
	var errs []error
	fail := func(key, text string) { errs = append(errs, errors.New(key+": "+text)) }
	if _, err := schedule.Zone(l.Zone); err != nil {
		fail("local_time.zone", err.Error())
	}
	if l.Field != "" && l.Field != FieldName(l.Field) {
		fail("local_time.field", fmt.Sprintf("%q cannot be an attribute's name; use small Latin letters, digits and _, as in timezone", l.Field))
	}
	if s.Class == Transactional {
		fail("local_time", "a message about an order or an account does not wait for a time of the day; take it out")
	}
	if s.Spread != 0 {
		fail("spread", "with local_time each recipient has a time of their own; keep one of them")
	}
	if s.Repeat != (schedule.Repeat{}) && s.Repeat.Zone != l.Zone {
		fail("local_time.zone", fmt.Sprintf("the repetition is told by the clock of %q; write the same zone in both", s.Repeat.Zone))
	}
	if times, err := s.Repeat.Parse(); err == nil && s.Repeat != (schedule.Repeat{}) && moreThanDaily(times) {
		fail("repeat.cron", "with local_time a run is under way for 26 hours and more, and the next one waits for it; once a day at most")
	}
	if share, _, err := s.Brake.canary(); err == nil && share > 0 {
		fail("brake.canary", "with local_time those in the first time zones go first; keep one of them")
	}
	return errs
}

// moreThanDaily reports whether some days have several of the times.
func moreThanDaily(times schedule.Times) bool {
	at := times.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 2 { // the first day may be half over
		next := times.Next(at)
		if next.IsZero() {
			return false
		}
		if next.In(times.Zone()).YearDay() == at.In(times.Zone()).YearDay() && next.Sub(at) < 25*time.Hour {
			return true
		}
		at = next
	}
	return false
}

// Begins is when the first zone's clock shows the time that a run of the campaign is for;
// that time itself when it is for one moment everywhere.
func (s Spec) Begins(at time.Time) time.Time {
	zone, err := schedule.Zone(s.LocalTime.Zone)
	if !s.LocalTime.On() || at.IsZero() || err != nil {
		return at
	}
	return schedule.Shown(at.In(zone), firstZone)
}

// mostLead is how much earlier the first zone's clock shows a time than any other.
const mostLead = 26 * time.Hour

// awaits reports whether a campaign's next run waits for the one before: by recipients'
// clocks a day has 26 hours and more, so that those of a daily one meet.
func (r Recurrence) awaits(runs []Run, now time.Time) bool {
	return r.Spec.LocalTime.On() && now.Before(r.Next.Add(catchUp)) && r.underWay(runs)
}

// undoLocal is how long a run can be taken back that is for a time to come, and has it
// past in some zones.
const undoLocal = time.Minute

// byTheirClocks has a run that is started now be for a time by its recipients' clocks, and
// says when it begins.
func (s *Spec) byTheirClocks(at, now time.Time) (begin time.Time) {
	if at.IsZero() {
		at = now
	}
	s.StartAt = at
	if zone, err := schedule.Zone(s.LocalTime.Zone); err == nil {
		s.StartAt = at.In(zone)
	}
	begin = s.Begins(at)
	if at.After(now) && begin.Before(now.Add(undoLocal)) {
		begin = now.Add(min(at.Sub(now), undoLocal))
	}
	return begin
}

// For is the time that a run is for, by its recipients' clocks if it is sent by those.
func (r Run) For() time.Time {
	if r.Spec.LocalTime.On() && !r.Spec.StartAt.IsZero() {
		return r.Spec.StartAt
	}
	return r.StartAt // it is sent again and again
}

// localWaves is how the audience of a run that has begun is parted by recipients' clocks:
// the first wave is of all whose time has passed.
func localWaves(r *Run) Waves {
	base := r.Spec.Begins(r.For())
	if late := r.Started.Sub(base); late > 0 {
		base = base.Add(late.Truncate(waveStep))
	}
	return Waves{Kind: LocalWaves, Base: base}
}

// waveAt is the wave that opens at a moment or was the last to open before it; 0 when none
// was.
func (w Waves) waveAt(t time.Time) Wave {
	if t.Before(w.Base) {
		return 0
	}
	return min(1+Wave(min(t.Sub(w.Base)/waveStep, time.Duration(lastLocal))), lastLocal)
}

// waveOf is the wave of whoever is due at a moment.
func (w Waves) waveOf(due time.Time) Wave { return max(w.waveAt(due.Add(waveStep-1)), 1) }

// Opens is when a wave by the clock opens; zero for other waves.
func (w Waves) Opens(n Wave) time.Time {
	if w.Kind != LocalWaves {
		return time.Time{}
	}
	return w.Base.Add(time.Duration(n-1) * waveStep)
}

// clocks tells by what people's clocks show when they get a message that is for a time.
type clocks struct {
	fields []string
	wall   time.Time // in the campaign's own zone, to the minute
	find   func(name string) (*time.Location, error)
	due    map[string]time.Time // by name, mostZones of them; zero for what is no zone
}

// mostZones bounds what is remembered of names: there are some 600, but attributes may
// have anything.
const mostZones = 2000

// newClocks is for a campaign with LocalTime whose zone is known.
func newClocks(l LocalTime, start time.Time) (*clocks, error) {
	zone, err := schedule.Zone(l.Zone)
	if err != nil {
		return nil, fmt.Errorf("%w: local_time.zone: %w", errUnusable, err)
	}
	return &clocks{fields: l.fields(), wall: schedule.Shown(start.In(zone), zone), find: schedule.Zone, due: map[string]time.Time{}}, nil
}

// of returns the zone that a contact's attributes name, and when its clock shows the time;
// "" and the campaign's own time when they name none.
func (c *clocks) of(attributes []byte) (zone string, due time.Time) {
	name := zoneIn(attributes, c.fields)
	at, known := c.due[name]
	if !known {
		if zone, err := c.find(name); err == nil {
			at = schedule.Shown(c.wall, zone)
		}
		c.remember(name, at)
	}
	if at.IsZero() {
		return "", c.wall
	}
	return name, at
}

// remember keeps what was found of a name. Where there is no room any name goes for it: to
// find a zone reads files, and a name that many contacts have must not cost that for each,
// however many others there are.
func (c *clocks) remember(name string, at time.Time) {
	for other := range c.due {
		if len(c.due) < mostZones {
			break
		}
		delete(c.due, other)
	}
	c.due[name] = at
}

// zoneIn is what the first of some attributes says that has a text.
func zoneIn(attributes []byte, fields []string) string {
	for _, field := range fields {
		if !bytes.Contains(attributes, []byte(`"`+field+`"`)) {
			continue
		}
		var values map[string]json.RawMessage
		var name string
		if json.Unmarshal(attributes, &values) == nil && json.Unmarshal(values[field], &name) == nil && strings.TrimSpace(name) != "" {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// meant is the time that the campaign's next run is for: the next of its repetition, a
// start_at that is to come, or now.
func (s Spec) meant(now time.Time) time.Time {
	if times, err := s.Repeat.Parse(); err == nil {
		return times.Next(now)
	}
	if s.StartAt.After(now) {
		return s.StartAt
	}
	return now
}

// ByTheirClocks foretells in words, by the reader's clock, when the audience that was
// counted gets the campaign if it is for a time; the zero time is that of its next run. ""
// when that is not told by recipients' clocks.
func (s Spec) ByTheirClocks(count AudienceCount, at, now time.Time, reader *time.Location) string {
	own, err := schedule.Zone(s.LocalTime.Zone)
	if !s.LocalTime.On() || err != nil || count.Recipients == 0 {
		return ""
	}
	if at.IsZero() {
		at = s.meant(now)
	}
	at = schedule.Shown(at.In(own), own)
	var first, last struct {
		at   time.Time
		zone string
	}
	var past int64
	for _, name := range slices.Sorted(maps.Keys(count.Zones)) {
		due := at
		if zone, err := schedule.Zone(name); err == nil {
			due = schedule.Shown(at, zone)
		}
		if due.Before(now) {
			past += count.Zones[name]
			continue
		}
		if first.zone == "" || due.Before(first.at) {
			first.at, first.zone = due, cmp.Or(name, s.LocalTime.Zone)
		}
		if last.zone == "" || due.After(last.at) {
			last.at, last.zone = due, cmp.Or(name, s.LocalTime.Zone)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "For %s on each recipient's clock:", at.Format("Mon 2 Jan, 15:04"))
	switch {
	case first.zone == "":
	case first.at.Equal(last.at):
		fmt.Fprintf(&text, " all at %s (%s).", when(first.at, reader), first.zone)
	default:
		fmt.Fprintf(&text, " the first at %s (%s), the last at %s (%s).", when(first.at, reader), first.zone, when(last.at, reader), last.zone)
	}
	if past > 0 {
		fmt.Fprintf(&text, " At once, because their clock shows more: %s.", people(past))
	}
	if n := count.Zones[""]; n > 0 {
		fmt.Fprintf(&text, " Without a zone that is known, by the clock of %s: %s.", s.LocalTime.Zone, people(n))
	}
	return text.String()
}
