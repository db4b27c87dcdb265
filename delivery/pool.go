package delivery

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"broadside/campaign"
)

// kind is what a sender can send: the pools of which it has a source. Of each shared lane
// one sender of each kind takes jobs, so that all find one that can send them.
func (s *sources) kind() string {
	if s.none {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(s.pools)), ",")
}

// canSend reports whether senders of a kind have a source of a pool.
func canSend(kind, pool string) bool {
	return kind == "" || slices.Contains(strings.Split(kind, ","), pool)
}

const (
	// elsewhere is when a job comes again whose pool another sender has: it goes to any of
	// those that take from the lane.
	elsewhere = 5 * time.Second
	// nowhere is the longest time until one comes again whose pool no sender has.
	nowhere = 5 * time.Minute
	// warnAgain is after how long a run whose pool is missing is warned of once more, and
	// mostWarned how many runs are remembered for it.
	warnAgain  = time.Hour
	mostWarned = 1000
)

// poolOf are the sources that this sender has of a job's pool. When there are none the
// item has been deferred, for a sender that has some.
func (s *Sender) poolOf(ctx context.Context, it *item) ([]weighted, bool) {
	if s.sources.none {
		return s.sources.pools[""], true
	}
	c, err := s.contents.of(ctx, contentOf(&it.Job))
	if err != nil {
		s.broken(ctx, it, err)
		return nil, false
	}
	from := s.sources.of(c.spec.Pool)
	if len(from) > 0 {
		return from, true
	}
	s.deferForPool(it, c.spec.Pool)
	return nil, false
}

// deferForPool defers a job of whose pool this sender has no source.
func (s *Sender) deferForPool(it *item, pool string) {
	now := time.Now()
	e := it.event(campaign.Deferred, campaign.NoSource, now)
	e.Reply = "no source of pool " + pool + " is here"
	if slices.ContainsFunc(s.members.Others(), func(kind string) bool { return canSend(kind, pool) }) {
		s.deferTo(it, e, now.Add(elsewhere/2+jitter(elsewhere)))
		return
	}
	if s.warnOf(it.Job.Run, now) {
		s.Log.Warn("sender: no sender has a source of the campaign's pool; its mail waits until one does: see sources and pools in the configuration",
			"pool", pool, "run", it.Job.Run)
	}
	s.deferTo(it, e, now.Add(min(s.Retry.withDefaults().delay(it.Job.Attempt), nowhere)))
}

// warnOf reports whether it is time to warn of a run.
func (s *Sender) warnOf(run campaign.RunID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if warned, ok := s.warned[run]; ok && now.Sub(warned) < warnAgain {
		return false
	}
	if len(s.warned) >= mostWarned {
		clear(s.warned)
	}
	s.warned[run] = now
	return true
}
