package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign/message"
)

// Store is everything that people's commands and pages need.
type Store interface {
	ImportStore
	AudienceStore
	RunStore
	PersonStore
	TrackStore
	SegmentStore
	StarterStore
	MessageStore
}

// Service is what people do with campaigns, for the command line and the web alike.
// It keeps nothing itself: the store has the data, and the planner notices what
// changed there within a fraction of a second.
type Service struct {
	Store Store
	// HasKey reports whether messages from a domain can be signed; nil: not asked.
	HasKey func(domain string) bool
	// Verified says why a domain is not to be sent from yet, "" when the DNS record of
	// its key was seen to match; nil: not asked.
	Verified func(ctx context.Context, domain string) (why string, err error)
	// PublicURL is the base of unsubscribe links, as in delivery.Identity; messages have
	// none when it is empty.
	PublicURL string
	// HasPool reports whether sources are configured under a pool's name; nil when
	// nobody here knows.
	HasPool func(name string) bool
	// Express takes messages to one person each; nil where none are taken.
	Express *ExpressLane
	// Limits tells how fast the sites of domains take a campaign's mail, as far as it is
	// known; nil when nobody here knows.
	Limits func(ctx context.Context, spec Spec) (func(domain string) SitePace, error)
	// Now is time.Now outside of tests.
	Now func() time.Time
}

// Create checks a campaign and stores it. ErrExists when its name is taken.
func (s *Service) Create(ctx context.Context, spec Spec) (Campaign, error) {
	spec = spec.WithDefaults()
	if err := s.check(ctx, spec); err != nil {
		return Campaign{}, err
	}
	c, err := s.Store.CreateCampaign(ctx, spec, s.Now())
	if errors.Is(err, ErrExists) {
		return c, fmt.Errorf("a campaign named %q %w: choose another name, or replace it with --replace", spec.Name, ErrExists)
	}
	return c, err
}

// Replace checks a campaign and stores it in the place of the one of that name. Runs
// that were started keep what they were started with.
func (s *Service) Replace(ctx context.Context, spec Spec) (Campaign, error) {
	spec = spec.WithDefaults()
	if err := s.check(ctx, spec); err != nil {
		return Campaign{}, err
	}
	old, err := s.Store.CampaignByName(ctx, spec.Name)
	if errors.Is(err, ErrNotFound) {
		return s.Store.CreateCampaign(ctx, spec, s.Now())
	}
	if err != nil {
		return Campaign{}, err
	}
	return s.Store.UpdateCampaign(ctx, old.ID, spec, s.Now())
}

// check finds what is wrong with a campaign whoever receives it.
func (s *Service) check(ctx context.Context, spec Spec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	contents, err := compileAll(spec)
	if err != nil {
		return err
	}
	if _, err := ResolveAudience(ctx, s.Store, spec); err != nil {
		return fmt.Errorf("lists: %w; import a file into it first", err)
	}
	fields, err := s.Store.Fields(ctx)
	if err != nil {
		return err
	}
	if spec.Template() {
		return nil // each message brings values of its own
	}
	problem, err := s.segmentsProblem(ctx, spec, fields)
	if err != nil {
		return err
	}
	var used []message.Field
	for i, v := range spec.Variants() {
		for _, f := range contents[i].Fields() {
			f.Where = v.at(f.Where)
			used = append(used, f)
		}
	}
	return errors.Join(unknownFields(used, fields), problem)
}

// segmentsProblem says what is wrong with the segments of a campaign.
func (s *Service) segmentsProblem(ctx context.Context, spec Spec, fields []string) (problem, err error) {
	for _, part := range []struct {
		key   string
		names []string
	}{{"segments", spec.Segments}, {"exclude_segments", spec.ExcludeSegments}} {
		for _, name := range part.names {
			saved, err := s.Store.SegmentByName(ctx, name)
			if errors.Is(err, ErrNotFound) {
				problem = errors.Join(problem, fmt.Errorf("%s: no segment is named %q; choose one that is saved", part.key, name))
				continue
			}
			if err != nil {
				return nil, err
			}
			in, err := s.segmentProblem(ctx, saved.Expression, fields, spec.Name)
			if err != nil {
				return nil, err
			}
			if in != nil {
				problem = errors.Join(problem, fmt.Errorf("%s: %q: %w", part.key, name, in))
			}
		}
	}
	if spec.Segment == "" {
		return problem, nil
	}
	in, err := s.segmentProblem(ctx, spec.Segment, fields, spec.Name)
	return errors.Join(problem, in), err
}

