package campaign

import (
	"math/rand/v2"
	"time"
)

// A run whose mail is spread is fed lane by lane, each evenly over the time that is left,
// so that every site gets its part all the time. Nothing of it is kept: what is left to be
// fed and until when are known after a restart too, and what a pause or an outage has
// cost is spread over the rest instead of being made up at once.
const (
	// spreadEvery is how often a lane is given its next part: each is a batch.
	spreadEvery = 5 * time.Second
	// spreadMost is the time for which a lane is given its part at most at once.
	spreadMost = 30 * time.Second
)

// spreader paces one lane of a run. Its zero value is ready.
type spreader struct {
	at    time.Time // of the last part
	saved float64   // recipients, and a fraction, that may be fed
}

// allow adds the part that is due now, when unfed recipients are left for so long.
func (s *spreader) allow(unfed int64, left time.Duration, now time.Time) {
	if left <= 0 {
		s.saved = float64(unfed)
		return
	}
	if s.at.IsZero() {
		s.at, s.saved = now, rand.Float64() // so that lanes with one recipient each do not all send at once
		return
	}
	dt := now.Sub(s.at)
	if dt < spreadEvery {
		return
	}
	s.at = now
	part := float64(unfed) * min(dt, spreadMost).Seconds() / left.Seconds()
	s.saved = min(s.saved+part, float64(unfed))
}

// room is how many may be fed now.
func (s *spreader) room() int64 { return int64(s.saved) }

// fed takes note of what was.
func (s *spreader) fed(n int64) { s.saved = max(s.saved-float64(n), 0) }

// SpreadUntil is when the last of a started run's mail is fed if it is spread and has no
// waves, as far as pauses do not delay it; zero when it is not. With waves see Status.
func (r Run) SpreadUntil() time.Time { return r.spreadFrom(r.Started) }

// SpreadUntil is when the last of a run's mail is fed if it is spread: of a run with waves
// that is the last wave, and the time is not known before it is open.
func (s Status) SpreadUntil() time.Time {
	switch {
	case !s.Waves.Any():
		return s.Run.SpreadUntil()
	case s.Waves.Open < s.Waves.Last():
		return time.Time{}
	}
	return s.Run.spreadFrom(s.Waves.Opened)
}

func (r Run) spreadFrom(start time.Time) time.Time {
	hours, err := r.Spec.Window.Parse()
	if err != nil || r.Spec.Spread == 0 || start.IsZero() {
		return time.Time{}
	}
	return hours.After(start, time.Duration(r.Spec.Spread))
}
