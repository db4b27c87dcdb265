package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Wave numbers the parts of a run's audience that are fed one after the other, from 1.
// Whoever is in a run without waves, and whoever a run skips from the start, is in wave 0.
//
// The snapshot says who is in which, from nothing but the run, the contact and the run's
// Waves, so that whoever repeats a page says the same. A lane's marker is a pair of wave
// and contact that only grows, so a wave is fed only when it is open, those before it are,
// and nobody can join those before it: the second begins when the audience is complete.
type Wave int16

// Place is where a recipient stands in the order in which a lane is fed.
type Place struct {
	Wave    Wave
	Contact ContactID
}

// WaveKind is why a run's audience is parted. The names are stored.
type WaveKind string

// The kinds of waves.
const (
	// NoWaves: the whole audience at once.
	NoWaves WaveKind = "none"
	// CanaryWaves: a share goes first, and the rest when that did no harm.
	CanaryWaves WaveKind = "canary"
	// ABWaves: an A/B test is made with a share, and the rest gets its winner.
	ABWaves WaveKind = "ab"
)

// Waves is how a run's audience is parted, and how far its waves are open. Kind, Share and
// Base are frozen before the first page of the audience is taken; the zero Waves is of a
// run that could have none.
type Waves struct {
	Kind WaveKind
	// Share is how many in a million are in wave 1, drawn at random; the others are in
	// wave 2. It is of kinds that have two waves.
	Share int
	// Base is when the first wave opens, of kinds whose waves open by the clock.
	Base time.Time
	// Open is the last wave that may be fed because somebody said so, Opened when and Note
	// why. It only grows.
	Open   Wave
	Opened time.Time
	Note   string
	// Due is when the next wave is to open by itself; zero while that is not known.
	Due time.Time
}

// WaveCount is how many recipients of a run's lane the snapshot had wait in a wave.
type WaveCount struct {
	Lane Lane
	Wave Wave
	N    int64
}

// WaveStore is what the planner needs of the store for waves.
type WaveStore interface {
	// WavesOf returns a run's waves; ErrNotFound when none were frozen.
	WavesOf(ctx context.Context, id RunID) (Waves, error)
	// FreezeWaves keeps how a run's audience is parted for good and returns it: an
	// earlier answer stays.
	FreezeWaves(ctx context.Context, id RunID, w Waves) (Waves, error)
	// OpenWaves lets a run's waves up to one be fed, and keeps why; false when they may
	// be already.
	OpenWaves(ctx context.Context, id RunID, upTo Wave, why string, now time.Time) (bool, error)
	// SetWavesDue keeps when a run's next wave is to open, unless that is known already.
	SetWavesDue(ctx context.Context, id RunID, due time.Time) error
	// WaveCounts returns how many the snapshot has in each wave so far, by lane and wave.
	WaveCounts(ctx context.Context, id RunID) ([]WaveCount, error)
	// WaitingInWaves returns Waiting rows of a lane behind a place, in order of wave and
	// contact, of waves from 1 up to one.
	WaitingInWaves(ctx context.Context, id RunID, lane Lane, after Place, upTo Wave, limit int) ([]FeedRow, error)
}

// Any reports whether the run has waves.
func (w Waves) Any() bool { return w.Kind != "" && w.Kind != NoWaves }

// Last is the last wave there can be; 0 without waves.
func (w Waves) Last() Wave {
	switch {
	case !w.Any():
		return 0
	case w.Kind == LocalWaves:
		return lastLocal
	}
	return 2
}

// First is the wave that is fed while the audience is still being taken; 0 without waves.
func (w Waves) First() Wave { return min(1, w.Last()) }

// OpenAt is the last wave that is open at a moment; 0 without waves, and while none is.
func (w Waves) OpenAt(at time.Time) Wave {
	if w.Kind == LocalWaves {
		return max(w.waveAt(at), w.Open)
	}
	return min(max(w.First(), w.Open), w.Last())
}

// Draw is a number from 0 to 999,999 that is a contact's in a run, as good as drawn at
// random: the same whoever asks, and another in each run.
func Draw(run RunID, c ContactID) int {
	// The finalizer of SplitMix64, over each in turn.
	mix := func(x uint64) uint64 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
	return int(mix(mix(uint64(run))^uint64(c)) % 1_000_000)
}