// unknownFields names merge fields that no contact has: a slip of the pen that a
// default would hide from everybody. A person's name with a default is none, because
// templates greet by it before anybody knows what a list has: see unfilledNames.
func unknownFields(used []message.Field, known []string) error {
	var errs []error
	seen := map[string]bool{}
	for _, f := range used {
		if seen[f.Name] || slices.Contains(known, f.Name) || f.HasDefault && nameFields[f.Name] {
			continue
		}
		seen[f.Name] = true
		errs = append(errs, fmt.Errorf("%s: no contact has a field %q%s", f.Where, f.Name, suggestion(f.Name, known)))
	}
	return errors.Join(errs...)
}

// suggestion names the field that was probably meant, or those there are.
func suggestion(name string, known []string) string {
	for _, k := range known {
		if oneSlip(name, k) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	if len(known) == 0 {
		return "; contacts have no fields yet: import a list first"
	}
	return "; there are: " + strings.Join(known[:min(len(known), 12)], ", ")
}

// Start begins a campaign's first run now, or schedules it when at is in the future. A
// campaign that was sent before is not sent again by a slip: see StartAgain.
func (s *Service) Start(ctx context.Context, name string, at time.Time) (Run, error) {
	c, err := s.Find(ctx, name)
	if err != nil {
		return Run{}, err
	}
	last, err := s.Store.LatestRun(ctx, c.ID)
	if err == nil && !last.Open() && !last.Started.IsZero() {
		return Run{}, fmt.Errorf("campaign %q was sent before (run %d, %s): --again sends it once more to the same people: %w", name, last.ID, last.State, ErrConflict)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Run{}, err
	}
	return s.start(ctx, c, at)
}

// StartAgain begins a further run of a campaign, which goes to its whole audience.
func (s *Service) StartAgain(ctx context.Context, name string, at time.Time) (Run, error) {
	c, err := s.Find(ctx, name)
	if err != nil {
		return Run{}, err
	}
	return s.start(ctx, c, at)
}

func (s *Service) start(ctx context.Context, c Campaign, at time.Time) (Run, error) {
	if !c.Archived.IsZero() {
		return Run{}, fmt.Errorf("campaign %q is archived: restore it first: %w", c.Spec.Name, ErrConflict)
	}
	report, err := s.preflight(ctx, c.Spec, look{most: startSample})
	if err != nil {
		return Run{}, err
	}
	if err := report.Blocked(); err != nil {
		return Run{}, err
	}
	state, now := RunRunning, s.Now()
	if at.IsZero() && c.Spec.StartAt.After(now) {
		at = c.Spec.StartAt
	}
	if c.Spec.LocalTime.On() {
		at = c.Spec.byTheirClocks(at, now)
	}
	if at.After(now) {
		state = RunScheduled
	}
	run, err := s.Store.CreateRun(ctx, c, state, at, now)
	if errors.Is(err, ErrConflict) {
		return run, fmt.Errorf("campaign %q has a run that is not over: wait for it, or cancel it first: %w", c.Spec.Name, ErrConflict)
	}
	return run, err
}

// Pause stops a run's sending within a second; nothing is lost.
func (s *Service) Pause(ctx context.Context, name, note string) (Run, error) {
	return s.move(ctx, name, []RunState{RunRunning}, RunPaused, note)
}

// Resume lets a paused run go on.
func (s *Service) Resume(ctx context.Context, name string) (Run, error) {
	return s.move(ctx, name, []RunState{RunPaused}, RunRunning, "")
}

// Cancel ends a run: whoever was not reached is Cancelled.
func (s *Service) Cancel(ctx context.Context, name, note string) (Run, error) {
	return s.move(ctx, name, []RunState{RunScheduled, RunRunning, RunPaused}, RunCancelled, note)
}

func (s *Service) move(ctx context.Context, name string, from []RunState, to RunState, note string) (Run, error) {
	run, err := s.LatestRun(ctx, name)
	if err != nil {
		return run, err
	}
	moved, err := s.Store.SetRunState(ctx, run.ID, from, to, note, s.Now())
	if errors.Is(err, ErrConflict) {
		return run, fmt.Errorf("campaign %q is %s and cannot become %s: %w", name, run.State, to, ErrConflict)
	}
	return moved, err
}

// LatestRun returns a campaign's latest run.
func (s *Service) LatestRun(ctx context.Context, name string) (Run, error) {
	c, err := s.Find(ctx, name)
	if err != nil {
		return Run{}, err
	}
	run, err := s.Store.LatestRun(ctx, c.ID)
	if errors.Is(err, ErrNotFound) {
		return run, fmt.Errorf("campaign %q was never started: %w", name, ErrNotFound)
	}
	return run, err
}

// Find finds a campaign by its name; ErrNotFound.
func (s *Service) Find(ctx context.Context, name string) (Campaign, error) {
	c, err := s.Store.CampaignByName(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return c, fmt.Errorf("no campaign is named %q; `broadside campaign list` shows them: %w", name, ErrNotFound)
	}
	return c, err
}
