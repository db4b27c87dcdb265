package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign"
)

// AudiencePage returns members with ids above after, in order. A member of an
// excluded list is left out, or marked if it is to be shown, whether subscribed to that
// list or not.
func (db *DB) AudiencePage(ctx context.Context, a campaign.Audience, after campaign.ContactID, limit int) ([]campaign.AudienceMember, error) {
	if len(a.Lists) == 0 {
		return nil, nil
	}
	query, args := db.audienceQuery(a, after, limit)
	page := make([]campaign.AudienceMember, 0, min(limit, 8192))
	err := scanRows(ctx, db.read, query, args, func(rows *sql.Rows) error {
		var r contactRow
		var status uint8
		if err := rows.Scan(&r.ID, &r.Address, &r.Spelling, &r.Attributes, &r.Created, &r.Updated, &status); err != nil {
			return err
		}
		page = append(page, campaign.AudienceMember{Contact: r.contact(), Excluded: status == memberExcluded, Subscribed: status == memberSubscribed, Lapsed: status == memberLapsed})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read an audience after contact %d: %w", after, err)
	}
	if err := db.markSuppressed(ctx, a, page); err != nil {
		return nil, fmt.Errorf("read an audience after contact %d: %w", after, err)
	}
	return page, nil
}

// What a membership is worth, in order: a contact in several lists has the best of them.
const (
	memberSubscribed = iota
	memberLapsed
	memberLeft
	memberExcluded // of all of them: it is in an excluded list
)

// markSuppressed notes who is suppressed on every list through which a message could
// go to them.
func (db *DB) markSuppressed(ctx context.Context, a campaign.Audience, page []campaign.AudienceMember) error {
	addresses := make([]string, len(page))
	for i := range page {
		addresses[i] = address(page[i].Email)
	}
	found, err := db.suppressed(ctx, hot{db}, addresses)
	if err != nil {
		return err
	}
	var some []int64 // contacts that are suppressed on some lists
	for i := range page {
		if page[i].Suppressed = found[i].all; !found[i].all && len(found[i].lists) > 0 {
			some = append(some, int64(page[i].ID))
		}
	}
	if len(some) == 0 {
		return nil
	}
	of, err := db.subscriptions(ctx, db.in("m.list"), db.array(a.Lists), some, a.At)
	if err != nil {
		return err
	}
	for i := range page {
		if s := of[page[i].ID]; s != nil && !found[i].all {
			page[i].Suppressed = found[i].on(s.lists)
		}
	}
	return nil
}

// audienceQuery takes the first page of each list by its key and merges them: a
// contact of the merged page is in the first page of every list that it is in.
func (db *DB) audienceQuery(a campaign.Audience, after campaign.ContactID, limit int) (string, []any) {
	shown, hidden := "", ""
	if n := len(a.Exclude); n > 0 {
		excluded := "EXISTS (SELECT 1 FROM members x WHERE x.contact = m.contact AND x.list IN (?" + strings.Repeat(",?", n-1) + "))"
		if a.ShowExcluded {
			shown = "WHEN " + excluded + " THEN 3 "
		} else {
			hidden = "AND NOT " + excluded
		}
	}
	lists := slices.Clone(a.Lists)
	slices.Sort(lists)
	var parts []string
	var args []any
	for _, list := range slices.Compact(lists) {
		parts = append(parts, "SELECT * FROM (SELECT m.contact, CASE "+shown+"WHEN m.status = 1 THEN 2 WHEN m.consent_until = 0 OR m.consent_until > ? THEN 0 ELSE 1 END AS status FROM members m WHERE m.list = ? AND m.contact > ? "+hidden+" ORDER BY m.contact LIMIT ?) p")
		if shown != "" {
			args = appendLists(args, a.Exclude)
		}
		args = append(args, millis(a.At), list, after)
		if hidden != "" {
			args = appendLists(args, a.Exclude)
		}
		args = append(args, limit)
	}
	query := `
		SELECT ` + contactColumns + `, page.status
		FROM (SELECT contact, MIN(status) AS status FROM (` + strings.Join(parts, " UNION ALL ") + `) u
			GROUP BY contact ORDER BY contact LIMIT ?) page
		JOIN` + db.contactOf("page.contact") + `ORDER BY page.contact`
	return query, append(args, limit)
}

func appendLists(args []any, lists []campaign.ListID) []any {
	for _, l := range lists {
		args = append(args, l)
	}
	return args
}

// LastMember returns the highest id in some lists, and how many members they have
// together, by their kept counts: who is in two of them counts twice.
func (db *DB) LastMember(ctx context.Context, lists []campaign.ListID) (last campaign.ContactID, members int64, err error) {
	ids := make([]int64, len(lists))
	for i, l := range lists {
		ids[i] = int64(l)
	}
	var row struct {
		Last    campaign.ContactID
		Members int64
	}
	err = db.get(ctx, "last member of lists", &row, `SELECT COALESCE(MAX((SELECT MAX(m.contact) FROM members m WHERE m.list = lists.id)), 0) AS last,
		COALESCE(SUM(subscribed + unsubscribed), 0) AS members FROM lists WHERE `+db.in("id"), db.array(ids))
	return row.Last, row.Members, err
}
