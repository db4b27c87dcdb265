package store

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"broadside/campaign"
)

// How a page of many lists is read. The first members of each would be more than the page
// has, as many times as there are lists: so it is read in windows, ranges of contacts'
// numbers, of which nearly all is needed.
const (
	// mergedAtOnce is how many members too many cost less than asking twice: a few lists,
	// or a small page, are read without windows.
	mergedAtOnce = 4000
	// windowGrowth bounds how much wider the next window is: behind a place where members
	// are rare there may be one where they are not.
	windowGrowth = 32
)

// audiencePage reads a page of an audience whose lists are in order, each once. Each window
// is as wide as the one before lets expect for the rest of the page, and behind an empty one
// the next begins with a member: also where people are far apart there are few.
func (db *DB) audiencePage(ctx context.Context, a campaign.Audience, after campaign.ContactID, limit int) ([]campaign.AudienceMember, error) {
	page := make([]campaign.AudienceMember, 0, min(limit, 8192))
	if len(a.Lists) == 1 || len(a.Lists)*limit <= mergedAtOnce {
		return db.audienceWindow(ctx, page, a, after, math.MaxInt64, limit)
	}
	for width := limit; ; {
		before, upTo := len(page), after+campaign.ContactID(width)
		var err error
		if page, err = db.audienceWindow(ctx, page, a, after, upTo, limit-before); err != nil || len(page) == limit {
			return page, err
		}
		found := len(page) - before
		after = upTo
		if found == 0 {
			next, err := db.nextMember(ctx, a.Lists, upTo)
			if err != nil || next == 0 {
				return page, err
			}
			after = next - 1
		}
		expected := (limit - len(page)) * width / max(found, 1)
		width = min(expected*5/4+1, width*windowGrowth)
	}
}

// audienceWindow appends to a page up to limit members above after and up to upTo, in order.
func (db *DB) audienceWindow(ctx context.Context, page []campaign.AudienceMember, a campaign.Audience, after, upTo campaign.ContactID, limit int) ([]campaign.AudienceMember, error) {
	query, args := db.audienceQuery(a, after, upTo, limit)
	err := scanRows(ctx, hot{db}, query, args, func(rows *sql.Rows) error {
		var r contactRow
		var status uint8
		var lists int
		if err := rows.Scan(&r.ID, &r.Address, &r.Spelling, &r.Attributes, &r.Created, &r.Updated, &status, &lists); err != nil {
			return err
		}
		page = append(page, campaign.AudienceMember{
			Contact: r.contact(), Lists: lists,
			Excluded: status == memberExcluded, Subscribed: status == memberSubscribed, Lapsed: status == memberLapsed,
		})
		return nil
	})
	return page, err
}

// audienceQuery merges the first members of each list: a contact among the first of all of
// them is among the first of every list that it is in.
func (db *DB) audienceQuery(a campaign.Audience, after, upTo campaign.ContactID, limit int) (string, []any) {
	status := "page.status"
	var shown, hidden []any
	if len(a.Exclude) > 0 && a.ShowExcluded {
		shown = []any{db.array(a.Exclude)}
		status = "CASE WHEN " + db.excluded("page.contact") + " THEN 3 ELSE page.status END"
	} else if len(a.Exclude) > 0 {
		hidden = []any{db.array(a.Exclude)}
	}
	members, of := db.firstMembers(a.Lists, after, upTo, limit, hidden)
	query := `
		SELECT ` + contactColumns + `, ` + status + `, page.joined
		FROM (SELECT m.contact, COUNT(*) AS joined,
				MIN(CASE WHEN m.status = 1 THEN 2 WHEN m.consent_until = 0 OR m.consent_until > ? THEN 0 ELSE 1 END) AS status
			FROM ` + members + ` GROUP BY m.contact ORDER BY m.contact LIMIT ?) page
		JOIN` + db.contactOf("page.contact") + `ORDER BY page.contact`
	return query, slices.Concat(shown, []any{millis(a.At)}, of, []any{limit})
}

// firstMembers is the FROM clause, with its arguments, for the memberships m of lists: up to
// limit of each, in order of contact, above after and up to upTo. Those of hidden's lists are
// left out. Each list is one search by its key, however many other lists there are: in
// PostgreSQL rows are compared, for which no other index serves, also when it knows nothing
// of a young list yet. SQLite has no LATERAL: it looks up how far the first ones go.
func (db *DB) firstMembers(lists []campaign.ListID, after, upTo campaign.ContactID, limit int, hidden []any) (string, []any) {
	but := func(contact string) string {
		if len(hidden) == 0 {
			return ""
		}
		return " AND NOT " + db.excluded(contact)
	}
	if db.postgres {
		return `unnest(CAST(? AS bigint[])) l (value) CROSS JOIN LATERAL (SELECT m.contact, m.status, m.consent_until FROM members m
			WHERE (m.list, m.contact) > (l.value, ?) AND (m.list, m.contact) <= (l.value, ?)` + but("m.contact") + `
			ORDER BY m.list, m.contact LIMIT ?) m`,
			slices.Concat([]any{db.array(lists), after, upTo}, hidden, []any{limit})
	}
	return `json_each(?) l CROSS JOIN members m INDEXED BY sqlite_autoindex_members_1
			ON m.list = l.value AND m.contact > ? AND m.contact <= COALESCE((
				SELECT f.contact FROM members f INDEXED BY sqlite_autoindex_members_1
				WHERE f.list = l.value AND f.contact > ? AND f.contact <= ?` + but("f.contact") + `
				ORDER BY f.contact LIMIT 1 OFFSET ?), ?)` + but("m.contact"),
		slices.Concat([]any{db.array(lists), after, after, upTo}, hidden, []any{limit - 1, upTo}, hidden)
}

// excluded is the condition that a contact is in one of the lists of a parameter. OFFSET
// has PostgreSQL look by contact, instead of reading the lists first.
func (db *DB) excluded(contact string) string {
	return "EXISTS (SELECT 1 FROM members e WHERE e.contact = " + contact + " AND " + db.in("e.list") + " LIMIT 1 OFFSET 0)"
}

// nextMember returns the first contact above after that is in one of some lists; 0 for none.
func (db *DB) nextMember(ctx context.Context, lists []campaign.ListID, after campaign.ContactID) (campaign.ContactID, error) {
	members, of := db.firstMembers(lists, after, math.MaxInt64, 1, nil)
	var next campaign.ContactID
	err := scanRows(ctx, hot{db}, "SELECT COALESCE(MIN(m.contact), 0) FROM "+members, of, func(rows *sql.Rows) error {
		return rows.Scan(&next)
	})
	return next, err
}
