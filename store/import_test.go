package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

type finding struct {
	Row    int64
	Email  string
	Effect campaign.ImportEffect
}

func row(n int64, email, attributes string) campaign.ImportRow {
	return campaign.ImportRow{Row: n, Email: email, Attributes: []byte(attributes)}
}

func newList(t testing.TB, db *store.DB, name string) campaign.ListID {
	t.Helper()
	return must(db.CreateList(context.Background(), name, now))(t).ID
}

// runImport imports rows, half of them per Put.
func runImport(t testing.TB, db *store.DB, list campaign.ListID, dryRun bool, rows ...campaign.ImportRow) (campaign.ImportID, campaign.ImportCounts, []finding) {
	t.Helper()
	ctx := context.Background()
	im := must(db.BeginImport(ctx, list, "people.csv", dryRun, now))(t)
	for _, part := range [][]campaign.ImportRow{rows[:len(rows)/2], rows[len(rows)/2:]} {
		if err := im.Put(ctx, part); err != nil {
			t.Fatal(err)
		}
		for i := range part { // the memory is ours again
			clear(part[i].Attributes)
		}
	}
	var found []finding
	id, counts, err := im.Finish(ctx, func(row int64, email string, effect campaign.ImportEffect) error {
		found = append(found, finding{row, email, effect})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := im.Abort(); err != nil {
		t.Errorf("Abort after Finish: %v", err)
	}
	return id, counts, found
}

func attributesOf(t testing.TB, db *store.DB, email string) string {
	t.Helper()
	return string(must(db.ContactByEmail(context.Background(), email))(t).Attributes)
}

func listNamed(t testing.TB, db *store.DB, name string) campaign.List {
	t.Helper()
	return must(db.ListByName(context.Background(), name))(t)
}

func TestImportEffects(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		news := newList(t, db, "news")
		_, counts, found := runImport(t, db, news, false,
			row(2, "Ann@example.org", `{"name":"Ann","city":"Bonn"}`),
			row(3, "bob@example.org", `{"name":"Bob"}`),
			row(4, "ANN@example.org", `{"name":"Other"}`),
			row(5, "eve@example.org", `{}`),
			row(6, "fay@example.org", `{"n":1,"ok":true,"none":null}`))
		if want := (campaign.ImportCounts{New: 4, Duplicate: 1}); counts != want {
			t.Errorf("first: %+v, want %+v", counts, want)
		}
		if want := []finding{{4, "ANN@example.org", campaign.EffectDuplicate}}; !slices.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		if c := must(db.ContactByEmail(ctx, "aNN@example.org"))(t); c.Email != "Ann@example.org" || string(c.Attributes) != `{"name":"Ann","city":"Bonn"}` {
			t.Errorf("contact %+v", c)
		}
		eve := must(db.ContactByEmail(ctx, "eve@example.org"))(t)
		if err := db.Unsubscribe(ctx, eve.ID, news, now); err != nil {
			t.Fatal(err)
		}
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "Bob@example.org", Reason: "bounced", At: now}, {Email: "gus@example.org", Reason: "manual", At: now}}))(t)

		_, counts, found = runImport(t, db, news, false,
			row(1, "ann@example.org", `{"city":"Köln","vip":true}`),
			row(2, "bob@example.org", `{"name":"Bob"}`),
			row(3, "eve@example.org", `{"name":"Eve"}`),
			row(4, "fay@example.org", `{"n":1}`),
			row(5, "fay@example.org", `{"n":2}`),
			row(6, "gus@example.org", `{"name":"Gus"}`),
			row(7, "hal@example.org", `{"na\u006de":"Hal"}`))
		if want := (campaign.ImportCounts{New: 1, Updated: 1, Unchanged: 1, Duplicate: 1, Suppressed: 2, Unsubscribed: 1}); counts != want {
			t.Errorf("second: %+v, want %+v", counts, want)
		}
		want := []finding{
			{2, "bob@example.org", campaign.EffectSuppressed},
			{3, "eve@example.org", campaign.EffectUnsubscribed},
			{5, "fay@example.org", campaign.EffectDuplicate},
			{6, "gus@example.org", campaign.EffectSuppressed},
		}
		if !slices.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		if a := attributesOf(t, db, "ann@example.org"); a != `{"name":"Ann","city":"Köln","vip":true}` {
			t.Errorf("merged attributes %s", a)
		}
		if l := listNamed(t, db, "news"); l.Subscribed != 5 || l.Unsubscribed != 1 {
			t.Errorf("list %+v", l)
		}
		for _, m := range must(db.ListContacts(ctx, news, 0, 100))(t) {
			if want := m.Email == "eve@example.org"; (m.Status == campaign.OptedOut) != want {
				t.Errorf("member %+v", m)
			}
		}
		if fields := must(db.Fields(ctx))(t); !slices.Equal(fields, []string{"city", "n", "name", "none", "ok", "vip"}) {
			t.Errorf("fields %q", fields)
		}
		if imports := must(db.Imports(ctx, news, 0, 10))(t); len(imports) != 2 || imports[0].Counts != counts || imports[0].File != "people.csv" || !imports[0].At.Equal(now) {
			t.Errorf("imports %+v", imports)
		}
		checkLists(t, db, url)
	})
}

