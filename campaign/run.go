package campaign

import (
	"fmt"
	"time"
)

// CampaignID and RunID are keys given by the store, ascending, from 1.
type (
	CampaignID int64
	RunID      int64
)

// Campaign is what is sent: a stored Spec. A run keeps the Spec it was started
// with, so editing a campaign never changes a run under way.
type Campaign struct {
	ID      CampaignID
	Spec    Spec
	Created time.Time
	Updated time.Time
	// Archived is when it was put away; zero when it is not.
	Archived time.Time
}

// RunState is the state of one execution of a campaign:
// scheduled → running ⇄ paused → finished | cancelled. (A campaign without a run is
// a draft.) The names are stored.
type RunState string

// The run states.
const (
	RunScheduled RunState = "scheduled"
	RunRunning   RunState = "running"
	RunPaused    RunState = "paused"
	RunFinished  RunState = "finished"
	RunCancelled RunState = "cancelled"
)

// Run is one execution of a campaign.
type Run struct {
	ID       RunID
	Campaign CampaignID
	Spec     Spec
	State    RunState
	// Note says why the run is in its state when a person did not ask for it.
	Note string
	// Epoch counts resumes: the planner reads a lane again from its beginning once
	// per epoch, so that jobs given back during a pause are fed again.
	Epoch    int64
	StartAt  time.Time // scheduled start
	Started  time.Time // zero until running
	Finished time.Time // zero until finished or cancelled
	// SnapshotCursor is the last contact id taken into the ledger, SnapshotDone
	// whether the audience is complete.
	SnapshotCursor ContactID
	SnapshotDone   bool
	// Forecast is what was foretold when it was started; zero when nothing was.
	Forecast Forecast
	// Standing: it has no audience, and takes messages to one person each for as long as
	// it stands; then it ends when they have.
	Standing Standing
	// Won says who won its A/B test; the zero value while nobody has.
	Won ABDecision
	// WholeCounts: who leaves by its messages, and hits that name nobody, were counted from
	// its beginning on; not of runs that an older program began.
	WholeCounts bool
}

// Standing says whether a run takes messages to one person each. The numbers are stored.
type Standing uint8

// The kinds of runs.
const (
	ForAudience Standing = 0
	StandsOpen  Standing = 1
	StoodOpen   Standing = 2
)

// SpecFor is what recipients of a variant get. Who waited for the winner of an A/B test gets
// that; ErrConflict while there is none.
func (r Run) SpecFor(v Variant) (Spec, error) {
	if v == NoVariant && r.Spec.AB.HasRest() {
		if v = r.Won.Winner; v == NoVariant {
			return Spec{}, fmt.Errorf("the A/B test of run %d has no winner yet: %w", r.ID, ErrConflict)
		}
	}
	return r.Spec.As(v), nil
}

// Open reports whether the run may still send.
func (r Run) Open() bool {
	return r.State == RunScheduled || r.State == RunRunning || r.State == RunPaused
}
