package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"broadside/campaign"
)

// The lookups that the indexes of the ledger are for, of a run whose number follows.
var lookups = map[string]string{
	"ledger_wave": `SELECT contact FROM ledger l WHERE l.run = %d AND l.lane = 1 AND l.wave <> 0 AND (l.wave, l.contact) > (1, 100) AND l.wave <= 2 AND l.state = 0
		ORDER BY l.wave, l.contact LIMIT 10`,
	"ledger_reason": `SELECT contact FROM ledger l WHERE l.run = %d AND (l.lane, l.contact) > (1, 100) AND l.state = 4 AND l.state >= 2 AND l.reason = 3
		ORDER BY l.lane, l.contact LIMIT 10`,
}

// Migrations leave the partitions of earlier runs alone: there may be thousands, each with
// millions of rows and a lock. Those of later runs have the indexes, and they are used.
func TestIndexesOfLaterRuns(t *testing.T) {
	url := postgresURL(t)
	db := open(t, url)
	for name := range lookups {
		execSQL(t, url, "DROP INDEX "+name)
	}
	earlier := must(db.CreateRun(t.Context(), newCampaign(t, db, "before"), campaign.RunRunning, now, now))(t)
	for _, statement := range createIndexes(t, "postgres") {
		execSQL(t, url, statement)
	}
	later := must(db.CreateRun(t.Context(), newCampaign(t, db, "after"), campaign.RunRunning, now, now))(t)
	fillLedger(t, url, earlier.ID)
	fillLedger(t, url, later.ID)
	execSQL(t, url, "ANALYZE ledger")
	raw := rawDB(t, url)
	for name, query := range lookups {
		partIndex := func(run campaign.RunID) (index string) {
			err := raw.QueryRow(fmt.Sprintf(`SELECT COALESCE(MAX(c.relname), '') FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid JOIN pg_class c ON c.oid = h.inhrelid
				WHERE h.inhparent = '%s'::regclass AND i.indrelid = 'ledger_%d'::regclass AND i.indisvalid`, name, run)).Scan(&index)
			if err != nil {
				t.Fatal(err)
			}
			return index
		}
		if got := partIndex(earlier.ID); got != "" {
			t.Errorf("%s: the migration made %s, with a lock on an earlier run", name, got)
		}
		index := partIndex(later.ID)
		if plan := planOf(t, url, fmt.Sprintf("EXPLAIN "+query, later.ID)); index == "" || !strings.Contains(plan, index) {
			t.Errorf("%s: index %q is not used:\n%s", name, index, plan)
		}
	}
	if plan := planOf(t, url, fmt.Sprintf("EXPLAIN "+lookups["ledger_reason"], earlier.ID)); strings.Contains(plan, "Seq Scan") {
		t.Errorf("an earlier run is read as a whole:\n%s", plan)
	}
}

func TestIndexesOnSQLite(t *testing.T) {
	url := sqliteURL(t)
	db := open(t, url)
	run := must(db.CreateRun(t.Context(), newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
	plan := planOf(t, url, fmt.Sprintf("EXPLAIN QUERY PLAN "+lookups["ledger_wave"], run.ID))
	if !strings.Contains(plan, "USING INDEX ledger_wave (run=? AND lane=? AND (wave,contact)>(?,?)") &&
		!strings.Contains(plan, "USING COVERING INDEX ledger_wave (run=? AND lane=? AND (wave,contact)>(?,?)") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("the index is not used:\n%s", plan)
	}
}

// createIndexes are the statements of the migrations that make those indexes.
func createIndexes(t *testing.T, database string) (statements []string) {
	t.Helper()
	files := must(filepath.Glob(filepath.Join("migrations", database, "*.sql")))(t)
	index := regexp.MustCompile(`(?m)^CREATE INDEX (ledger_wave|ledger_reason) [^;]*`)
	for _, file := range files {
		statements = append(statements, index.FindAllString(string(must(os.ReadFile(file))(t)), -1)...)
	}
	if len(statements) != len(lookups) {
		t.Fatalf("indexes %q", statements)
	}
	return statements
}

func fillLedger(t *testing.T, url string, run campaign.RunID) {
	t.Helper()
	execSQL(t, url, fmt.Sprintf(`INSERT INTO ledger (contact, run, lane, wave, state, reason)
		SELECT i, %d, 1, CASE WHEN i %% 50 = 0 THEN 1 ELSE 3 END, CASE WHEN i %% 3 = 0 THEN 4 ELSE i %% 2 END, CASE WHEN i %% 60 = 0 THEN 3 ELSE 0 END
		FROM generate_series(1, 20000) i`, run))
}

// planOf is what a database says that it does for a query.
func planOf(t *testing.T, url, query string) string {
	t.Helper()
	rows := must(rawDB(t, url).Query(query))(t)
	defer rows.Close()
	var plan strings.Builder
	columns := must(rows.Columns())(t)
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, values[len(values)-1])
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
