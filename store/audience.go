package store

import (
	"context"
	"fmt"
	"slices"

	"broadside/campaign"
)

// AudiencePage returns members with ids above after, in order. A member of an
// excluded list is left out, or marked if it is to be shown, whether subscribed to that
// list or not.
func (db *DB) AudiencePage(ctx context.Context, a campaign.Audience, after campaign.ContactID, limit int) ([]campaign.AudienceMember, error) {
	if len(a.Lists) == 0 {
		return nil, nil
	}
	a.Lists = slices.Compact(slices.Sorted(slices.Values(a.Lists)))
	page, err := db.audiencePage(ctx, a, after, limit)
	if err == nil {
		err = db.markSuppressed(ctx, a, page)
	}
	if err != nil {
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
