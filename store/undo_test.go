package store_test

import (
	"testing"

	"broadside/campaign"
	"broadside/store"
)

// What an undo takes back, and what it leaves.
func TestUndoImport(t *testing.T) {
	ann := row(1, "ann@example.org", `{"a":"1","b":"1"}`)
	tests := []struct {
		name string
		// first is the import undone unless second is true; between happens after it.
		between    func(t *testing.T, db *store.DB, list, other campaign.ListID)
		first      []campaign.ImportRow
		second     []campaign.ImportRow
		undoSecond bool
		counts     campaign.ImportCounts
		contacts   map[string]string // address → attributes, "" for gone
		subscribed int64
	}{
		{
			name: "contacts created go", first: []campaign.ImportRow{ann, row(2, "bob@example.org", `{}`)},
			counts: campaign.ImportCounts{New: 2}, contacts: map[string]string{"ann@example.org": "", "bob@example.org": ""},
		},
		{
			name: "attributes return, new ones go", first: []campaign.ImportRow{ann},
			second: []campaign.ImportRow{row(1, "ann@example.org", `{"a":"2","c":"2"}`)}, undoSecond: true,
			counts: campaign.ImportCounts{Updated: 1}, contacts: map[string]string{"ann@example.org": `{"a":"1","b":"1"}`}, subscribed: 1,
		},
		{
			name: "a contact changed by a later import stays", first: []campaign.ImportRow{ann, row(2, "bob@example.org", `{}`)},
			second: []campaign.ImportRow{row(1, "ann@example.org", `{"a":"2"}`)},
			counts: campaign.ImportCounts{New: 1, Updated: 1}, contacts: map[string]string{"ann@example.org": `{"a":"2","b":"1"}`, "bob@example.org": ""},
		},
		{
			name: "an attribute changed again stays, the others return", first: []campaign.ImportRow{ann},
			second: []campaign.ImportRow{row(1, "ann@example.org", `{"a":"2","b":"2"}`)}, undoSecond: true,
			between: func(t *testing.T, db *store.DB, list, _ campaign.ListID) {
				runImport(t, db, list, false, row(1, "ann@example.org", `{"b":"3"}`))
			},
			counts: campaign.ImportCounts{Updated: 1}, contacts: map[string]string{"ann@example.org": `{"a":"1","b":"3"}`}, subscribed: 1,
		},
		{
			name: "a contact in another list stays", first: []campaign.ImportRow{ann},
			between: func(t *testing.T, db *store.DB, _, other campaign.ListID) {
				runImport(t, db, other, false, row(1, "ann@example.org", `{"a":"1"}`))
			},
			counts: campaign.ImportCounts{Updated: 1}, contacts: map[string]string{"ann@example.org": `{"a":"1","b":"1"}`},
		},
		{
			name: "a contact in a ledger stays", first: []campaign.ImportRow{ann},
			between: func(t *testing.T, db *store.DB, _, _ campaign.ListID) {
				run := must(db.CreateRun(t.Context(), newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
				if err := db.AppendRecipients(t.Context(), run.ID, 0, 1, []campaign.NewRecipient{{Lane: 1, Contact: 1}}, true); err != nil {
					t.Fatal(err)
				}
			},
			counts: campaign.ImportCounts{Updated: 1}, contacts: map[string]string{"ann@example.org": `{"a":"1","b":"1"}`},
		},
		{
			name: "who has left is remembered", first: []campaign.ImportRow{ann},
			between: func(t *testing.T, db *store.DB, list, _ campaign.ListID) {
				if err := db.Unsubscribe(t.Context(), 1, list, now); err != nil {
					t.Fatal(err)
				}
			},
			contacts: map[string]string{"ann@example.org": `{"a":"1","b":"1"}`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB, url string) {
				list, other := newList(t, db, "news"), newList(t, db, "other")
				clone := func(rows []campaign.ImportRow) []campaign.ImportRow {
					copies := make([]campaign.ImportRow, len(rows))
					for i, r := range rows {
						copies[i] = row(r.Row, r.Email, string(r.Attributes))
					}
					return copies
				}
				id, _, _ := runImport(t, db, list, false, clone(test.first)...)
				if test.second != nil {
					second, _, _ := runImport(t, db, list, false, clone(test.second)...)
					if test.undoSecond {
						id = second
					}
				}
				if test.between != nil {
					test.between(t, db, list, other)
				}
				if counts := must(db.UndoImport(t.Context(), id))(t); counts != test.counts {
					t.Errorf("undone %+v, want %+v", counts, test.counts)
				}
				for email, want := range test.contacts {
					got := ""
					if c, err := db.ContactByEmail(t.Context(), email); err == nil {
						got = string(c.Attributes)
					}
					if got != want {
						t.Errorf("%s has %s, want %s", email, got, want)
					}
				}
				if l := listNamed(t, db, "news"); l.Subscribed != test.subscribed {
					t.Errorf("list %+v, want %d subscribed", l, test.subscribed)
				}
				checkLists(t, db, url)
				if imports := must(db.Imports(t.Context(), list, id+1, 1))(t); len(imports) != 1 || !imports[0].Undone {
					t.Errorf("imports %+v", imports)
				}
				// The same people may come again; who left stays out.
				runImport(t, db, list, false, clone(test.first)...)
				checkLists(t, db, url)
				if l := listNamed(t, db, "news"); l.Subscribed+l.Unsubscribed != int64(len(test.first)) {
					t.Errorf("after another import: %+v", l)
				}
			})
		})
	}
}