// waveKind is the kind of waves that runs of a campaign have, if they have any.
func (s Spec) waveKind() WaveKind {
	switch {
	case s.AB.HasRest(): // whose test shows the harm that a canary would
		return ABWaves
	case s.LocalTime.On():
		return LocalWaves
	case s.mayHaveCanary():
		return CanaryWaves
	}
	return NoWaves
}

// waves are a run's, frozen now if its audience has not been begun.
func (p *Planner) waves(ctx context.Context, r *Run) (Waves, error) {
	if r.Spec.waveKind() == NoWaves {
		return Waves{}, nil
	}
	w, err := p.Store.WavesOf(ctx, r.ID)
	switch {
	case err == nil:
		return w, nil
	case !errors.Is(err, ErrNotFound):
		return w, fmt.Errorf("planner: waves of run %d: %w", r.ID, err)
	case r.SnapshotCursor != 0 || r.SnapshotDone:
		return Waves{}, nil // begun by a version that knew none
	}
	if w, err = p.newWaves(ctx, r); err == nil {
		w, err = p.Store.FreezeWaves(ctx, r.ID, w)
	}
	if err != nil {
		return w, fmt.Errorf("planner: waves of run %d: %w", r.ID, err)
	}
	return w, nil
}

// newWaves is how a run's audience is to be parted.
func (p *Planner) newWaves(ctx context.Context, r *Run) (Waves, error) {
	switch r.Spec.waveKind() {
	case ABWaves:
		return Waves{Kind: ABWaves, Share: r.Spec.AB.inMillion()}, nil
	case LocalWaves:
		return localWaves(r), nil
	}
	return p.canaryWaves(ctx, r)
}

// parts are how many of a run's recipients are in each wave of a lane, as far as the
// snapshot has come.
type parts map[Lane]map[Wave]int64

func (p parts) add(lane Lane, w Wave, n int64) {
	if p[lane] == nil {
		p[lane] = map[Wave]int64{}
	}
	p[lane][w] += n
}

// held is how many of a lane are in waves behind one.
func (p parts) held(lane Lane, upTo Wave) int64 {
	var n int64
	for w, in := range p[lane] {
		if w > upTo {
			n += in
		}
	}
	return n
}

// readWaves reads how a run's audience is parted, and what an earlier planner has taken of it.
func (p *Planner) readWaves(ctx context.Context, r *Run, s *snapshot) (err error) {
	if s.waves, err = p.waves(ctx, r); err != nil || !s.waves.Any() {
		return err
	}
	counts, err := p.Store.WaveCounts(ctx, s.run)
	if err != nil {
		return fmt.Errorf("planner: waves of run %d: %w", s.run, err)
	}
	if s.waves.Kind == LocalWaves {
		if s.clocks, err = newClocks(r.Spec.LocalTime, r.For()); err != nil {
			return err
		}
	}
	if s.waves.Open >= s.waves.Last() {
		s.until = r.spreadFrom(s.waves.Opened)
	}
	s.parts = parts{}
	for _, c := range counts {
		s.parts.add(c.Lane, c.Wave, c.N)
	}
	return nil
}

// waveOf says which wave a member of the run's audience who waits is in.
func (s *snapshot) waveOf(m *AudienceMember) Wave {
	switch {
	case !s.waves.Any():
		return 0
	case s.clocks != nil:
		_, due := s.clocks.of(m.Attributes)
		return s.waves.waveOf(due)
	case Draw(s.run, m.ID) < s.waves.Share:
		return 1
	}
	return 2
}

// openWaves reads how far a run's waves are open, for a round of feeding.
func (p *Planner) openWaves(ctx context.Context, r *Run, s *snapshot) error {
	if !s.waves.Any() {
		return nil
	}
	if s.waves.Open < s.waves.Last() {
		w, err := p.Store.WavesOf(ctx, s.run)
		if err != nil {
			return fmt.Errorf("planner: waves of run %d: %w", s.run, err)
		}
		s.waves = w
		if w.Open >= w.Last() { // what is spread is the last wave
			s.until = r.spreadFrom(w.Opened)
		}
	}
	s.upTo = s.waves.OpenAt(p.Now())
	if !s.done {
		s.upTo = min(s.upTo, s.waves.First())
	}
	return nil
}
