package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign/schedule"
)

// SitePace is what is known beforehand of how fast a mailbox operator takes our mail.
type SitePace struct {
	Site  string    // as people call it
	Rate  float64   // messages per second, all sources together; above 0
	Until time.Time // nothing is taken before, as while it is paused; zero: no pause
	// Paused: nothing is taken until a person says so.
	Paused bool
	// PerDay are the allowances of new sources from today (UTC) on, when all of a
	// campaign's sources are new; after the last there is none. Empty: no allowance.
	PerDay []int64
}

// Forecast is how long a run is expected to take: what providers' limits, the sources'
// warm-up, sending hours and our own speed add up to. Retries are not in it.
type Forecast struct {
	Lasts time.Duration // from its start to the last first attempt
	Bound string        // by what, in words
}

// String says a forecast: "about 2 h 10 min, bound by Gmail at 20 a second".
func (f Forecast) String() string {
	if f == (Forecast{}) {
		return ""
	}
	return "about " + roughly(f.Lasts) + ", bound by " + f.Bound
}

// roughly writes a duration as precisely as a forecast is.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", (d+time.Minute-1)/time.Minute)
	case d < 48*time.Hour:
		d = d.Round(5 * time.Minute)
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute), " 0 min")
	}
	return fmt.Sprintf("%d days", (d+12*time.Hour)/(24*time.Hour))
}

// assumedSpeed is how many messages a second the engine is trusted with before a large
// run has shown more: what two cores sign and send.
const assumedSpeed = 300

// Forecast foretells a run to an audience that was counted, if it starts at a time; the
// zero Forecast for nobody, when its rest waits until a person chooses, and when its window
// cannot be read.
func (s *Service) Forecast(ctx context.Context, spec Spec, count AudienceCount, start time.Time) (Forecast, error) {
	hours, err := spec.Window.Parse()
	if err != nil {
		return Forecast{}, nil // a start will say why it cannot be
	}
	spec.AB = spec.AB.withDefaults() // of a draft they are not filled in
	if count.Recipients == 0 || spec.AB.HasRest() && spec.AB.Winner == ByChoice {
		return Forecast{}, nil
	}
	wait, what := spec.waitsFor(count)
	start = start.Add(wait)
	own, err := s.Store.FastestRun(ctx)
	if err != nil {
		return Forecast{}, err
	}
	own = max(own, assumedSpeed)
	limitOf := func(string) SitePace { return SitePace{} }
	if s.Limits != nil {
		if limitOf, err = s.Limits(ctx, spec); err != nil {
			return Forecast{}, err
		}
	}
	f := Forecast{Lasts: seconds(float64(count.Recipients) / own), Bound: fmt.Sprintf("our own speed, %.0f a second", own)}
	if d := time.Duration(spec.Spread); d > f.Lasts {
		f = Forecast{Lasts: d, Bound: "the time it is spread over"}
	}
	var paused []string
	for _, site := range bySite(count.Domains, limitOf) {
		if site.Paused {
			paused = append(paused, site.Site)
			continue
		}
		if d, bound := site.takes(hours.Next(start)); d > f.Lasts {
			f = Forecast{Lasts: d, Bound: bound}
		}
	}
	end := hours.After(start, f.Lasts)
	if end.Sub(start) > f.Lasts+time.Minute && !hours.Always() {
		f = Forecast{Lasts: end.Sub(start), Bound: f.Bound + ", and the hours in which it may send"}
	}
	if last := spec.lastClock(count, start); last > f.Lasts {
		f = Forecast{Lasts: last, Bound: "the clock of the last time zone"}
	}
	if wait > 0 {
		f.Lasts += wait
		f.Bound += "; " + roughly(wait) + " of it are " + what
	}
	if slices.Sort(paused); len(paused) > 0 {
		f.Bound += "; " + strings.Join(paused, ", ") + " is paused and not in it"
	}
	return f, nil
}

// waitsFor is how long the rest of an audience waits for those who go first, and for what.
// They are taken to leave in no time.
func (s Spec) waitsFor(count AudienceCount) (time.Duration, string) {
	switch s.waveKind() {
	case ABWaves:
		return time.Duration(s.AB.After), "the A/B test's"
	case CanaryWaves:
		if s.CanaryShare(count.Recipients) > 0 {
			return time.Duration(s.Brake.WithDefaults().CanaryWait), "the canary's"
		}
	}
	return 0, ""
}

// lastClock is how long a run by recipients' clocks lasts at least, from its beginning to
// the last of them; 0 when it is for one moment everywhere.
func (s Spec) lastClock(count AudienceCount, start time.Time) time.Duration {
	own, err := schedule.Zone(s.LocalTime.Zone)
	if !s.LocalTime.On() || err != nil {
		return 0
	}
	at := s.meant(start)
	begin := s.Begins(at)
	if begin.Before(start) {
		begin = start
	}
	var lasts time.Duration
	for name := range count.Zones {
		zone, err := schedule.Zone(name)
		if err != nil {
			zone = own
		}
		lasts = max(lasts, schedule.Shown(at.In(own), zone).Sub(begin))
	}
	return lasts
}

// siteMail is how much mail there is for a site.
type siteMail struct {
	SitePace
	n int64
}

func bySite(domains map[string]int64, limitOf func(string) SitePace) map[string]*siteMail {
	sites := map[string]*siteMail{}
	for domain, n := range domains {
		limit := limitOf(domain)
		if limit.Rate <= 0 {
			continue
		}
		if sites[limit.Site] == nil {
			sites[limit.Site] = &siteMail{SitePace: limit}
		}
		sites[limit.Site].n += n
	}
	return sites
}

// takes is how long a site needs from a start on, and what bounds it.
func (m *siteMail) takes(start time.Time) (time.Duration, string) {
	wait := max(m.Until.Sub(start), 0)
	lasts, bound := wait+seconds(float64(m.n)/m.Rate), fmt.Sprintf("%s at %.3g a second", m.Site, m.Rate)
	if wait > lasts/2 {
		bound = m.Site + ", which takes nothing in the first " + roughly(wait) // it is kept, for readers in any zone
	}
	left, midnight := m.n, start.UTC().Truncate(24*time.Hour)
	for day, allowed := range m.PerDay {
		if left <= allowed {
			break
		}
		left -= allowed
		next := midnight.AddDate(0, 0, day+1)
		if d := next.Sub(start) + seconds(float64(left)/m.Rate); d > lasts {
			lasts, bound = d, "what new sources may send to "+m.Site+" in a day"
		}
	}
	return lasts, bound
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Foretell keeps what was foretold of a run, for its report.
func (s *Service) Foretell(ctx context.Context, id RunID, f Forecast) error {
	return s.Store.SetForecast(ctx, id, f)
}

// Came says how a finished run compares with its forecast; "" when there was none.
func (r Run) Came() string {
	if r.Forecast.Lasts == 0 || r.State != RunFinished {
		return ""
	}
	took := r.Finished.Sub(r.Started)
	return fmt.Sprintf("The forecast was %s; it took %s.", r.Forecast, roughly(took))
}
