package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

// Announce implements campaign.JobQueue.
func (q *Queue) Announce(ctx context.Context, s campaign.RunStatus) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if _, err := q.runs.Put(ctx, strconv.FormatInt(int64(s.Run), 10), body); err != nil {
		return fmt.Errorf("queue: announcing run %d: %w", s.Run, err)
	}
	return nil
}

// Introduce implements campaign.ExpressQueue.
func (q *Queue) Introduce(ctx context.Context, s campaign.RunStatus) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = q.runs.Create(ctx, strconv.FormatInt(int64(s.Run), 10), body)
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("queue: announcing run %d: %w", s.Run, err)
	}
	return nil
}

// Announced implements campaign.JobQueue.
func (q *Queue) Announced(ctx context.Context) ([]campaign.RunID, error) {
	keys, err := q.runs.Keys(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, fmt.Errorf("queue: reading the announced runs: %w", err)
	}
	ids := make([]campaign.RunID, 0, len(keys))
	for _, key := range keys {
		if id, err := strconv.ParseInt(key, 10, 64); err == nil {
			ids = append(ids, campaign.RunID(id))
		}
	}
	return ids, nil
}

// Runs follows the runs' states. It is safe for concurrent use.
type Runs struct {
	q       *Queue
	watcher jetstream.KeyWatcher
	done    sync.WaitGroup

	mu    sync.RWMutex
	state map[campaign.RunID]campaign.RunStatus
}

// WatchRuns starts following; Close ends it.
func (q *Queue) WatchRuns(ctx context.Context) (*Runs, error) {
	w, err := q.runs.WatchAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("queue: following the runs: %w", err)
	}
	r := &Runs{q: q, watcher: w, state: map[campaign.RunID]campaign.RunStatus{}}
	r.done.Go(r.follow)
	return r, nil
}

// Close stops following and waits for it.
func (r *Runs) Close() {
	_ = r.watcher.Stop()
	r.done.Wait()
}

func (r *Runs) follow() {
	for entry := range r.watcher.Updates() {
		if entry == nil { // all that was there at the start has been seen
			continue
		}
		id, err := strconv.ParseInt(entry.Key(), 10, 64)
		if err != nil {
			continue
		}
		r.mu.Lock()
		if s, ok := decodeStatus(entry); ok {
			r.state[campaign.RunID(id)] = s
		} else {
			delete(r.state, campaign.RunID(id))
		}
		r.mu.Unlock()
	}
}

func decodeStatus(entry jetstream.KeyValueEntry) (campaign.RunStatus, bool) {
	var s campaign.RunStatus
	if entry.Operation() != jetstream.KeyValuePut || json.Unmarshal(entry.Value(), &s) != nil {
		return campaign.RunStatus{}, false
	}
	return s, true
}

// Status returns what was announced last of a run; a run that was never announced, or
// is over, is RunCancelled to a sender: its jobs are dropped, and if it lives after
// all, the planner feeds them again.
func (r *Runs) Status(ctx context.Context, id campaign.RunID) (campaign.RunStatus, error) {
	over := campaign.RunStatus{Run: id, State: campaign.RunCancelled}
	r.mu.RLock()
	s, ok := r.state[id]
	r.mu.RUnlock()
	if ok {
		return s, nil
	}
	// The job may have overtaken the announcement: ask.
	entry, err := r.q.runs.Get(ctx, strconv.FormatInt(int64(id), 10))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return over, nil
	}
	if err != nil {
		return over, fmt.Errorf("queue: state of run %d: %w", id, err)
	}
	if s, ok = decodeStatus(entry); !ok {
		return over, nil
	}
	return s, nil
}
