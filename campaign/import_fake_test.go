package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// fakeImports is an ImportStore in memory, true to the interface's words in what the
// importer and the exporter use; the rest of it is left out.
type fakeImports struct {
	ImportStore
	contacts   map[string]*Member // by AddressKey; of one list
	suppressed map[string]bool
	imports    int
	failPut    error
	failFinish error
	open       int // transactions neither finished nor aborted
}

func newFakeImports() *fakeImports {
	return &fakeImports{contacts: make(map[string]*Member), suppressed: make(map[string]bool)}
}

type fakeTx struct {
	s    *fakeImports
	dry  bool
	rows []ImportRow
	done bool
}

func (s *fakeImports) BeginImport(_ context.Context, list ListID, _ string, dryRun bool, _ time.Time) (ImportTx, error) {
	if list == 0 {
		return nil, fmt.Errorf("list 0: %w", ErrNotFound)
	}
	s.open++
	return &fakeTx{s: s, dry: dryRun}, nil
}

func (tx *fakeTx) Put(_ context.Context, rows []ImportRow) error {
	if tx.s.failPut != nil && len(tx.rows) > 0 {
		return tx.s.failPut
	}
	for _, r := range rows {
		r.Attributes = bytes.Clone(r.Attributes)
		tx.rows = append(tx.rows, r)
	}
	return nil
}

func (tx *fakeTx) Abort() error {
	if !tx.done {
		tx.done = true
		tx.s.open--
	}
	return nil
}

func (tx *fakeTx) Finish(_ context.Context, found func(int64, string, ImportEffect) error) (ImportID, ImportCounts, error) {
	if tx.s.failFinish != nil {
		return 0, ImportCounts{}, tx.s.failFinish
	}
	after := make(map[string]*Member, len(tx.s.contacts))
	for k, m := range tx.s.contacts {
		copied := *m
		after[k] = &copied
	}
	var counts ImportCounts
	seen := make(map[string]bool)
	for _, r := range tx.rows {
		effect := apply(after, tx.s.suppressed, seen, r, &counts)
		if effect >= EffectDuplicate && found != nil {
			if err := found(r.Row, r.Email, effect); err != nil {
				return 0, ImportCounts{}, err
			}
		}
	}
	tx.done = true
	tx.s.open--
	if tx.dry {
		return 0, counts, nil
	}
	tx.s.contacts = after
	tx.s.imports++
	return ImportID(tx.s.imports), counts, nil
}

func apply(contacts map[string]*Member, suppressed, seen map[string]bool, r ImportRow, counts *ImportCounts) ImportEffect {
	key := AddressKey(r.Email)
	if seen[key] {
		counts.Duplicate++
		return EffectDuplicate
	}
	seen[key] = true
	m, known := contacts[key]
	if !known {
		m = &Member{Contact: Contact{ID: ContactID(len(contacts) + 1), Email: r.Email, Attributes: []byte("{}")}}
		contacts[key] = m
	}
	merged := merge(m.Attributes, r.Attributes)
	changed := !bytes.Equal(merged, m.Attributes)
	m.Attributes = merged
	switch {
	case suppressed[key]:
		counts.Suppressed++
		return EffectSuppressed
	case m.Status == OptedOut:
		counts.Unsubscribed++
		return EffectUnsubscribed
	case !known:
		counts.New++
		return EffectNew
	case changed:
		counts.Updated++
		return EffectUpdated
	}
	counts.Unchanged++
	return EffectUnchanged
}

func merge(old, given []byte) []byte {
	all := make(map[string]json.RawMessage)
	for _, b := range [][]byte{old, given} {
		if err := json.Unmarshal(b, &all); err != nil {
			panic(fmt.Sprintf("attributes %s: %v", b, err))
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return out
}

func (s *fakeImports) Fields(context.Context) ([]string, error) {
	fields := make(map[string]bool)
	for _, m := range s.contacts {
		all := make(map[string]any)
		if err := json.Unmarshal(m.Attributes, &all); err != nil {
			return nil, err
		}
		for f := range all {
			fields[f] = true
		}
	}
	return slices.Sorted(maps.Keys(fields)), nil
}

func (s *fakeImports) ListContacts(_ context.Context, _ ListID, after ContactID, limit int) ([]Member, error) {
	var page []Member
	for _, m := range s.contacts {
		if m.ID > after {
			page = append(page, *m)
		}
	}
	slices.SortFunc(page, func(a, b Member) int { return int(a.ID - b.ID) })
	return page[:min(limit, len(page))], nil
}

// dump is every contact as "email attributes", in order.
func (s *fakeImports) dump() []string {
	var lines []string
	page, _ := s.ListContacts(context.Background(), 1, 0, 1<<20)
	for _, m := range page {
		lines = append(lines, m.Email+" "+string(m.Attributes))
	}
	return lines
}
