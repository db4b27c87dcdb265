package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// ListByID finds a list; campaign.ErrNotFound.
func (db *DB) ListByID(ctx context.Context, id campaign.ListID) (campaign.List, error) {
	var r listRow
	err := db.get(ctx, fmt.Sprintf("list %d", id), &r, "SELECT "+listColumns+" FROM lists WHERE id = ?", int64(id))
	return r.list(), err
}

// CampaignByID finds a campaign; campaign.ErrNotFound.
func (db *DB) CampaignByID(ctx context.Context, id campaign.CampaignID) (campaign.Campaign, error) {
	var r campaignRow
	err := db.get(ctx, fmt.Sprintf("campaign %d", id), &r, "SELECT "+campaignColumns+" FROM campaigns WHERE id = ?", int64(id))
	if err != nil {
		return campaign.Campaign{}, err
	}
	return db.campaign(ctx, r)
}

// RunsOf pages through a campaign's runs, newest first; before 0 starts.
func (db *DB) RunsOf(ctx context.Context, c campaign.CampaignID, before campaign.RunID, limit int) ([]campaign.Run, error) {
	return db.runs(ctx, "WHERE campaign = ? AND id < ? ORDER BY id DESC LIMIT ?", int64(c), beforeOrAll(int64(before)), limit)
}

// ContactByID finds a contact; campaign.ErrNotFound.
func (db *DB) ContactByID(ctx context.Context, id campaign.ContactID) (campaign.Contact, error) {
	var r contactRow
	err := db.get(ctx, fmt.Sprintf("contact %d", id), &r, "SELECT "+contactColumns+" FROM contacts c WHERE c.id = ?", int64(id))
	return r.contact(), err
}

// SearchContacts pages through the contacts whose address begins with a prefix, in
// order of address; after "" starts.
func (db *DB) SearchContacts(ctx context.Context, prefix, after string, limit int) ([]campaign.Contact, error) {
	where, args := prefixRange("c.address", prefix, after)
	var rows []contactRow
	err := db.selectAll(ctx, &rows, "SELECT "+contactColumns+" FROM contacts c WHERE "+where+" ORDER BY c.address LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("search contacts %q: %w", prefix, err)
	}
	contacts := make([]campaign.Contact, len(rows))
	for i, r := range rows {
		contacts[i] = r.contact()
	}
	return contacts, nil
}

// prefixRange is the condition that an address begins with a prefix and comes after
// another: one range of the index. Addresses are compared by their bytes.
func prefixRange(column, prefix, after string) (where string, args []any) {
	prefix = address(prefix)
	end := prefix + "\U0010FFFF"
	if after = address(after); after >= prefix && after != "" {
		return column + " > ? AND " + column + " < ?", []any{after, end}
	}
	return column + " >= ? AND " + column + " < ?", []any{prefix, end}
}

// MembershipsOf returns the lists that a contact is in or has left, in order of name.
func (db *DB) MembershipsOf(ctx context.Context, c campaign.ContactID) ([]campaign.Membership, error) {
	var rows []struct {
		listRow
		Status  uint8
		Changed int64
		LeftBy  int `db:"left_by"`
	}
	err := db.selectAll(ctx, &rows, `SELECT l.id, l.name, l.created, l.subscribed, l.unsubscribed, l.tracking, l.title, l.description, l.visible, m.status, m.changed, m.left_by
		FROM members m JOIN lists l ON l.id = m.list WHERE m.contact = ? ORDER BY l.name`, int64(c))
	if err != nil {
		return nil, fmt.Errorf("read the lists of contact %d: %w", c, err)
	}
	list := make([]campaign.Membership, len(rows))
	for i, r := range rows {
		list[i] = campaign.Membership{List: r.list(), Status: campaign.MemberStatus(r.Status), Changed: fromMillis(r.Changed), ByPerson: r.LeftBy == leftByPerson}
	}
	return list, nil
}

// RecipientsBecause is Recipients for one reason alone.
func (db *DB) RecipientsBecause(ctx context.Context, id campaign.RunID, s campaign.State, because campaign.Reason, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	return db.recipients(ctx, id, s, fmt.Sprintf(" AND l.reason = %d", because), after, limit)
}
