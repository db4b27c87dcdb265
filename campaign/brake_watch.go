package campaign

import (
	"context"
	"errors"
	"fmt"
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
// again: whoever resumed it has seen why, and said to go on.
func (p *Planner) brake(ctx context.Context) error {
	released := map[RunID]bool{}
	for sleep(ctx, brakeEvery) {
		runs := p.openRuns()
		for i := range runs {
			r := &runs[i]
			if r.State != RunRunning || r.Spec.Brake.Off || r.Spec.Class == Transactional || released[r.ID] {
				continue
			}
			pulled, err := p.judge(ctx, r)
			if err != nil && ctx.Err() == nil {
				p.Log.Warn("planner: a run cannot be judged, its brake waits", "run", r.ID, "error", err)
			}
			if pulled {
				released[r.ID] = true
			}
		}
	}
	return nil
}

// judge pulls a run's brake if its counts demand it, and reports whether it is, or was,
// pulled.
func (p *Planner) judge(ctx context.Context, r *Run) (pulled bool, err error) {
	lanes, err := p.Store.RunLanes(ctx, r.ID)
	if err != nil {
		return false, err
	}
	heard, err := p.Store.FeedbackCounts(ctx, r.ID)
	if err != nil {
		return false, err
	}
	harm := r.Spec.Brake.Judge(lanes, heard)
	if harm == nil {
		return false, nil
	}
	at, err := p.Store.BrakePulled(ctx, r.ID)
	if err != nil || !at.IsZero() {
		return err == nil, err
	}
	quote, err := p.quote(ctx, r.ID, harm)
	if err != nil {
		return false, err
	}
	note := harm.note(quote)
	err = p.Store.PullBrake(ctx, r.ID, note, p.Now())
	if errors.Is(err, ErrConflict) {
		return false, nil // somebody was faster
	}
	if err == nil {
		p.Log.Warn("planner: the brake stopped a run", "run", r.ID, "campaign", r.Spec.Name, "why", note)
	}
	return err == nil, err
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
