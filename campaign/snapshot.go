package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign/schedule"
)

// The snapshot takes the audience a page at a time, between rounds of feeding, so
// that the first message leaves long before a large audience is complete. The first
// page is small: it is what a reader of the first message waits for.
const (
	firstPage    = 500
	snapshotPage = 5000
)

// snapshot is what the planner knows about taking one run's audience; its progress
// is the run's cursor in the store.
type snapshot struct {
	run      RunID
	cursor   ContactID
	audience Audience
	sieve    *sieve
	done     bool
	hours    schedule.Hours // in which it may send
	test     ABTest
	until    time.Time // over which its mail is spread, or zero
	waves    Waves     // as last read
	upTo     Wave      // the last wave that may be fed in this round
	parts    parts     // of a run with waves
	clocks   *clocks   // of one whose waves are by recipients' clocks
	warned   bool      // of recipients in a lane that is not there
}

func (p *Planner) newSnapshot(ctx context.Context, r *Run) (*snapshot, error) {
	s := &snapshot{run: r.ID, cursor: r.SnapshotCursor, done: r.SnapshotDone, test: r.Spec.AB}
	var err error
	if s.hours, err = r.Spec.Window.Parse(); err != nil {
		return nil, fmt.Errorf("%w: window.%w", errUnusable, err)
	}
	s.until = r.SpreadUntil()
	if s.done {
		return s, p.readWaves(ctx, r, s)
	}
	s.audience, err = ResolveAudience(ctx, p.Store, r.Spec)
	s.audience.At = p.Now()
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("planner: audience of run %d: %w", r.ID, err)
	}
	s.sieve, err = p.freeze(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("planner: segments of run %d: %w", r.ID, err)
	}
	return s, p.readWaves(ctx, r, s)
}

// freeze makes the saved segments that a run refers to its own before the first page is
// taken: whoever edits them later, and whichever planner goes on, changes nothing.
func (p *Planner) freeze(ctx context.Context, r *Run) (*sieve, error) {
	selection, err := p.Store.SelectionOf(ctx, r.ID)
	if errors.Is(err, ErrNotFound) {
		selection, err = ResolveSelection(ctx, p.Store, r.Spec)
		if errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("%w: %w", errUnusable, err)
		}
		if err == nil {
			selection, err = p.Store.FreezeSelection(ctx, r.ID, selection)
		}
	}
	if err != nil {
		return nil, err
	}
	return newSieve(ctx, p.Store, selection)
}

// errUnusable says that nobody can tell whom a run is for, or when.
var errUnusable = errors.New("the audience or the time cannot be told")

// ListFinder looks lists up.
type ListFinder interface {
	// ListsNamed returns those of some lists that are there, by name.
	ListsNamed(ctx context.Context, names []string) (map[string]List, error)
}

// ResolveAudience looks up the lists that a campaign names, ErrNotFound when one is not
// there; when it is looked at is the caller's to say.
func ResolveAudience(ctx context.Context, lists ListFinder, s Spec) (Audience, error) {
	var a Audience
	found, err := lists.ListsNamed(ctx, slices.Concat(s.Lists, s.Exclude))
	if err != nil {
		return a, err
	}
	for _, part := range []struct {
		names []string
		ids   *[]ListID
	}{{s.Lists, &a.Lists}, {s.Exclude, &a.Exclude}} {
		for _, name := range part.names {
			l, there := found[name]
			if !there {
				return a, fmt.Errorf("list %q: %w", name, ErrNotFound)
			}
			*part.ids = append(*part.ids, l.ID)
		}
	}
	return a, nil
}

// advance takes the next page of the audience into the ledger. ErrConflict when the
// run's cursor is not where this planner left it, or the run has ended.
func (p *Planner) advance(ctx context.Context, s *snapshot) error {
	limit := snapshotPage
	if s.cursor == 0 {
		limit = firstPage
	}
	page, err := p.Store.AudiencePage(ctx, s.audience, s.cursor, limit)
	if err != nil {
		return fmt.Errorf("planner: reading the audience of run %d: %w", s.run, err)
	}
	rows, to, err := p.recipients(ctx, s, page)
	if err != nil {
		return fmt.Errorf("planner: choosing of the audience of run %d: %w", s.run, err)
	}
	done := len(page) < limit
	if err := p.Store.AppendRecipients(ctx, s.run, s.cursor, to, rows, done); err != nil {
		return fmt.Errorf("planner: writing the audience of run %d: %w", s.run, err)
	}
	s.cursor, s.done = to, done
	for _, r := range rows {
		if r.Wave > 0 {
			s.parts.add(r.Lane, r.Wave, 1)
		}
	}
	return nil
}

// recipients makes the ledger's rows of those in a page who are meant, and returns
// the cursor behind the page.
func (p *Planner) recipients(ctx context.Context, s *snapshot, page []AudienceMember) ([]NewRecipient, ContactID, error) {
	verdicts, err := s.sieve.sort(ctx, page)
	if err != nil {
		return nil, s.cursor, err
	}
	rows := make([]NewRecipient, 0, len(page))
	domains := make([]string, 0, len(page))
	to := s.cursor
	for i := range page {
		m := &page[i]
		to = m.ID
		if verdicts[i] != meant {
			continue
		}
		r := recipient(m)
		if r.State == Waiting {
			r.Wave = s.waveOf(m)
		}
		r.Tested, r.Variant = s.test.On(), s.test.VariantOf(s.run, m.ID)
		rows = append(rows, r)
		domains = append(domains, DomainOf(m.Email))
	}
	for i, lane := range p.LanesOf(domains) {
		rows[i].Lane = lane
	}
	return rows, to, nil
}

func recipient(m *AudienceMember) NewRecipient {
	r := NewRecipient{Contact: m.ID, State: Waiting}
	switch {
	case m.Suppressed:
		r.State, r.Reason = Skipped, Suppressed
	case m.Lapsed:
		r.State, r.Reason = Skipped, ConsentLapsed
	case !m.Subscribed:
		r.State, r.Reason = Skipped, Unsubscribed
	}
	return r
}

// DomainOf returns what follows the last @ of an address.
func DomainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// extent is how much of a run can be fed: what the snapshot has of the waves that are open.
type extent struct {
	cursor ContactID
	upTo   Wave
}

func (s *snapshot) extent() extent { return extent{s.cursor, s.upTo} }
