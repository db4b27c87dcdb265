package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pressly/goose/v3"

	"broadside/campaign"
	"broadside/store"
)

// A database that has some of the migrations gets the others, whatever their order, and
// keeps what is in it.
func TestOlderDatabaseIsBroughtUpToDate(t *testing.T) {
	feedback := []int64{1, 2, 3, 4, 5, 6}
	for _, has := range [][]int64{feedback, slices.Concat(feedback, []int64{10}), slices.Concat(feedback, []int64{8, 10, 11, 12, 13})} {
		for name, place := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
			t.Run(fmt.Sprintf("%s/%d", name, has[len(has)-1]), func(t *testing.T) {
				t.Parallel()
				url := place(t)
				migrateTo(t, url, has)
				db := open(t, url)
				l := must(db.ListByName(t.Context(), "old"))(t)
				if l.Tracking != campaign.TrackOff || l.Title != "" {
					t.Errorf("the list is %+v", l)
				}
				newHook(t, db)
				addMessage(t, db, must(db.OpenStandingRun(t.Context(), template(t, db).ID, now))(t).ID, "ann@example.org", "{}")
				again := must(store.Open(t.Context(), url, store.Options{}))(t)
				if err := again.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// migrateTo makes a database as a program had it that knew these migrations, with a list.
func migrateTo(t *testing.T, url string, has []int64) {
	t.Helper()
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	if isPostgres(url) {
		dialect, dir = goose.DialectPostgres, "migrations/postgres"
	} else {
		if err := os.MkdirAll(filepath.Dir(url), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var without []int64
	for n := int64(1); n < 100; n++ {
		if !slices.Contains(has, n) {
			without = append(without, n)
		}
	}
	raw := rawDB(t, url)
	p := must(goose.NewProvider(dialect, raw, os.DirFS(dir), goose.WithTableName("schema_version"), goose.WithExcludeVersions(without)))(t)
	if done := must(p.Up(t.Context()))(t); len(done) != len(has) {
		t.Fatalf("%d migrations are applied, want %d", len(done), len(has))
	}
	if _, err := raw.ExecContext(t.Context(), "INSERT INTO lists (name, created) VALUES ('old', 1)"); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
}
