package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery/meter"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
	"broadside/delivery/smtp"
	"broadside/dkim"
	"broadside/ratelimit"
)

// Router finds where a domain's mail goes; mx.Router, or Relay for a smarthost. It
// is safe for concurrent use.
type Router interface {
	Route(ctx context.Context, domain string) (mx.Route, mx.Problem)
	// Failed tells that an address could not be connected to.
	Failed(addr netip.Addr)
}

// Identity is what a deployment says of itself in messages and envelopes.
type Identity struct {
	// PublicURL is the base of unsubscribe links, "https://news.example.org"; without
	// it messages carry no List-Unsubscribe.
	PublicURL string
	// TrackingURLs are the bases of counted links and pixels in mail from a domain, in the
	// place of PublicURL.
	TrackingURLs map[string]string
	// ReturnPathDomain receives bounces; empty: the domain of the sender's address.
	ReturnPathDomain string
	// ReturnPathMailbox is the local part of the mailbox, in that domain, that receives
	// what is sent to "mailbox+…"; empty when the domain receives all by itself.
	ReturnPathMailbox string
	Tokens            *token.Maker
}

// Config is what a Sender needs; all of it is shared and read-only.
type Config struct {
	Store   SendStore
	Queue   *queue.Queue
	Router  Router
	Shaper  Shaper
	Limiter ratelimit.Limiter
	// Learned is what replies have taught. The sender sets its OnChange.
	Learned *ratelimit.Book
	// Sources are this machine's; Pools share them out by name (see newSources).
	Sources []Source
	Pools   map[string][]Share
	// Warmups are the calendars of new sources, and Quota counts for them.
	Warmups []Warmup
	Quota   Quota
	// Connections bounds those to all sites together; default 1,000.
	Connections int
	SMTP        smtp.Config
	TLSPolicies TLSPolicies // nil: domains demand nothing
	Port        uint16      // of the servers: 25 for MX hosts
	Keys        *dkim.Keyring
	// Unsigned allows messages of domains without a key to leave unsigned.
	Unsigned bool
	Identity Identity
	Retry    RetryPolicy
	// Claims remember what this sender's earlier lives were sending; nil when jobs may
	// come back from other machines, whose claims are not known here.
	Claims *Claims
	// Grace is how long a stopping sender waits for replies to messages under way.
	Grace time.Duration
	// Prepared, if not nil, is told when a message's rendering began, and when it was
	// rendered and signed. Many goroutines call it at once.
	Prepared func(j *campaign.Job, began, rendered, signed time.Time)
	Meter    *meter.Meter // counts attempts and their stages; nil: nobody does
	Log      *slog.Logger
}

// Sender delivers jobs. Run it once.
type Sender struct {
	Config
	runs     *queue.Runs
	members  *queue.Members
	contents *contents
	hand     *hand
	outcomes *outcomes
	rechecks rechecks

	sources *sources
	crowd   *crowd
	working sync.WaitGroup  // connections
	work    context.Context // ends what waits when a stopping sender's grace is over

	mu    sync.Mutex
	sites map[string]*site
	paths map[pathKey]*path
	made  int // paths made so far
	// warned is when a run was warned of whose pool is missing.
	warned map[campaign.RunID]time.Time
}

// NewSender makes a sender.
func NewSender(cfg Config) *Sender {
	if cfg.Grace == 0 {
		cfg.Grace = 20 * time.Second
	}
	if cfg.Connections == 0 {
		cfg.Connections = 1000
	}
	s := &Sender{Config: cfg, crowd: newCrowd(cfg.Connections), sites: map[string]*site{}, paths: map[pathKey]*path{}, warned: map[campaign.RunID]time.Time{}}
	s.sources = newSources(cfg.Sources, cfg.Pools)
	return s
}

// changed lets the paths to a site know that more is known of it.
func (s *Sender) changed(key ratelimit.Key) {
	s.mu.Lock()
	st := s.sites[key.Site]
	s.mu.Unlock()
	if st != nil {
		st.learned()
	}
}

// errStopping ends what still waits when a stopping sender's grace is over.
var errStopping = errors.New("the sender is stopping")

// Run delivers until ctx is done, then lets messages under way finish within Grace,
// and returns when every outcome known is durable, or cannot be made so within Grace
// once more. It returns an error when the queue cannot be used; the caller starts it
// again.
func (s *Sender) Run(ctx context.Context) error {
	runs, err := s.Queue.WatchRuns(ctx)
	if err != nil {
		return err
	}
	defer runs.Close()
	s.runs = runs
	if s.members, err = s.Queue.Join(ctx, s.sources.kind()); err != nil {
		return err
	}
	defer s.members.Leave()
	s.Learned.OnChange(s.changed)
	s.contents = newContents(s.Config)
	s.hand = newHand(s.Queue.AckWait(), s.Queue.Reach, s.Log)

	// Taking ends with ctx, or when a lane fails. What was taken is worked on for at most
	// Grace longer, and its outcomes have as long again to become durable.
	taking, stopTaking := context.WithCancelCause(ctx)
	defer stopTaking(nil)
	work, stopWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWork(nil)
	s.work = work
	durable, stopDurable := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopDurable(nil)
	s.outcomes = newOutcomes(s.Queue, s.Log)
	var writing, below sync.WaitGroup
	writing.Go(func() { s.outcomes.run(durable) })
	below.Go(func() { s.hand.renew(durable) })
	below.Go(func() {
		<-taking.Done()
		pause(work, s.Grace)
		stopWork(errStopping)
		pause(durable, s.Grace)
		stopDurable(errStopping)
	})

	s.takeAll(taking, work, stopTaking)
	err = context.Cause(taking)
	stopTaking(nil)
	for _, p := range s.allPaths() {
		p.stop()
	}
	s.working.Wait()
	stopWork(errStopping)
	s.outcomes.close()
	writing.Wait()
	stopDurable(errStopping)
	below.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// takeAll takes jobs from all lanes until ctx is done, and waits for the lanes. One
// that fails stops them all.
func (s *Sender) takeAll(ctx, work context.Context, stop context.CancelCauseFunc) {
	var lanes sync.WaitGroup
	for _, name := range s.Queue.Lanes() {
		l := newLane(s, name)
		lanes.Go(func() {
			if err := l.run(ctx, work); err != nil {
				stop(fmt.Errorf("sender: lane %s: %w", name, err))
			}
		})
	}
	lanes.Wait()
}

// refuse gives an item back if its run is not to be sent at this moment, or others may
// have it by now, and reports whether it did.
func (s *Sender) refuse(ctx context.Context, it *item) bool {
	if s.hand.lost(it) {
		s.leave([]*item{it})
		return true
	}
	status, err := s.runs.Status(ctx, it.Job.Run)
	if err != nil {
		s.Log.Warn("sender: the state of a run is unknown, its job is given back", "run", it.Job.Run, "error", err)
		s.giveBack(ctx, it, soon)
		return true
	}
	switch now := time.Now(); status.Now(now) {
	case campaign.RunRunning:
		return false
	case campaign.RunPaused:
		s.giveBackUntil(ctx, it, pausedUntil(status, now))
	default:
		s.drop(it)
	}
	return true
}

// pausedUntil is when a retry of a run that is paused is due again. Nobody knows when a
// person goes on; a window says when it opens, so that a night of it costs each retry one
// turn.
func pausedUntil(status campaign.RunStatus, now time.Time) time.Time {
	if status.State == campaign.RunPaused && status.Until.After(now) {
		return status.Until.Add(rand.N(reopening))
	}
	return now.Add(whilePaused + rand.N(whilePaused))
}
