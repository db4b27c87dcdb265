package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

// dump is the content of all tables, row by row in order.
func dump(t testing.TB, url string) string {
	t.Helper()
	raw := rawDB(t, url)
	tables := "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
	if isPostgres(url) {
		tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name"
	}
	var b strings.Builder
	for _, table := range strs(t, raw, tables) {
		lines := allRows(t, raw, table)
		slices.Sort(lines)
		fmt.Fprintf(&b, "%s:\n%s\n", table, strings.Join(lines, "\n"))
	}
	return b.String()
}

func strs(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows := must(db.Query(query))(t)
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func allRows(t testing.TB, db *sql.DB, table string) []string {
	t.Helper()
	rows := must(db.Query("SELECT * FROM " + table))(t)
	defer rows.Close()
	columns := must(rows.Columns())(t)
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%q", values))
	}
	return lines
}

// checkLists holds the kept counts of lists against their members.
func checkLists(t testing.TB, db *store.DB, url string) {
	t.Helper()
	raw := rawDB(t, url)
	for _, l := range must(db.Lists(t.Context()))(t) {
		var in, out int64
		for status, n := range map[campaign.MemberStatus]*int64{campaign.Subscribed: &in, campaign.OptedOut: &out} {
			if err := raw.QueryRow(fmt.Sprintf("SELECT COUNT(*) FROM members WHERE list = %d AND status = %d", l.ID, status)).Scan(n); err != nil {
				t.Fatal(err)
			}
		}
		if l.Subscribed != in || l.Unsubscribed != out {
			t.Errorf("list %s says %d and %d, its members %d and %d", l.Name, l.Subscribed, l.Unsubscribed, in, out)
		}
	}
}
