package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
)

// UnwantedOf returns for each person why a message through the named lists must not go
// to them at a time, NoReason when it may: the person was erased, is suppressed, has
// left the lists, or consented for a time that is over. With no lists the message is
// for the person alone, and only suppression whatever the list is asked for. It takes
// two queries, whatever the number of people.
func (db *DB) UnwantedOf(ctx context.Context, lists []string, people []campaign.Addressee, now time.Time) ([]campaign.Reason, error) {
	addresses := make([]string, len(people))
	contacts := make([]int64, len(people))
	for i, p := range people {
		addresses[i], contacts[i] = address(p.Email), int64(p.Contact)
	}
	found, err := db.suppressed(ctx, db.read, addresses)
	if err != nil {
		return nil, err
	}
	var joined map[campaign.ContactID]*subscription
	if len(lists) > 0 {
		if joined, err = db.subscriptions(ctx, "m.list IN (SELECT id FROM lists WHERE "+db.in("name")+")", db.array(lists), contacts, now); err != nil {
			return nil, err
		}
	}
	reasons := make([]campaign.Reason, len(people))
	for i, p := range people {
		s := joined[p.Contact]
		switch {
		case p.Email == "":
			reasons[i] = campaign.Erased
		case found[i].all:
			reasons[i] = campaign.Suppressed
		case len(lists) == 0:
		case s == nil:
			reasons[i] = campaign.Unsubscribed
		case len(s.lists) == 0:
			reasons[i] = campaign.ConsentLapsed
		case found[i].on(s.lists):
			reasons[i] = campaign.Suppressed
		}
	}
	return reasons, nil
}

// subscription is through which of some lists a contact may be reached.
type subscription struct {
	lists []campaign.ListID // those for which the consent has not lapsed
}

// subscriptions returns the subscriptions of contacts to the lists of a condition with
// one parameter; who is subscribed to none of them is missing.
func (db *DB) subscriptions(ctx context.Context, lists string, parameter any, contacts []int64, now time.Time) (map[campaign.ContactID]*subscription, error) {
	var rows []struct {
		Contact campaign.ContactID
		List    campaign.ListID
		Until   int64
	}
	err := db.selectAll(ctx, &rows, "SELECT m.contact, m.list, m.consent_until AS until"+db.membersOf()+" AND "+lists, db.array(contacts), parameter)
	if err != nil {
		return nil, fmt.Errorf("look up the subscriptions of %d contacts: %w", len(contacts), err)
	}
	of := make(map[campaign.ContactID]*subscription, len(contacts))
	for _, r := range rows {
		if of[r.Contact] == nil {
			of[r.Contact] = &subscription{}
		}
		if r.Until == 0 || r.Until > millis(now) {
			of[r.Contact].lists = append(of[r.Contact].lists, r.List)
		}
	}
	return of, nil
}

// membersOf is the FROM clause for the subscriptions m of contacts (an array), each
// found by its key: PostgreSQL, when it has no statistics of a young list, would rather
// read the list.
func (db *DB) membersOf() string {
	if db.postgres {
		return ` FROM unnest(CAST(? AS bigint[])) k (contact)
			JOIN LATERAL (SELECT * FROM members WHERE contact = k.contact OFFSET 0) m ON TRUE WHERE m.status = 0`
	}
	return ` FROM json_each(?) k CROSS JOIN members m ON m.contact = k.value WHERE m.status = 0`
}
