package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

// factsAtOnce are told together.
const factsAtOnce = 500

// tellFacts tells what happened outside the outcomes' stream: the store's facts, and the
// suppressions, which are their own record.
func (d *Dispatcher) tellFacts(ctx context.Context) error {
	endpoints, err := d.Store.Webhooks(ctx)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	return errors.Join(d.tellStoredFacts(ctx, endpoints), d.tellSuppressions(ctx, endpoints))
}

func (d *Dispatcher) tellStoredFacts(ctx context.Context, endpoints []Endpoint) error {
	last, err := d.Store.LastWebhookFact(ctx)
	if err != nil {
		return err
	}
	d.rest.look(time.Now(), last, d.pace.clickRest)
	for {
		facts, err := d.Store.WebhookFacts(ctx, d.rest.over.Load(), factsAtOnce)
		if err != nil || len(facts) == 0 {
			return err
		}
		since := slices.MinFunc(facts, func(a, b Fact) int { return a.At.Compare(b.At) }).At
		put := func(events []Event) error { return d.put(ctx, endpoints, CatchUpFacts, since, events) }
		if err := d.expand(ctx, facts, wanted(endpoints, Skipped), put); err != nil {
			return err
		}
		ids := make([]int64, len(facts))
		for i, f := range facts {
			ids[i] = f.ID
		}
		if err := d.Store.WebhookFactsTold(ctx, ids); err != nil {
			return err
		}
	}
}

func wanted(endpoints []Endpoint, t Type) bool {
	for _, e := range endpoints {
		if e.Wants(t) {
			return true
		}
	}
	return false
}

// expand makes events of facts and puts them; of a run that is complete, those whom it
// skipped, if somebody wants to know.
func (d *Dispatcher) expand(ctx context.Context, facts []Fact, skipped bool, put func([]Event) error) error {
	names := names{store: d.Store}
	var events []Event
	for _, f := range facts {
		if f.Type == RunComplete {
			if !skipped {
				continue
			}
			if err := d.expandSkipped(ctx, f, &names, put); err != nil {
				return err
			}
			continue
		}
		events = append(events, f.event())
	}
	if len(events) == 0 {
		return nil
	}
	if err := names.add(ctx, events); err != nil {
		return err
	}
	return put(events)
}

func (f Fact) event() Event {
	switch f.Type {
	case Opened, Clicked, OpenedByMachine, ClickedByMachine:
		return Event{ID: fmt.Sprintf("evt_f%d", f.ID), Type: f.Type, At: f.At, Data: Data{
			Run: f.Run, Contact: f.Contact, Link: f.Detail, Reason: f.Reason, Machine: f.Type == OpenedByMachine || f.Type == ClickedByMachine,
		}}
	}
	return Event{ID: fmt.Sprintf("evt_f%d", f.ID), Type: f.Type, At: f.At, Data: Data{
		Run: f.Run, Contact: f.Contact, List: f.List, Reason: f.Reason, Reply: f.Detail, Late: f.Late,
	}}
}

// expandSkipped puts those whom a run's snapshot left out: no attempt tells of them.
func (d *Dispatcher) expandSkipped(ctx context.Context, f Fact, names *names, put func([]Event) error) error {
	var after campaign.Recipient
	for {
		rows, err := d.Store.Recipients(ctx, f.Run, campaign.Skipped, after, factsAtOnce)
		if err != nil {
			return err
		}
		var events []Event
		for _, r := range rows {
			after = r.Recipient
			if r.Attempts == 0 {
				events = append(events, Event{ID: fmt.Sprintf("evt_%d_%d_0_%d", r.Run, r.Contact, r.State), Type: Skipped, At: f.At, Data: Data{
					Run: r.Run, Contact: r.Contact, Email: r.Email, Reason: r.Reason.String(),
				}})
			}
		}
		if err := names.add(ctx, events); err != nil {
			return err
		}
		if err := put(events); err != nil {
			return err
		}
		if len(rows) < factsAtOnce {
			return nil
		}
	}
}

// tellSuppressions goes on after the last that was told.
func (d *Dispatcher) tellSuppressions(ctx context.Context, endpoints []Endpoint) error {
	after, err := d.Store.WebhookCursor(ctx)
	if err != nil {
		return err
	}
	for {
		entries, err := d.Store.Suppressions(ctx, after, factsAtOnce)
		if err != nil || len(entries) == 0 {
			return err
		}
		since := slices.MinFunc(entries, func(a, b campaign.Suppression) int { return a.At.Compare(b.At) }).At
		if err := d.put(ctx, endpoints, CatchUpSuppressions, since, suppressions(entries)); err != nil {
			return err
		}
		after = entries[len(entries)-1].ID
		if err := d.Store.MoveWebhookCursor(ctx, after); err != nil {
			return err
		}
	}
}

// suppressions makes events of entries; what is only known by its hash says nothing to
// anybody else.
func suppressions(entries []campaign.Suppression) []Event {
	var events []Event
	for _, s := range entries {
		if s.Hash != "" {
			continue
		}
		events = append(events, Event{ID: fmt.Sprintf("evt_s%d", s.ID), Type: Suppressed, At: s.At, Data: Data{
			Email: s.Email, Domain: s.Domain, List: s.List, Reason: s.Reason, Reply: s.Detail,
		}})
	}
	return events
}
