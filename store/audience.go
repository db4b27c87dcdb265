package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign"
)

// AudiencePage returns members with ids above after, in order. A member of an
// excluded list is left out whether subscribed to that list or not.
func (db *DB) AudiencePage(ctx context.Context, a campaign.Audience, after campaign.ContactID, limit int) ([]campaign.AudienceMember, error) {
	if len(a.Lists) == 0 {
		return nil, nil
	}
	query, args := db.audienceQuery(a, after, limit)
	var rows []struct {
		contactRow
		Status     uint8
		Suppressed bool
	}
	if err := db.selectAll(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read an audience after contact %d: %w", after, err)
	}
	page := make([]campaign.AudienceMember, len(rows))
	for i, r := range rows {
		page[i] = campaign.AudienceMember{
			Contact:    r.contact(),
			Subscribed: campaign.MemberStatus(r.Status) == campaign.Subscribed,
			Suppressed: r.Suppressed,
		}
	}
	return page, nil
}

// audienceQuery takes the first page of each list by its key and merges them: a
// contact of the merged page is in the first page of every list that it is in.
func (db *DB) audienceQuery(a campaign.Audience, after campaign.ContactID, limit int) (string, []any) {
	excluded := ""
	if n := len(a.Exclude); n > 0 {
		excluded = "AND NOT EXISTS (SELECT 1 FROM members x WHERE x.contact = m.contact AND x.list IN (?" + strings.Repeat(",?", n-1) + "))"
	}
	lists := slices.Clone(a.Lists)
	slices.Sort(lists)
	var parts []string
	var args []any
	for _, list := range slices.Compact(lists) {
		parts = append(parts, "SELECT * FROM (SELECT m.contact, m.status FROM members m WHERE m.list = ? AND m.contact > ? "+excluded+" ORDER BY m.contact LIMIT ?) p")
		args = append(args, list, after)
		for _, x := range a.Exclude {
			args = append(args, x)
		}
		args = append(args, limit)
	}
	// 0 is Subscribed: the least status is subscribed when any is.
	query := `
		SELECT ` + contactColumns + `, page.status,
			EXISTS (SELECT 1 FROM suppressions s WHERE s.address = c.address) AS suppressed
		FROM (SELECT contact, MIN(status) AS status FROM (` + strings.Join(parts, " UNION ALL ") + `) u
			GROUP BY contact ORDER BY contact LIMIT ?) page
		JOIN` + db.contactOf("page.contact") + `ORDER BY page.contact`
	return query, append(args, limit)
}
