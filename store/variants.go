package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"broadside/campaign"
)

// variantKey is a line of variant_counts.
type variantKey struct {
	run     campaign.RunID
	variant campaign.Variant
	state   campaign.State
}

// variantDeltas are changes of the kept counts of runs with an A/B test.
type variantDeltas map[variantKey]int64

// write adds the deltas, in one order for all writers.
func (d variantDeltas) write(ctx context.Context, t *tx) error {
	maps.DeleteFunc(d, func(_ variantKey, n int64) bool { return n == 0 })
	keys := slices.SortedFunc(maps.Keys(d), func(a, b variantKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.variant, b.variant), cmp.Compare(a.state, b.state))
	})
	_, err := t.insertRows(ctx, "INSERT INTO variant_counts (run, variant, state, n)", 4,
		"ON CONFLICT (run, variant, state) DO UPDATE SET n = variant_counts.n + excluded.n", len(keys), func(args []any, i int) []any {
			k := keys[i]
			return append(args, int64(k.run), int64(k.variant), int64(k.state), d[k])
		})
	return err
}

// testsCached bounds what is remembered of runs.
const testsCached = 4096

// tests remembers which runs have an A/B test. A run's first recipients tell, and nothing
// is heard of it before they are there.
type tests struct {
	mu   sync.Mutex
	runs map[campaign.RunID]bool
}

// tested reports whether a run has an A/B test.
func (db *DB) tested(ctx context.Context, t *tx, id campaign.RunID) (bool, error) {
	db.tests.mu.Lock()
	defer db.tests.mu.Unlock()
	if is, known := db.tests.runs[id]; known {
		return is, nil
	}
	var is bool
	if err := t.get(ctx, &is, "SELECT EXISTS (SELECT 1 FROM variant_counts WHERE run = ?)", int64(id)); err != nil {
		return false, err
	}
	if db.tests.runs == nil || len(db.tests.runs) >= testsCached {
		db.tests.runs = map[campaign.RunID]bool{}
	}
	db.tests.runs[id] = is
	return is, nil
}

// variantsOf returns the variants of those recipients whose run has an A/B test. Of the
// others, who are nearly all, nothing is kept.
func (db *DB) variantsOf(ctx context.Context, t *tx, who iter.Seq[campaign.Recipient]) (map[campaign.Recipient]campaign.Variant, error) {
	var testers []campaign.Recipient
	for r := range who {
		tested, err := db.tested(ctx, t, r.Run)
		if err != nil {
			return nil, err
		}
		if tested {
			testers = append(testers, r)
		}
	}
	variants := make(map[campaign.Recipient]campaign.Variant, len(testers))
	for lane, contacts := range byLane(testers) {
		var rows []struct {
			Contact campaign.ContactID
			Variant campaign.Variant
		}
		err := t.SelectContext(ctx, &rows, t.Rebind("SELECT l.contact, l.variant"+db.ledgerOf(lane.Run)), db.array(contacts), int64(lane.Lane))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			variants[campaign.Recipient{Run: lane.Run, Lane: lane.Lane, Contact: r.Contact}] = r.Variant
		}
	}
	return variants, nil
}

// countVariants keeps the counts of runs with an A/B test by what events did.
func (db *DB) countVariants(ctx context.Context, t *tx, events []campaign.Event, moves []move) error {
	variants, err := db.variantsOf(ctx, t, func(yield func(campaign.Recipient) bool) {
		for i := range events {
			if moves[i].to.last != nil && !yield(events[i].Recipient) {
				return
			}
		}
	})
	if err != nil || len(variants) == 0 {
		return err
	}
	deltas := variantDeltas{}
	for i := range events {
		v, ok := variants[events[i].Recipient]
		if !ok || moves[i].to.last == nil {
			continue
		}
		deltas[variantKey{events[i].Run, v, moves[i].from.state}]--
		deltas[variantKey{events[i].Run, v, moves[i].to.state}]++
	}
	return deltas.write(ctx, t)
}

// countHeard keeps what was heard of runs with an A/B test by variant.
func (db *DB) countHeard(ctx context.Context, t *tx, heard []campaign.Feedback) error {
	variants, err := db.variantsOf(ctx, t, func(yield func(campaign.Recipient) bool) {
		for i := range heard {
			if !yield(heard[i].Recipient) {
				return
			}
		}
	})
	if err != nil || len(variants) == 0 {
		return err
	}
	counts := map[heardKey]int64{}
	for _, f := range heard {
		if v, ok := variants[f.Recipient]; ok {
			counts[heardKey{f.Run, v, f.Kind}]++
		}
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b heardKey) int { // one order for all writers
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.variant, b.variant), cmp.Compare(a.kind, b.kind))
	})
	_, err = t.insertRows(ctx, "INSERT INTO variant_heard (run, variant, kind, n)", 4,
		"ON CONFLICT (run, variant, kind) DO UPDATE SET n = variant_heard.n + excluded.n", len(keys), func(args []any, i int) []any {
			k := keys[i]
			return append(args, int64(k.run), int64(k.variant), int64(k.kind), counts[k])
		})
	return err
}

// heardKey is what variant_heard counts.
type heardKey struct {
	run     campaign.RunID
	variant campaign.Variant
	kind    campaign.FeedbackKind
}

// VariantFigures returns what is known of each variant of a run's A/B test, in order, those
// who wait or waited for its winner first; none for a run without a test.
func (db *DB) VariantFigures(ctx context.Context, id campaign.RunID) ([]campaign.VariantFigures, error) {
	found := map[campaign.Variant]*campaign.VariantFigures{}
	of := func(v campaign.Variant) *campaign.VariantFigures {
		if found[v] == nil {
			found[v] = &campaign.VariantFigures{Variant: v}
		}
		return found[v]
	}
	var counts []struct {
		Variant campaign.Variant
		State   campaign.State
		N       int64
	}
	if err := db.selectAll(ctx, &counts, "SELECT variant, state, n FROM variant_counts WHERE run = ? ORDER BY variant, state", int64(id)); err != nil {
		return nil, fmt.Errorf("read the variants of run %d: %w", id, err)
	}
	for _, c := range counts {
		of(c.Variant).Counts.Add(c.State, c.N)
	}
	var hits []struct {
		Variant                           campaign.Variant
		Link                              int
		Person, Nameless, Machine, People int64
	}
	if err := db.selectAll(ctx, &hits, "SELECT variant, link, person, nameless, machine, people FROM variant_hits WHERE run = ?", int64(id)); err != nil {
		return nil, fmt.Errorf("read what readers of run %d's variants did: %w", id, err)
	}
	for _, h := range hits {
		did := campaign.VariantReaders{ReaderCount: campaign.ReaderCount{Person: h.Person, People: h.People, Nameless: h.Nameless, Machine: h.Machine}}
		if h.Link == 0 {
			of(h.Variant).Opens = did
		} else {
			of(h.Variant).Clicks = did
		}
	}
	var heard []struct {
		Variant campaign.Variant
		Kind    campaign.FeedbackKind
		N       int64
	}
	if err := db.selectAll(ctx, &heard, "SELECT variant, kind, n FROM variant_heard WHERE run = ?", int64(id)); err != nil {
		return nil, fmt.Errorf("read what was heard of run %d's variants: %w", id, err)
	}
	for _, h := range heard {
		of(h.Variant).Hear(h.Kind, h.N)
	}
	var list []campaign.VariantFigures
	for _, v := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[v])
	}
	return list, nil
}
