package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// notedHit is a hit of a known reader, and what it was taken for.
type notedHit struct {
	campaign.Hit
	by *reader
}

// hitType is the event that a hit is told as.
func hitType(h campaign.Hit) webhook.Type {
	switch {
	case h.Link == 0 && h.Evidence.Machine():
		return webhook.OpenedByMachine
	case h.Link == 0:
		return webhook.Opened
	case h.Evidence.Machine():
		return webhook.ClickedByMachine
	}
	return webhook.Clicked
}

// wantedOfHits are the events of hits that webhooks want. A click may turn out to be a
// machine's after it was noted, so that who wants one kind of clicks has both noted.
func (t *tx) wantedOfHits(ctx context.Context) (map[webhook.Type]bool, error) {
	var lists []string
	if err := t.SelectContext(ctx, &lists, "SELECT types FROM webhooks WHERE state <> 'disabled'"); err != nil {
		return nil, err
	}
	wanted := map[webhook.Type]bool{}
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			switch k := webhook.Type(name); k {
			case webhook.Opened, webhook.OpenedByMachine:
				wanted[k] = true
			case webhook.Clicked, webhook.ClickedByMachine:
				wanted[webhook.Clicked], wanted[webhook.ClickedByMachine] = true, true
			}
		}
	}
	return wanted, nil
}

// tellHits writes down what webhooks want to know of hits: of those readers alone whose
// lists allow, now, that it is known who opened and clicked.
func (db *DB) tellHits(ctx context.Context, t *tx, wanted map[webhook.Type]bool, noted []notedHit) error {
	of := map[campaign.RunID][]notedHit{}
	for _, h := range noted {
		of[h.Run] = append(of[h.Run], h)
	}
	var facts []webhook.Fact
	for _, run := range slices.Sorted(maps.Keys(of)) { // what is of one time is told in this order
		some, err := db.hitFacts(ctx, t, run, of[run], wanted)
		if err != nil {
			return err
		}
		facts = append(facts, some...)
	}
	slices.SortStableFunc(facts, func(a, b webhook.Fact) int { return a.At.Compare(b.At) })
	return t.tell(ctx, facts...)
}

func (db *DB) hitFacts(ctx context.Context, t *tx, run campaign.RunID, hits []notedHit, wanted map[webhook.Type]bool) ([]webhook.Fact, error) {
	var hash string
	if err := t.get(ctx, &hash, "SELECT spec FROM runs WHERE id = ?", int64(run)); err != nil {
		return nil, fmt.Errorf("run %d, of which there are recipients: %w", run, err)
	}
	spec, err := db.spec(ctx, t, hash)
	if err != nil {
		return nil, err
	}
	var who []campaign.ContactID
	for _, h := range hits {
		who = append(who, h.Contact)
	}
	slices.Sort(who)
	ceilings, err := db.ceilingsOf(ctx, t, spec.Lists, slices.Compact(who))
	if err != nil {
		return nil, err
	}
	var links []campaign.Link
	if err := t.SelectContext(ctx, &links, t.Rebind(linksQuery), int64(run)); err != nil {
		return nil, err
	}
	var facts []webhook.Fact
	for _, h := range hits {
		opens, clicks := spec.Track.Within(ceilings[h.Contact])
		allowed := opens
		if h.Link > 0 {
			allowed = clicks
			if !h.Evidence.Machine() && h.by.wasCaught(h.At) {
				h.Evidence = campaign.AllAtOnce
			}
		}
		if allowed < campaign.TrackIndividual || !wanted[hitType(h.Hit)] {
			continue
		}
		f := webhook.Fact{Type: hitType(h.Hit), At: h.At, Run: run, Contact: h.Contact}
		if h.Evidence != campaign.ByPerson {
			f.Reason = h.Evidence.String()
		}
		if h.Link > 0 && h.Link <= len(links) {
			f.Detail = links[h.Link-1].Target
		}
		facts = append(facts, f)
	}
	return facts, nil
}

// correctHits takes clicks that were noted before as a person's, and are not told yet, for
// a machine's, when those that followed show that.
func (t *tx) correctHits(ctx context.Context, readers map[readerKey]*reader) error {
	for k, r := range readers {
		for _, at := range r.caught {
			_, err := t.exec(ctx, "UPDATE webhook_facts SET type = ?, reason = ? WHERE NOT told AND contact = ? AND run = ? AND type = ? AND at BETWEEN ? AND ?",
				string(webhook.ClickedByMachine), campaign.AllAtOnce.String(), int64(k.contact), int64(k.run), string(webhook.Clicked),
				millis(at.Add(-campaign.AtOnceWithin)), millis(at.Add(campaign.AtOnceWithin)))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// wasCaught reports whether a click belongs to some that were a machine's.
func (r *reader) wasCaught(at time.Time) bool {
	return slices.ContainsFunc(r.caught, func(c time.Time) bool { return at.Sub(c).Abs() <= campaign.AtOnceWithin })
}
