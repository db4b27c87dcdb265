package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// brakeEvery is how often the counts of running runs are judged.
const brakeEvery = time.Second

// BrakeStore is what the planner's brakes need of the store.
type BrakeStore interface {
	// RunLanes returns the kept counts of a run by lane, state and reason.
	RunLanes(ctx context.Context, id RunID) ([]LaneCount, error)
	// FeedbackCounts returns what was heard after messages of a run had been accepted.
	FeedbackCounts(ctx context.Context, id RunID) ([]FeedbackCount, error)
	// ReplyOf returns the words that a server said to one of a run's recipients in a
	// lane who is in a state for a reason; "" when there are none.
	ReplyOf(ctx context.Context, id RunID, lane Lane, s State, because Reason) (string, error)
	// PullBrake pauses a running run with a note, and keeps that it did so;
	// ErrConflict when it is not running.
	PullBrake(ctx context.Context, id RunID, note string, now time.Time) error
	// BrakePulled tells when a run's brake was pulled; zero when it was not.
	BrakePulled(ctx context.Context, id RunID) (time.Time, error)
}

// brake judges running runs until ctx is done. A run whose brake was pulled is not judged
// again: whoever resumed it has seen why, and said to go on. Of a run that was paused for
// another reason, only what came since it was resumed is judged: the reason may be gone.
func (p *Planner) brake(ctx context.Context) error {
	b := &brakes{p: p, released: map[RunID]bool{}, resumed: map[RunID]tally{}, whole: map[RunID]bool{}, tries: tries{}}
	for sleep(ctx, brakeEvery) {
		runs := p.openRuns()
		b.forget(idsOf(runs))
		for i := range runs {
			r := &runs[i]
			if r.State != RunRunning || r.Spec.Brake.Off || r.Spec.Class == Transactional {
				continue
			}
			if err := b.look(ctx, r); err != nil && ctx.Err() == nil {
				p.Log.Warn("planner: a run cannot be judged, its brake waits", "run", r.ID, "error", err)
			}
		}
	}
	return nil
}

// brakes is what is remembered of the runs that are judged.
type brakes struct {
	p        *Planner
	released map[RunID]bool // not judged again
	resumed  map[RunID]tally
	whole    map[RunID]bool // no canary of theirs goes first, or it did
	tries    tries
}

// forget keeps only what is of open runs.
func (b *brakes) forget(open map[RunID]bool) {
	keepOnly(b.released, open)
	keepOnly(b.resumed, open)
	keepOnly(b.whole, open)
	keepOnly(b.tries, open)
}

// look judges a run, and lets those go who wait for its canary.
func (b *brakes) look(ctx context.Context, r *Run) error {
	canary, err := b.canary(ctx, r)
	if err != nil {
		return err
	}
	brake := r.Spec.Brake.WithDefaults()
	if canary.tried {
		brake.Least = min(brake.Least, canarySettled)
	}
	if !b.released[r.ID] {
		stopped, err := b.judge(ctx, r, brake, canary.tried)
		if err != nil || stopped {
			return err
		}
	}
	if !canary.tried || canary.waves.Kind != CanaryWaves {
		return nil
	}
	b.whole[r.ID], err = b.p.letGo(ctx, r, canary)
	return err
}

// canary is how a run's canary stands; the zero value when it has none.
func (b *brakes) canary(ctx context.Context, r *Run) (minded, error) {
	if kind := r.Spec.waveKind(); b.whole[r.ID] || kind != CanaryWaves && kind != ABWaves {
		return minded{}, nil
	}
	c, over, err := b.mind(ctx, r)
	if err != nil || over {
		b.whole[r.ID] = err == nil
		return minded{}, err
	}
	return c, nil
}

// judge pulls a run's brake if its counts demand it, and reports whether that, or somebody
// who was faster, has stopped it now. A canary is judged as a whole, though the run was
// paused and resumed meanwhile: nothing else says whether the rest may leave.
func (b *brakes) judge(ctx context.Context, r *Run, brake Brake, canary bool) (stopped bool, err error) {
	p := b.p
	now := tally{epoch: r.Epoch}
	if now.lanes, err = p.Store.RunLanes(ctx, r.ID); err != nil {
		return false, err
	}
	if now.heard, err = p.Store.FeedbackCounts(ctx, r.ID); err != nil {
		return false, err
	}
	if r.Epoch > 0 && b.resumed[r.ID].epoch != r.Epoch {
		b.resumed[r.ID] = now
	}
	since := b.resumed[r.ID]
	if canary {
		since = tally{}
	}
	harm := brake.Judge(now.since(since))
	if harm == nil {
		return false, nil
	}
	at, err := p.Store.BrakePulled(ctx, r.ID)
	if err != nil {
		return false, err
	}
	if !at.IsZero() {
		b.released[r.ID] = true
		return false, nil
	}
	quote, err := p.quote(ctx, r.ID, harm)
	if err != nil {
		return false, err
	}
	note := harm.note(quote)
	err = p.Store.PullBrake(ctx, r.ID, note, p.Now())
	if errors.Is(err, ErrConflict) {
		return true, nil // it does not run any longer
	}
	if err == nil {
		b.released[r.ID] = true
		p.Log.Warn("planner: the brake stopped a run", "run", r.ID, "campaign", r.Spec.Name, "why", note)
	}
	return err == nil, err
}

// tally is what a run's counts were in an epoch.
type tally struct {
	epoch int64
	lanes []LaneCount
	heard []FeedbackCount
}

// since is what came after an earlier tally. Who has left a state since is in none.
func (t tally) since(before tally) ([]LaneCount, []FeedbackCount) {
	lanes, heard := slices.Clone(t.lanes), slices.Clone(t.heard)
	for _, b := range before.lanes {
		for i := range lanes {
			if l := &lanes[i]; l.Lane == b.Lane && l.State == b.State && l.Reason == b.Reason {
				l.N = max(l.N-b.N, 0)
			}
		}
	}
	for _, b := range before.heard {
		for i := range heard {
			if h := &heard[i]; h.Lane == b.Lane && h.Kind == b.Kind {
				h.N -= b.N
			}
		}
	}
	return lanes, heard
}

// quote finds what the site said.
func (p *Planner) quote(ctx context.Context, id RunID, h *Harm) (string, error) {
	for _, because := range h.Reasons {
		for _, s := range []State{Bounced, Deferred} {
			words, err := p.Store.ReplyOf(ctx, id, h.Lane, s, because)
			if err != nil || words != "" {
				return words, err
			}
		}
	}
	return "", nil
}

// note says what happened and what to do.
func (h *Harm) note(quote string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "The brake stopped this run: %d of %d at %s %s, %.3g %%, more than %.3g %%.", h.N, h.Of, h.Lane.Title(), h.Kind, h.Share(), h.Limit)
	if quote != "" {
		fmt.Fprintf(&s, " The server says: %s", quote)
		if !strings.HasSuffix(quote, ".") {
			s.WriteByte('.')
		}
	}
	s.WriteString(" Resume to go on without the brake, or cancel.")
	return s.String()
}