// Several chunks: duplicates far apart, and an order that the report keeps.
func TestImportManyChunks(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		list := newList(t, db, "many")
		var rows []campaign.ImportRow
		for i := range int64(9000) {
			rows = append(rows, row(i+1, fmt.Sprintf("user%d@example.org", i%7000), `{"n":"x"}`))
		}
		_, counts, found := runImport(t, db, list, false, rows...)
		if want := (campaign.ImportCounts{New: 7000, Duplicate: 2000}); counts != want {
			t.Errorf("%+v, want %+v", counts, want)
		}
		if len(found) != 2000 || found[0].Row != 7001 || found[1999].Row != 9000 {
			t.Errorf("%d found, %v", len(found), found[:min(3, len(found))])
		}
		for i := range rows {
			rows[i].Attributes = []byte(`{"n":"y"}`)
		}
		_, counts, found = runImport(t, db, list, true, rows...)
		if want := (campaign.ImportCounts{Updated: 7000, Duplicate: 2000}); counts != want || len(found) != 2000 {
			t.Errorf("dry run: %+v, want %+v, %d found", counts, want, len(found))
		}
		var after campaign.ContactID
		n := 0
		for {
			page := must(db.ListContacts(t.Context(), list, after, 999))(t)
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				if m.ID <= after || string(m.Attributes) != `{"n":"x"}` {
					t.Fatalf("after %d: %+v", after, m)
				}
				after = m.ID
				n++
			}
		}
		if n != 7000 {
			t.Errorf("%d members", n)
		}
		checkLists(t, db, url)
	})
}

func TestImportAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		list := newList(t, db, "news")
		id, _, _ := runImport(t, db, list, false, row(1, "ann@example.org", `{"a":"1"}`), row(2, "bob@example.org", `{}`))
		before := dump(t, url)
		again := func() []campaign.ImportRow {
			return []campaign.ImportRow{row(1, "ann@example.org", `{"a":"2","b":"3"}`), row(2, "new@example.org", `{}`), row(3, "new@example.org", `{}`)}
		}
		put := func(t *testing.T) campaign.ImportTx {
			im := must(db.BeginImport(ctx, list, "x", false, now))(t)
			if err := im.Put(ctx, again()); err != nil {
				t.Fatal(err)
			}
			return im
		}

		if id, counts, _ := runImport(t, db, list, true, again()...); id != 0 || counts != (campaign.ImportCounts{New: 1, Updated: 1, Duplicate: 1}) {
			t.Errorf("dry run: id %d, %+v", id, counts)
		}
		if after := dump(t, url); after != before {
			t.Errorf("a dry run left\n%s\nof\n%s", after, before)
		}

		if err := put(t).Abort(); err != nil {
			t.Error(err)
		}
		stop := errors.New("stop")
		if _, _, err := put(t).Finish(ctx, func(int64, string, campaign.ImportEffect) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("Finish: %v", err)
		}
		im := must(db.BeginImport(ctx, list, "x", false, now))(t)
		if err := im.Put(ctx, []campaign.ImportRow{row(7, "nul@example.org", `{"a":"\u0000"}`)}); err == nil {
			t.Error("a NUL was taken")
		}
		if err := im.Put(ctx, []campaign.ImportRow{row(8, "nul@example.org", `{"a":"\\u0000"}`)}); err != nil {
			t.Error(err) // an escaped backslash
		}
		if err := im.Abort(); err != nil {
			t.Error(err)
		}
		if _, err := db.BeginImport(ctx, 99, "x", false, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no list: %v", err)
		}

		// Killed: the connection goes without a commit.
		cut, cancel := context.WithCancel(ctx)
		dying := must(db.BeginImport(cut, list, "x", false, now))(t)
		if err := dying.Put(ctx, again()); err != nil {
			t.Fatal(err)
		}
		cancel()
		_ = dying.Abort() // may say that the connection went with its context
		if after := dump(t, url); after != before {
			t.Errorf("imports that failed left\n%s\nof\n%s", after, before)
		}

		if _, err := db.UndoImport(ctx, id); err != nil {
			t.Fatal(err)
		}
		if _, err := db.UndoImport(ctx, id); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("second undo: %v", err)
		}
		if _, err := db.UndoImport(ctx, 99); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("undo of nothing: %v", err)
		}
	})
}
