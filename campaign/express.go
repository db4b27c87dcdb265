package campaign

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"broadside/campaign/message"
)

// ExpressQueue is what messages need of the queue.
type ExpressQueue interface {
	Marker(ctx context.Context, lane Lane, run RunID) (Marker, error)
	Feed(ctx context.Context, lane Lane, run RunID, prev, next Marker, jobs []Job) (Marker, error)
	// Introduce announces a run that is new, unless it was announced already.
	Introduce(ctx context.Context, s RunStatus) error
}

// ExpressLane puts messages into the queue as soon as they are in the ledger, which does not
// wait for the planner's next look. What it cannot put there, the planner feeds.
//
// A message is fed once: its job goes out with the lane's marker, which must be as it
// was before the row was written, or have been moved since by nobody but others like
// this. When the planner has moved it, the planner may have fed the row, and feeds it if
// it has not. ExpressLane remembers compiled templates only.
type ExpressLane struct {
	Queue ExpressQueue
	// LanesOf is as the Planner's; one goroutine at a time calls it.
	LanesOf func(domains []string) []Lane
	Log     *slog.Logger

	asking    sync.Mutex // of LanesOf
	feeding   sync.Mutex // messages that come together would only move each other's marker
	mu        sync.Mutex
	templates map[RunID]*message.Content
}

// expressPatience is how long a message waits for the queue before it is left to the
// planner; keptTemplates bounds what is remembered.
const (
	expressPatience = 2 * time.Second
	keptTemplates   = 256
)

func (x *ExpressLane) laneOf(email string) Lane {
	x.asking.Lock()
	defer x.asking.Unlock()
	return x.LanesOf([]string{DomainOf(email)})[0]
}

// template returns a run's compiled template.
func (x *ExpressLane) template(run Run) (*message.Content, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if c := x.templates[run.ID]; c != nil {
		return c, nil
	}
	c, err := message.Compile(run.Spec.Source, MessageOptions(run.Spec))
	if err != nil {
		return nil, refuse(TemplateUnfit, "%v", err)
	}
	if x.templates == nil || len(x.templates) >= keptTemplates {
		x.templates = map[RunID]*message.Content{}
	}
	x.templates[run.ID] = c
	return c, nil
}

// try renders a message as its recipient would get it, and drops it: who asks for a
// message learns at once what it lacks.
func (x *ExpressLane) try(run Run, email string, attributes []byte, now time.Time) error {
	content, err := x.template(run)
	if err != nil {
		return err
	}
	r := &message.Recipient{Email: email, Attributes: attributes, MessageID: "trial@" + content.FromDomain(), Date: now}
	_, err = content.Append(nil, r)
	if merge, ok := errors.AsType[*message.MergeError](err); ok {
		return refuse(MissingValue, "%v", merge)
	}
	return err
}

// introduce lets senders know a new run before its first job comes.
func (x *ExpressLane) introduce(ctx context.Context, run Run) {
	err := x.Queue.Introduce(ctx, RunStatus{Run: run.ID, State: run.State, Epoch: run.Epoch})
	if err != nil {
		x.Log.Warn("express: a run was not announced; the planner does so", "run", run.ID, "error", err)
	}
}

// place reads the marker of a run's lane, before a row is written; false when there is
// none to be had, or the run is not being sent: the planner feeds the row then.
func (x *ExpressLane) place(ctx context.Context, run Run, lane Lane) (Marker, bool) {
	if run.State != RunRunning {
		return Marker{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, expressPatience)
	defer cancel()
	m, err := x.Queue.Marker(ctx, lane, run.ID)
	if err != nil {
		x.Log.Warn("express: a lane's marker cannot be read; the planner feeds the message", "lane", lane.String(), "run", run.ID, "error", err)
		return Marker{}, false
	}
	if m.Seq == 0 {
		m.Epoch = run.Epoch
	}
	return m, true
}

// publish puts a message's job into the queue, or leaves it to the planner.
func (x *ExpressLane) publish(ctx context.Context, place Marker, j Job) {
	// It is in the ledger: that its asker goes away does not keep it back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), expressPatience)
	defer cancel()
	x.feeding.Lock()
	defer x.feeding.Unlock()
	m := place
	var err error
	for m.Turn == place.Turn {
		if _, err = x.Queue.Feed(ctx, j.Lane, j.Run, m, m, []Job{j}); !errors.Is(err, ErrStale) {
			break
		}
		if m, err = x.Queue.Marker(ctx, j.Lane, j.Run); err != nil {
			break
		}
	}
	if err != nil {
		x.Log.Warn("express: a message was not put into the queue; the planner feeds it", "run", j.Run, "message", int64(j.Contact), "error", err)
	}
}
