package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"broadside/campaign"
)

// hitsCheckpoint names the checkpoint of the stream of hits.
const hitsCheckpoint = "hits"

// HitsCheckpoint is the last stream sequence of hits that is recorded; 0 at first.
func (db *DB) HitsCheckpoint(ctx context.Context) (uint64, error) {
	return db.checkpoint(ctx, hitsCheckpoint)
}

// ResetHitsCheckpoint sets the checkpoint for a new stream; delivery.ErrCheckpoint when
// it is not at from.
func (db *DB) ResetHitsCheckpoint(ctx context.Context, from, to uint64) error {
	return db.change(ctx, func(t *tx) error { return t.moveCheckpoint(ctx, hitsCheckpoint, from, to) })
}

// ApplyHits records hits in order and moves the checkpoint, in one transaction: exactly
// once. It reads what is known of their readers, adds the hits in memory, and writes
// what changed, and what webhooks are to be told. Hits of people who were erased are counted as nobody's.
func (db *DB) ApplyHits(ctx context.Context, from, to uint64, hits []campaign.Hit) error {
	err := db.change(ctx, func(t *tx) error {
		if err := t.moveCheckpoint(ctx, hitsCheckpoint, from, to); err != nil {
			return err
		}
		return db.applyHits(context.WithoutCancel(ctx), t, hits)
	})
	if err != nil {
		return fmt.Errorf("record %d hits after %d: %w", len(hits), from, err)
	}
	return nil
}

func (db *DB) applyHits(ctx context.Context, t *tx, hits []campaign.Hit) error {
	readers, err := db.readersOf(ctx, t, hits)
	if err != nil {
		return err
	}
	wanted, err := t.wantedOfHits(ctx)
	if err != nil {
		return err
	}
	counts := make(hitCounts)
	var noted []notedHit
	for _, h := range hits {
		if r := readers[readerKey{h.Run, h.Contact}]; r != nil {
			h.Evidence = r.add(h, counts)
			if wanted[hitType(h)] {
				noted = append(noted, notedHit{h, r})
			}
			continue
		}
		if h.Contact == 0 {
			counts.addNameless(h)
			continue
		}
		counts.add(hitKey{h.Run, campaign.NoVariant, h.Link, h.Evidence}, 1, 0)
	}
	if err := t.writeReaders(ctx, readers); err != nil {
		return err
	}
	if len(wanted) > 0 {
		if err := t.correctHits(ctx, readers); err != nil {
			return err
		}
		if err := db.tellHits(ctx, t, wanted, noted); err != nil {
			return err
		}
	}
	return counts.write(ctx, db, t)
}

// readerKey names a recipient whose reading is known.
type readerKey struct {
	run     campaign.RunID
	contact campaign.ContactID
}

// readersOf reads what is known of those whose hits come. Who was erased is missing.
func (db *DB) readersOf(ctx context.Context, t *tx, hits []campaign.Hit) (map[readerKey]*reader, error) {
	contacts := map[campaign.RunID][]int64{}
	asked := map[readerKey]bool{}
	for _, h := range hits {
		if k := (readerKey{h.Run, h.Contact}); h.Contact != 0 && !asked[k] {
			asked[k] = true
			contacts[h.Run] = append(contacts[h.Run], int64(h.Contact))
		}
	}
	if err := db.holdContacts(ctx, t, slices.Concat(slices.Collect(maps.Values(contacts))...), nil); err != nil {
		return nil, err
	}
	readers := map[readerKey]*reader{}
	for run, ids := range contacts {
		var rows []struct {
			Contact campaign.ContactID
			State   campaign.State
			Reason  campaign.Reason
			At      int64
			Variant campaign.Variant
		}
		query := "SELECT l.contact, l.state, l.reason, l.at, l.variant FROM ledger l JOIN contacts c ON c.id = l.contact WHERE " + ofRun("l.run", run) + " AND " + db.in("l.contact")
		err := t.SelectContext(ctx, &rows, t.Rebind(query), db.array(ids))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			readers[readerKey{run, r.Contact}] = newReader(r.State, r.Reason, r.At, r.Variant)
		}
		if err := db.readLinks(ctx, t, run, ids, readers); err != nil {
			return nil, err
		}
	}
	return readers, nil
}

// readLinks fills in what readers of a run did before.
func (db *DB) readLinks(ctx context.Context, t *tx, run campaign.RunID, contacts []int64, readers map[readerKey]*reader) error {
	var rows []struct {
		Contact campaign.ContactID
		Link    int
		followed
	}
	err := t.SelectContext(ctx, &rows, t.Rebind("SELECT contact, link, person, machine, evidence, first, last FROM hits WHERE run = ? AND "+db.in("contact")), int64(run), db.array(contacts))
	for i := range rows {
		if r := readers[readerKey{run, rows[i].Contact}]; r != nil {
			r.links[rows[i].Link] = &rows[i].followed
		}
	}
	return err
}

func (t *tx) writeReaders(ctx context.Context, readers map[readerKey]*reader) error {
	type row struct {
		readerKey
		link int
		*followed
	}
	var rows []row
	for k, r := range readers {
		for link, f := range r.links {
			if f.changed {
				rows = append(rows, row{k, link, f})
			}
		}
	}
	_, err := t.insertRows(ctx, "INSERT INTO hits (run, contact, link, person, machine, evidence, first, last)", 8,
		"ON CONFLICT (run, contact, link) DO UPDATE SET person = excluded.person, machine = excluded.machine, evidence = excluded.evidence, first = excluded.first, last = excluded.last",
		len(rows), func(args []any, i int) []any {
			r := rows[i]
			return append(args, int64(r.run), int64(r.contact), r.link, r.Person, r.Machine, r.Evidence, r.First, r.Last)
		})
	return err
}
