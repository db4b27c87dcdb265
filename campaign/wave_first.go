package campaign

import (
	"context"
	"maps"
	"time"
)

// firstWave is how the first of a run's two waves stands.
type firstWave struct {
	in      int64 // how many are in it,
	behind  int64 // and in the second
	untried int64 // of those in it
}

// firstWave reads it. Those behind it wait as well.
func (p *Planner) firstWave(ctx context.Context, r *Run) (w firstWave, err error) {
	counts, err := p.Store.WaveCounts(ctx, r.ID)
	if err != nil {
		return w, err
	}
	lanes, err := p.Store.RunLanes(ctx, r.ID)
	if err != nil {
		return w, err
	}
	for _, c := range counts {
		if c.Wave == 1 {
			w.in += c.N
		} else {
			w.behind += c.N
		}
	}
	w.untried = -w.behind
	for _, l := range lanes {
		if l.State == Waiting {
			w.untried += l.N
		}
	}
	return w, nil
}

// tried reports whether everybody in it was tried or, when that takes too long, half of
// them: a site that takes nothing must not keep the others waiting.
func (w firstWave) tried(late bool) bool { return w.untried <= 0 || late && 2*w.untried <= w.in }

// wavePatience is how long the first of two waves may take before half of it is enough.
const wavePatience = time.Hour

// tries remembers since when runs try their first wave: since the audience was complete, or
// they were resumed after that. It is in memory: a planner that is new has new patience.
type tries map[RunID]try

type try struct {
	epoch int64
	since time.Time
}

// late reports whether a running run's first wave takes too long. Hours in which it may not
// send do not count.
func (t tries) late(r *Run, now time.Time) bool {
	began, known := t[r.ID]
	if !known || began.epoch != r.Epoch {
		began = try{r.Epoch, now}
		t[r.ID] = began
	}
	hours, err := r.Spec.Window.Parse()
	return err == nil && !now.Before(hours.After(began.since, wavePatience))
}

// keepOnly forgets whatever is remembered of runs that are not open any longer.
func keepOnly[T any](of map[RunID]T, open map[RunID]bool) {
	maps.DeleteFunc(of, func(id RunID, _ T) bool { return !open[id] })
}

// idsOf are the runs' ids.
func idsOf(runs []Run) map[RunID]bool {
	ids := make(map[RunID]bool, len(runs))
	for i := range runs {
		ids[runs[i].ID] = true
	}
	return ids
}
