package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign"
)

// domains are the names under which an address's domain may be suppressed: its own and
// those above it that have a dot.
func domains(address string) []string {
	var names []string
	for name := address[strings.LastIndexByte(address, '@')+1:]; strings.Contains(name, "."); {
		names = append(names, name)
		_, name, _ = strings.Cut(name, ".")
	}
	return names
}

// suppressed says how an address is suppressed.
type suppressed struct {
	all    bool              // whatever the list
	person bool              // also in what is for the person alone
	erased bool              // by its hash
	lists  []campaign.ListID // on these
}

// on reports whether the address gets nothing through any of some lists.
func (s *suppressed) on(lists []campaign.ListID) bool {
	if s.all {
		return true
	}
	for _, l := range lists {
		if !slices.Contains(s.lists, l) {
			return false
		}
	}
	return len(lists) > 0
}

// suppressed tells for each address (in lower case) how it is suppressed, in one query,
// whose cost does not depend on how many suppressions there are: each address is three
// or four probes of one index.
func (db *DB) suppressed(ctx context.Context, q querier, addresses []string) ([]suppressed, error) {
	keys := make([]string, 0, 2*len(addresses)+16)
	hashes := db.hashes.of(addresses)
	seen := map[string]bool{}
	for i, a := range addresses {
		keys = append(keys, a, hashes[i])
		if domain := a[strings.LastIndexByte(a, '@')+1:]; !seen[domain] {
			seen[domain] = true
			keys = append(keys, domains(a)...)
		}
	}
	entries := map[string][]campaign.Suppression{}
	err := scanRows(ctx, q, "SELECT s.who, s.list, s.reason"+db.suppressionsBy(), []any{db.array(keys)}, func(rows *sql.Rows) error {
		var who string
		var e campaign.Suppression
		if err := rows.Scan(&who, &e.List, &e.Reason); err != nil {
			return err
		}
		entries[who] = append(entries[who], e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d suppressions: %w", len(addresses), err)
	}
	found := make([]suppressed, len(addresses))
	if len(entries) == 0 {
		return found, nil
	}
	for i, a := range addresses {
		s := &found[i]
		s.add(entries[a])
		s.erased = len(entries[hashes[i]]) > 0
		s.add(entries[hashes[i]])
		for _, d := range domains(a) {
			s.add(entries[d])
		}
	}
	return found, nil
}

// suppressionsBy is the FROM clause for the suppressions s of an array of addresses,
// domains and hashes, each found by its key, also when PostgreSQL has no statistics of
// a table that has just been filled.
func (db *DB) suppressionsBy() string {
	if db.postgres {
		return ` FROM unnest(CAST(? AS text[])) k (who)
			JOIN LATERAL (SELECT who, list, reason FROM suppressions WHERE who = k.who OFFSET 0) s ON TRUE`
	}
	return ` FROM json_each(?) k CROSS JOIN suppressions s ON s.who = k.value`
}

func (s *suppressed) add(entries []campaign.Suppression) {
	for _, e := range entries {
		s.all = s.all || e.List == 0
		s.person = s.person || e.Holds()
		s.lists = append(s.lists, e.List)
	}
}

// SuppressedOf tells for each address whether it is suppressed whatever the list.
func (db *DB) SuppressedOf(ctx context.Context, emails []string) ([]bool, error) {
	addresses := make([]string, len(emails))
	for i, email := range emails {
		addresses[i] = address(email)
	}
	found, err := db.suppressed(ctx, hot{db}, addresses)
	if err != nil {
		return nil, err
	}
	all := make([]bool, len(emails))
	for i := range found {
		all[i] = found[i].all
	}
	return all, nil
}
