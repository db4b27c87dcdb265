package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"broadside/campaign"
)

// SetListTracking says how much may be measured of a list's members.
func (db *DB) SetListTracking(ctx context.Context, id campaign.ListID, level campaign.Tracking) (campaign.List, error) {
	var r listRow
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &r, "UPDATE lists SET tracking = ? WHERE id = ? RETURNING "+listColumns, int64(level), int64(id))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrNotFound
	}
	if err != nil {
		return campaign.List{}, fmt.Errorf("set the tracking of list %d: %w", id, err)
	}
	return r.list(), nil
}

// MostTracking returns the loosest tracking of the named lists: off for none.
func (db *DB) MostTracking(ctx context.Context, lists []string) (campaign.Tracking, error) {
	var most campaign.Tracking
	err := db.get(ctx, "tracking of lists", &most, "SELECT COALESCE(MAX(tracking), 0) FROM lists WHERE "+db.in("name"), db.array(lists))
	return most, err
}

// CeilingsOf returns the strictest tracking of those of the named lists that each
// contact is subscribed to; who is subscribed to none of them is missing.
func (db *DB) CeilingsOf(ctx context.Context, lists []string, contacts []campaign.ContactID) (map[campaign.ContactID]campaign.Tracking, error) {
	return db.ceilingsOf(ctx, db.read, lists, contacts)
}

func (db *DB) ceilingsOf(ctx context.Context, q rowReader, lists []string, contacts []campaign.ContactID) (map[campaign.ContactID]campaign.Tracking, error) {
	ids := make([]int64, len(contacts))
	for i, c := range contacts {
		ids[i] = int64(c)
	}
	var rows []struct {
		Contact campaign.ContactID
		Level   campaign.Tracking
	}
	query := "SELECT m.contact, MIN((SELECT tracking FROM lists WHERE id = m.list)) AS level" + db.membersOf() +
		" AND m.list IN (SELECT id FROM lists WHERE " + db.in("name") + ") GROUP BY m.contact"
	err := q.SelectContext(ctx, &rows, q.Rebind(query), db.array(ids), db.array(lists))
	if err != nil {
		return nil, fmt.Errorf("look up the tracking of %d contacts: %w", len(contacts), err)
	}
	of := make(map[campaign.ContactID]campaign.Tracking, len(rows))
	for _, r := range rows {
		of[r.Contact] = r.Level
	}
	return of, nil
}

// SaveLinks gives the links that a run's message has their numbers, and returns all
// links of the run. A link that is there keeps its number; asking again changes
// nothing.
func (db *DB) SaveLinks(ctx context.Context, id campaign.RunID, links []campaign.Link) ([]campaign.Link, error) {
	var all []campaign.Link
	err := db.change(ctx, func(t *tx) error {
		if err := db.lock(ctx, t, lockLinks); err != nil {
			return err
		}
		if err := t.SelectContext(ctx, &all, t.Rebind(linksQuery), int64(id)); err != nil {
			return err
		}
		known := make(map[string]bool, len(all))
		for _, l := range all {
			known[l.Target] = true
		}
		kept := len(all)
		for _, l := range links {
			if !known[l.Target] {
				known[l.Target] = true
				all = append(all, campaign.Link{Number: len(all) + 1, Target: l.Target, Fixed: l.Fixed})
			}
		}
		_, err := t.insertRows(ctx, "INSERT INTO links (run, number, target, fixed)", 4, "", len(all)-kept, func(args []any, i int) []any {
			l := all[kept+i]
			return append(args, int64(id), l.Number, l.Target, l.Fixed)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keep the links of run %d: %w", id, err)
	}
	return all, nil
}

const linksQuery = "SELECT number, target, fixed FROM links WHERE run = ? ORDER BY number"

// LinksOf returns the counted links of a run in order of number.
func (db *DB) LinksOf(ctx context.Context, id campaign.RunID) ([]campaign.Link, error) {
	var links []campaign.Link
	if err := db.selectAll(ctx, &links, linksQuery, int64(id)); err != nil {
		return nil, fmt.Errorf("read the links of run %d: %w", id, err)
	}
	return links, nil
}

// HitCounts returns a run's kept counts in order of link and evidence.
func (db *DB) HitCounts(ctx context.Context, id campaign.RunID) ([]campaign.HitCount, error) {
	var counts []campaign.HitCount
	err := db.selectAll(ctx, &counts, "SELECT link, evidence, n, people, nameless FROM hit_counts WHERE run = ? AND (n > 0 OR people > 0) ORDER BY link, evidence", int64(id))
	if err != nil {
		return nil, fmt.Errorf("read what readers of run %d did: %w", id, err)
	}
	return counts, nil
}

// ReadingsOf returns what a contact opened in some runs, newest run first, its openings
// before its links; newest 0 is no bound.
func (db *DB) ReadingsOf(ctx context.Context, c campaign.ContactID, oldest, newest campaign.RunID, limit int) ([]campaign.Reading, error) {
	var rows []struct {
		Run             campaign.RunID
		Campaign        string
		Link            int
		Target          string
		Person, Machine int64
		First, Last     int64
	}
	err := db.selectAll(ctx, &rows, `
		SELECT h.run, k.name AS campaign, h.link, COALESCE(l.target, '') AS target, h.person, h.machine, h.first, h.last
		FROM hits h JOIN runs r ON r.id = h.run JOIN campaigns k ON k.id = r.campaign
			LEFT JOIN links l ON l.run = h.run AND l.number = h.link
		WHERE h.contact = ? AND h.run BETWEEN ? AND ? ORDER BY h.run DESC, h.link LIMIT ?`, int64(c), int64(oldest), int64(cmp.Or(newest, allRuns)), limit)
	if err != nil {
		return nil, fmt.Errorf("read what contact %d opened: %w", c, err)
	}
	readings := make([]campaign.Reading, len(rows))
	for i, r := range rows {
		readings[i] = campaign.Reading{Run: r.Run, Campaign: r.Campaign, Link: r.Link, Target: r.Target, Person: r.Person, Machine: r.Machine, First: fromMillis(r.First), Last: fromMillis(r.Last)}
	}
	return readings, nil
}
