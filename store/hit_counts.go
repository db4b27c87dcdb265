package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"broadside/campaign"
)

// hitKey is a line of hit_counts, by variant.
type hitKey struct {
	run      campaign.RunID
	variant  campaign.Variant
	link     int
	evidence campaign.Evidence
}

// hitSum is what is added to a line; nameless are those of the hits of whom nobody knows
// whose they are.
type hitSum struct{ n, people, nameless int64 }

// hitCounts are changes of the kept counts, summed until they are written.
type hitCounts map[hitKey]hitSum

func (c hitCounts) add(k hitKey, n, people int64) { c.merge(k, hitSum{n: n, people: people}) }

// addNameless adds a hit that names nobody.
func (c hitCounts) addNameless(h campaign.Hit) {
	c.merge(hitKey{h.Run, h.Variant, h.Link, h.Evidence}, hitSum{n: 1, nameless: 1})
}

func (c hitCounts) merge(k hitKey, more hitSum) {
	sum := c[k]
	c[k] = hitSum{sum.n + more.n, sum.people + more.people, sum.nameless + more.nameless}
}

// write adds to the kept counts of runs and, where they have a test, of their variants.
func (c hitCounts) write(ctx context.Context, db *DB, t *tx) error {
	sums, variants := hitCounts{}, map[variantHitKey]*variantHit{}
	for k, sum := range c {
		sums.merge(hitKey{run: k.run, link: k.link, evidence: k.evidence}, sum)
		tested, err := db.tested(ctx, t, k.run)
		if err != nil {
			return err
		}
		if tested {
			addVariantHit(variants, k, sum)
		}
	}
	if err := sums.writeSums(ctx, t); err != nil {
		return err
	}
	return writeVariantHits(ctx, t, variants)
}

func (c hitCounts) writeSums(ctx context.Context, t *tx) error {
	maps.DeleteFunc(c, func(_ hitKey, sum hitSum) bool { return sum.n == 0 && sum.people == 0 })
	keys := slices.SortedFunc(maps.Keys(c), func(a, b hitKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.link, b.link), cmp.Compare(a.evidence, b.evidence))
	})
	_, err := t.insertRows(ctx, "INSERT INTO hit_counts (run, link, evidence, n, people, nameless)", 6,
		"ON CONFLICT (run, link, evidence) DO UPDATE SET n = hit_counts.n + excluded.n, people = hit_counts.people + excluded.people, nameless = hit_counts.nameless + excluded.nameless",
		len(keys), func(args []any, i int) []any {
			k := keys[i]
			return append(args, int64(k.run), k.link, int64(k.evidence), c[k].n, c[k].people, c[k].nameless)
		})
	return err
}

// variantHitKey is a line of variant_hits; all links of a message are one there.
type variantHitKey struct {
	run     campaign.RunID
	variant campaign.Variant
	link    int
}

type variantHit struct{ person, nameless, machine, people int64 }

func addVariantHit(lines map[variantHitKey]*variantHit, k hitKey, sum hitSum) {
	at := variantHitKey{k.run, k.variant, min(k.link, 0)}
	if k.link > 0 {
		at.link, sum.people = campaign.AnyLink, 0 // who followed any link is counted apart
	}
	line := lines[at]
	if line == nil {
		line = &variantHit{}
		lines[at] = line
	}
	if k.evidence.Machine() {
		line.machine += sum.n
		return
	}
	line.person += sum.n
	line.nameless += sum.nameless
	line.people += sum.people
}

func writeVariantHits(ctx context.Context, t *tx, lines map[variantHitKey]*variantHit) error {
	keys := slices.SortedFunc(maps.Keys(lines), func(a, b variantHitKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.variant, b.variant), cmp.Compare(a.link, b.link))
	})
	_, err := t.insertRows(ctx, "INSERT INTO variant_hits (run, variant, link, person, nameless, machine, people)", 7,
		`ON CONFLICT (run, variant, link) DO UPDATE SET person = variant_hits.person + excluded.person, nameless = variant_hits.nameless + excluded.nameless,
			machine = variant_hits.machine + excluded.machine, people = variant_hits.people + excluded.people`,
		len(keys), func(args []any, i int) []any {
			k, l := keys[i], lines[keys[i]]
			return append(args, int64(k.run), int64(k.variant), k.link, l.person, l.nameless, l.machine, l.people)
		})
	return err
}
