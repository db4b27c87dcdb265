package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"broadside/campaign"
)

// UnwantedOf returns for each person why a message through the named lists must not go
// to them at a time, NoReason when it may: the person was erased, is suppressed, has
// left the lists, or consented for a time that is over. With no lists the message is
// for the person alone, and only what holds for that is asked for (see
// campaign.Suppression.Holds). It takes two queries, whatever the number of people.
func (db *DB) UnwantedOf(ctx context.Context, lists []string, people []campaign.Addressee, now time.Time) ([]campaign.Reason, error) {
	addresses := make([]string, len(people))
	contacts := make([]int64, len(people))
	for i, p := range people {
		addresses[i], contacts[i] = address(p.Email), int64(p.Contact)
	}
	found, err := db.suppressed(ctx, hot{db}, addresses)
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
		case found[i].person, len(lists) > 0 && found[i].all:
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
	of := make(map[campaign.ContactID]*subscription, len(contacts))
	query := "SELECT m.contact, m.list, m.consent_until" + db.membersOf() + " AND " + lists
	err := scanRows(ctx, hot{db}, query, []any{db.array(contacts), parameter}, func(rows *sql.Rows) error {
		var contact, list, until int64
		if err := rows.Scan(&contact, &list, &until); err != nil {
			return err
		}
		s := of[campaign.ContactID(contact)]
		if s == nil {
			s = &subscription{}
			of[campaign.ContactID(contact)] = s
		}
		if until == 0 || until > millis(now) {
			s.lists = append(s.lists, campaign.ListID(list))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up the subscriptions of %d contacts: %w", len(contacts), err)
	}
	return of, nil
}

// membersOf is the FROM clause for the subscriptions m of contacts (an array), each
// found by its key: PostgreSQL, when it has no statistics of a young list, would rather
// read the list, and SQLite would go by way of the index on contacts, which is a search
// more.
func (db *DB) membersOf() string {
	if db.postgres {
		return ` FROM unnest(CAST(? AS bigint[])) k (contact)
			JOIN LATERAL (SELECT * FROM members WHERE contact = k.contact OFFSET 0) m ON TRUE WHERE m.status = 0`
	}
	return ` FROM json_each(?) k CROSS JOIN members m INDEXED BY sqlite_autoindex_members_1 ON m.contact = k.value WHERE m.status = 0`
}
