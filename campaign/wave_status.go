package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign/schedule"
)

// WaveStatus is a run's waves with how many are in them. Its zero value is of a run
// without waves.
type WaveStatus struct {
	Waves
	Parts []WavePart // those that have anybody, in order
	// Complete: the whole audience is in them.
	Complete bool
}

// WavePart is how many of a run wait, or waited, in a wave.
type WavePart struct {
	Wave  Wave
	N     int64
	Opens time.Time // of waves by the clock
}

// waveStatus reads a run's waves.
func (s *Service) waveStatus(ctx context.Context, r *Run) (WaveStatus, error) {
	if r.Spec.waveKind() == NoWaves {
		return WaveStatus{}, nil
	}
	w, err := s.Store.WavesOf(ctx, r.ID)
	if errors.Is(err, ErrNotFound) || err == nil && !w.Any() {
		return WaveStatus{}, nil
	}
	if err != nil {
		return WaveStatus{}, err
	}
	counts, err := s.Store.WaveCounts(ctx, r.ID)
	if err != nil {
		return WaveStatus{}, err
	}
	n := map[Wave]int64{}
	for _, c := range counts {
		n[c.Wave] += c.N
	}
	status := WaveStatus{Waves: w, Complete: r.SnapshotDone}
	for _, wave := range slices.Sorted(maps.Keys(n)) {
		status.Parts = append(status.Parts, WavePart{wave, n[wave], w.Opens(wave)})
	}
	return status, nil
}

// Held is how many are in waves that are not open at a moment.
func (w WaveStatus) Held(now time.Time) (n int64) {
	for _, p := range w.held(now) {
		n += p.N
	}
	return n
}

// held are the parts that are not open at a moment.
func (w WaveStatus) held(now time.Time) []WavePart {
	open := w.OpenAt(now)
	i := slices.IndexFunc(w.Parts, func(p WavePart) bool { return p.Wave > open })
	if i < 0 {
		return nil
	}
	return w.Parts[i:]
}

// NextAt is when the next wave that has anybody opens by itself; zero when that is not
// known.
func (w WaveStatus) NextAt(now time.Time) time.Time {
	if held := w.held(now); len(held) > 0 && w.Kind == LocalWaves {
		return held[0].Opens
	}
	return w.Due
}

// people is everybody in them.
func (w WaveStatus) people() (n int64) {
	for _, p := range w.Parts {
		n += p.N
	}
	return n
}

// WaitsFor says which wave of a running run comes next, and when by the reader's clock; ""
// when none does.
func (w WaveStatus) WaitsFor(r *Run, now time.Time, reader *time.Location) string {
	held := w.held(now)
	if r.State != RunRunning || !w.Any() || len(held) == 0 && w.Complete || w.Open >= w.Last() {
		return ""
	}
	switch w.Kind {
	case LocalWaves:
		return w.nextByTheClock(r, held, reader)
	case CanaryWaves:
		return w.nextOfCanary(r, now, reader)
	}
	return "" // a test says it of itself
}

// nextOfCanary says who goes first, and when the others do.
func (w WaveStatus) nextOfCanary(r *Run, now time.Time, reader *time.Location) string {
	rest := "The rest leaves"
	var s strings.Builder
	if w.Complete {
		fmt.Fprintf(&s, "A canary of %s of %s goes first, over all sites. ", grouped(w.people()-w.Held(now)), grouped(w.people()))
		rest = fmt.Sprintf("The other %s leave", grouped(w.Held(now)))
	} else {
		fmt.Fprintf(&s, "A canary goes first, %.2g %% of the audience, over all sites. ", 100*float64(w.Share)/maxShare)
	}
	if w.Due.IsZero() {
		fmt.Fprintf(&s, "%s %s after it was tried", rest, roughly(time.Duration(r.Spec.Brake.WithDefaults().CanaryWait)))
	} else {
		fmt.Fprintf(&s, "%s at %s", rest, clockAt(w.Due, reader))
	}
	s.WriteString(", unless the brake stops the run.")
	return s.String()
}

// nextByTheClock says whose clock shows the time next, and last.
func (w WaveStatus) nextByTheClock(r *Run, held []WavePart, reader *time.Location) string {
	zone, err := schedule.Zone(r.Spec.LocalTime.Zone)
	if err != nil {
		zone = time.UTC
	}
	hour := r.For().In(zone).Format("15:04") // of a repetition's run, read from the store, the zone is lost
	if len(held) == 0 {
		return "It is sent at " + hour + " by each recipient's clock."
	}
	text := fmt.Sprintf("It is sent at %s by each recipient's clock. Next: %s at %s", hour, people(held[0].N), when(held[0].Opens, reader))
	if last := held[len(held)-1]; len(held) > 1 {
		text += fmt.Sprintf(", then others until %s", when(last.Opens, reader))
	}
	return text + "."
}

// Parted says how a run was parted, and when by the reader's clock, for its report; "" when
// it was not.
func (w WaveStatus) Parted(reader *time.Location) string {
	switch {
	case w.Kind == CanaryWaves && len(w.Parts) > 0 && w.Parts[0].Wave == 1:
		text := fmt.Sprintf("%s of %s", grouped(w.Parts[0].N), grouped(w.people()))
		if w.Opened.IsZero() {
			return text + " first"
		}
		return fmt.Sprintf("%s went first; the rest left %s: %s", text, when(w.Opened, reader), w.Note)
	case w.Kind == LocalWaves && len(w.Parts) == 1:
		return "by each recipient's clock, which was one"
	case w.Kind == LocalWaves && len(w.Parts) > 1:
		return fmt.Sprintf("by each recipient's clock, at %d times from %s to %s", len(w.Parts), when(w.Parts[0].Opens, reader), when(w.Parts[len(w.Parts)-1].Opens, reader))
	}
	return ""
}

// WaitsFor says what a running run waits for: its window, and its next wave, by the
// reader's clock; "" when it waits for neither.
func (s Status) WaitsFor(now time.Time, reader *time.Location) string {
	return strings.TrimSpace(s.Run.WaitsFor(now, reader) + " " + s.Waves.WaitsFor(&s.Run, now, reader))
}

func people(n int64) string {
	if n == 1 {
		return "1 person"
	}
	return grouped(n) + " people"
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
