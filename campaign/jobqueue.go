package campaign

import (
	"context"
	"errors"
	"time"
)

// ErrStale is returned by JobQueue.Feed when the lane's marker is not the one that
// the caller saw last: read it again, a batch may have been committed after all.
var ErrStale = errors.New("the lane's marker has moved")

// Marker says how far a run's lane is fed. It is written in one atomic batch with
// the jobs up to Cursor, so a planner killed anywhere neither loses nor repeats one.
type Marker struct {
	Wave   Wave      // the last fed, 0 without waves,
	Cursor ContactID // and the last contact in it
	Epoch  int64     // the run's epoch when feeding (again) began
	// Turn counts the planner's own moves: others who put jobs into the lane leave it.
	Turn int64
	Seq  uint64 // of the marker on the stream; 0: there is none
}

// LaneRun names a run's part of a lane.
type LaneRun struct {
	Lane Lane
	Run  RunID
}

// Depth is how many jobs the queue holds, those in senders' hands included.
type Depth struct {
	Jobs    map[LaneRun]int64 // first attempts
	Retries map[LaneRun]int64 // retries that are due
}

// JobQueue is where the planner puts jobs.
type JobQueue interface {
	Lanes() []Lane
	Depth(ctx context.Context) (Depth, error)
	Marker(ctx context.Context, lane Lane, run RunID) (Marker, error)
	// Feed publishes jobs and the marker next in one atomic batch, if the lane's
	// marker still is prev, and returns next with its Seq; ErrStale otherwise. At most
	// 999 jobs; none just moves the marker.
	Feed(ctx context.Context, lane Lane, run RunID, prev, next Marker, jobs []Job) (Marker, error)
	// HasRetry reports whether a recipient's retry is scheduled and not yet due.
	HasRetry(ctx context.Context, who Recipient) (bool, error)
	// Retry schedules a job for a time; a schedule of the same recipient is replaced.
	Retry(ctx context.Context, j Job, due time.Time) error
	// DropRun removes everything the queue knows about a run that is over; what it
	// announced goes last, so that a drop that was interrupted is seen.
	DropRun(ctx context.Context, run RunID) error
	// Announce tells the senders a run's state; DropRun takes it back.
	Announce(ctx context.Context, s RunStatus) error
	// Announced are the runs that were announced and not dropped since.
	Announced(ctx context.Context) ([]RunID, error)
	// EventsEnd is the sequence of the last outcome on the event stream: when the
	// ledger's checkpoint has reached it, the ledger knows all that was known before.
	EventsEnd(ctx context.Context) (uint64, error)
	// HitsEnd is the sequence of the last openings and clicks on their stream.
	HitsEnd(ctx context.Context) (uint64, error)
}

// RunStatus is what senders must know about a run at every moment.
type RunStatus struct {
	Run   RunID    `json:"run"`
	State RunState `json:"state"`
	Epoch int64    `json:"epoch"`
	// Until is when the clock changes the state: when the window of a running run closes,
	// or that of one that is only outside its window, and so paused, opens. Zero: never.
	Until time.Time `json:"until,omitzero"`
}

// Now is the state at a moment: senders keep to a window by their own clock too, so that
// it closes even while nobody plans.
func (s RunStatus) Now(at time.Time) RunState {
	if s.State == RunRunning && !s.Until.IsZero() && !at.Before(s.Until) {
		return RunPaused
	}
	return s.State
}
