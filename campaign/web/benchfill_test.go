package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"broadside/campaign"
	"broadside/store"
)

// filled is what the benchmark's database has. Numbers of contacts go from 1 to contacts.
type filled struct {
	contacts int64
	runs     int64          // the last ids
	large    campaign.RunID // went to everybody
	live     campaign.RunID // goes to a tenth of everybody now
	standing campaign.RunID // takes messages to one person each
}

// Sizes that don't depend on the flags.
const (
	fillLists    = 200
	fillUsers    = 200
	fillMessages = 20_000
	fillRuns     = 200 // of the first campaign; the others have one each
	smallRun     = 10_000
)

// fill makes a large installation in seconds to minutes: what has rules to keep (runs with
// their partitions) through the store, all that is many with INSERT … SELECT from
// generate_series, two tables at a time. A database that is filled already is taken as it is.
func fill(b *testing.B, db *store.DB, url string) filled {
	b.Helper()
	f := filled{contacts: int64(*benchContacts), runs: int64(*benchRuns)}
	f.large, f.live, f.standing = campaign.RunID(f.runs), campaign.RunID(f.runs-1), campaign.RunID(f.runs-2)
	if lists, err := db.Lists(context.Background()); err != nil || len(lists) > 0 {
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
	began := time.Now()
	fillByStore(b, db, f)
	b.Logf("%v: %d runs with their partitions", time.Since(began).Round(time.Second), f.runs)
	var beside sync.WaitGroup
	for _, part := range [][]string{fillPeople(f), fillLedger(f)} {
		beside.Go(func() { execAll(b, url, part) })
	}
	beside.Wait()
	execAll(b, url, append(fillRest(f), "ANALYZE"))
	b.Logf("%v: %d contacts, and all that is about them", time.Since(began).Round(time.Second), f.contacts)
	return f
}

func fillByStore(b *testing.B, db *store.DB, f filled) {
	b.Helper()
	ctx, now := context.Background(), time.Now()
	for i := range fillLists {
		name := fmt.Sprintf("list %d", i+1)
		if i == 0 {
			name = "everybody"
		}
		if _, err := db.CreateList(ctx, name, now); err != nil {
			b.Fatal(err)
		}
	}
	var c campaign.Campaign
	for i := int64(1); i <= f.runs; i++ {
		var err error
		if i == 1 || i > fillRuns {
			spec := campaign.Spec{Name: fmt.Sprintf("campaign %d", i), Lists: []string{"everybody"}}
			if i == f.runs {
				spec.Lists[0] = "list 2"
			}
			spec.From, spec.Subject, spec.PostalAddress = "News <news@example.org>", "Hi {{ name }}", "Harbour Street 1"
			spec.Markdown = "# Hello {{ name }}\n\n[Read on](https://shop.example/" + fmt.Sprint(i) + ")"
			if c, err = db.CreateCampaign(ctx, spec.WithDefaults(), now); err != nil {
				b.Fatal(err)
			}
		}
		run, err := db.CreateRun(ctx, c, campaign.RunRunning, now, now)
		if err == nil && run.ID != f.live && run.ID != f.standing {
			_, err = db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunFinished, "", now)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func fillPeople(f filled) []string {
	return []string{
		fmt.Sprintf(`INSERT INTO contacts (id, address, spelling, attributes, created, updated, import)
			SELECT g, 'person' || lpad(g::text, 8, '0') || '@' || (ARRAY['gmail.com','example.org','example.net'])[1 + g %% 3], '',
				('{"name":"Person ' || g || '","city":"City ' || g %% 500 || '","age":' || 18 + g %% 70 || '}')::json, 1700000000000, 1700000000000, 1
			FROM generate_series(1, %d) g`, f.contacts),
		fmt.Sprintf("SELECT setval(pg_get_serial_sequence('contacts', 'id'), %d)", f.contacts),
		"INSERT INTO suppressions (who, list, reason, detail, at) SELECT address, 0, 'bounced', '550', 1700000000000 FROM contacts WHERE id % 100 = 0",
		"UPDATE lists SET title = 'The ' || name, visible = id % 2 = 0",
		"INSERT INTO fields (name) SELECT unnest(ARRAY['name','city','age']) ON CONFLICT DO NOTHING",
	}
}

// fillLedger makes the audience of the large run, and for each other run one of ten
// thousand: by turns the first contacts, and ones from all over.
func fillLedger(f filled) []string {
	all := []string{
		"INSERT INTO replies (id, text) SELECT g, '5.1.1 no such mailbox, case ' || g FROM generate_series(1, 200) g",
		fmt.Sprintf("INSERT INTO members (list, contact, status, changed, import) SELECT 1, g, (g %% 40 = 0)::int, 1700000000000, 1 FROM generate_series(1, %d) g", f.contacts),
	}
	over := func(run int64, lane, whom string) {
		all = append(all, fmt.Sprintf(`INSERT INTO ledger_%[1]d (run, lane, contact, state, reason, reply, code, attempts, at)
			SELECT %[1]d, %[2]s, g, CASE WHEN g %% 50 = 0 THEN 3 WHEN g %% 100 = 7 THEN 5 ELSE 1 END,
				CASE WHEN g %% 50 = 0 THEN 1 + g %% 17 WHEN g %% 100 = 7 THEN 18 ELSE 0 END,
				CASE WHEN g %% 50 = 0 THEN 1 + g %% 200 ELSE 0 END, CASE WHEN g %% 50 = 0 THEN 550 ELSE 250 END, 1, 1700000000000
			FROM %[3]s`, run, lane, whom))
	}
	over(int64(f.large), "l", fmt.Sprintf("generate_series(1, 16) l, generate_series(l, %d, 16) g", f.contacts))
	all = append(all, fmt.Sprintf(`INSERT INTO ledger_%[1]d (run, lane, contact, state, reason, attempts, at)
		SELECT %[1]d, 1 + g %% 16, g, CASE WHEN g %% 3 = 0 THEN 1 WHEN g %% 301 = 1 THEN 2 ELSE 0 END, 0, 1, 1700000000000 FROM generate_series(1, %[2]d) g`, f.live, f.contacts/10))
	apart := max(1, f.contacts/smallRun)
	for run := int64(1); run <= f.runs-3; run++ {
		whom := fmt.Sprintf("generate_series(1, %d) g", min(smallRun, f.contacts))
		if run%2 == 0 {
			whom = fmt.Sprintf("generate_series(%d, %d, %d) g", 1+run%apart, f.contacts, apart)
		}
		over(run, "1 + g % 16", whom)
	}
	// As the snapshot marks them.
	all = append(all, `INSERT INTO run_members (bucket, run, bits)
		SELECT contact / 512, run, bit_or(B'1'::bit(512) >> (contact % 512)::int) FROM ledger WHERE contact < `+fmt.Sprint(campaign.FirstMessage)+` GROUP BY 1, 2`)
	return append(all, fmt.Sprintf("UPDATE runs SET marked = TRUE, snapshot_cursor = %d, snapshot_done = TRUE", f.contacts))
}

// fillRest makes what hangs on people and runs.
func fillRest(f filled) []string {
	n, last := fmt.Sprint(f.contacts), fmt.Sprint(f.large)
	all := []string{
		"UPDATE lists SET subscribed = (SELECT count(*) FROM members WHERE status = 0), unsubscribed = (SELECT count(*) FROM members WHERE status = 1) WHERE id = 1",
		"INSERT INTO members (list, contact, status, changed, import) SELECT 2 + g % " + fmt.Sprint(fillLists-1) + ", g, 0, 1, 0 FROM generate_series(1, " + n + ", 25) g",
		"UPDATE lists l SET subscribed = m.n FROM (SELECT list, count(*) AS n FROM members WHERE list > 1 GROUP BY list) m WHERE m.list = l.id",
		"INSERT INTO run_counts (run, lane, state, reason, n, resent) SELECT run, lane, state, reason, count(*), 0 FROM ledger WHERE run IN (" + last + "," + fmt.Sprint(f.live) + ") GROUP BY 1, 2, 3, 4",
		"INSERT INTO run_counts (run, lane, state, reason, n, resent) SELECT r.id, l, 1, 0, 600, 0 FROM runs r, generate_series(1, 16) l ON CONFLICT DO NOTHING",
		"INSERT INTO attempts (run, contact, number, state, reason, code, enhanced, reply, host, at) SELECT run, contact, 1, state, reason, code, 0, '550 5.1.1 no such mailbox', 'mx.example.org', at FROM ledger WHERE run = " + last + " AND state >= 2 AND state = 3",
		"INSERT INTO hits (run, contact, link, person, machine, evidence, first, last) SELECT " + last + ", g, l, 1, 1, 2, 1700000000000, 1700000000000 FROM generate_series(1, " + n + ", 20) g, generate_series(0, 1) l",
		"INSERT INTO hit_counts (run, link, evidence, n, people) SELECT " + last + ", l, e, 1000, 900 FROM generate_series(-1, 20) l, generate_series(0, 3) e",
		"INSERT INTO links (run, number, target, fixed) SELECT " + last + ", l, 'https://shop.example/' || l, 10 FROM generate_series(1, 20) l",
		"INSERT INTO feedback (contact, kind, run, at, detail) SELECT g, 1, " + last + ", 1700000000000, 'bounced later' FROM generate_series(1, " + n + ", 200) g",
		"INSERT INTO feedback_counts (run, lane, kind, n) SELECT " + last + ", l, 1, 3000 FROM generate_series(1, 16) l",
		"INSERT INTO consents (contact, list, at, how, ip, form, confirmed, until) SELECT g, 1, 1700000000000, 'page', '192.0.2.1', 'Send me news', 1700000000000, 0 FROM generate_series(1, " + n + ", 10) g",
		"INSERT INTO imports (list, file, at, new) SELECT 1, 'people ' || g || '.csv', 1700000000000, 1000 FROM generate_series(1, 500) g",
		"INSERT INTO segments (name, expression, created, updated) SELECT 'segment ' || g, 'city == \"City ' || g || '\"', 1, 1 FROM generate_series(1, 200) g",
		"INSERT INTO segment_users (segment, campaign) SELECT 'segment 1', id FROM campaigns",
		"UPDATE campaigns SET archived = 1700000000000 WHERE id % 3 = 2",
		"INSERT INTO audit (at, user_id, who, via, address, action, object, status) SELECT 1700000000000, 1, 'ann@example.org', 'page', '192.0.2.1', 'edit campaign', 'campaign ' || g, 303 FROM generate_series(1, 200000) g",
		"INSERT INTO users (email, name, role, zone, password, created) SELECT 'user' || g || '@example.org', 'User ' || g, 'viewer', 'UTC', 'none', 1 FROM generate_series(1, " + fmt.Sprint(fillUsers) + ") g",
		"INSERT INTO webhooks (url, note, types, state, why, secret, old_secret, old_until, created, failing_since, waiting, dropped, dropped_since) SELECT 'https://hook.example/' || g, '', 'recipient.bounced', 'active', '', 'x', '', 0, 1, 0, 0, 0, 0 FROM generate_series(1, 5) g",
		"INSERT INTO webhook_deliveries (endpoint, event, type, at, address, state, attempts, tried, took, status, answer, error, next, body) SELECT 1 + g % 5, 'event ' || g, 'recipient.bounced', 1, 'person' || lpad(g::text, 8, '0') || '@example.org', CASE WHEN g % 1000 = 0 THEN 'failed' ELSE 'delivered' END, 1, 1, 20, 200, '', '', 0, '{}' FROM generate_series(1, 200000) g",
		"INSERT INTO signups (form, version, address, email, attributes, language, at, ip, network, agent, mailed) SELECT 1 + g % 2, 1, 'new' || g || '@example.org', 'new' || g || '@example.org', '{}', 'en', (extract(epoch FROM now()) * 1000)::bigint, '192.0.2.1', '192.0.2.0', '', 1 FROM generate_series(1, 100000) g",
		"UPDATE runs SET standing = 1 WHERE id = " + fmt.Sprint(f.standing),
		fmt.Sprintf("INSERT INTO messages (contact, created, run, lane, key, request, data) SELECT g, 1700000000000, %d, 1, '', '', '' FROM generate_series(1, %d) g", f.standing, min(fillMessages, f.contacts)),
		"INSERT INTO ledger (run, lane, contact, state, reason, attempts, at) SELECT run, 1, id, 1, 0, 1, created FROM messages",
		"INSERT INTO recurrences (campaign, spec, next) SELECT id, spec, 1900000000000 FROM campaigns WHERE id = 1",
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

func execAll(b *testing.B, url string, statements []string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		began := time.Now()
		if _, err := conn.Exec(ctx, sql); err != nil {
			b.Errorf("%s: %v", sql, err)
			return
		}
		if took := time.Since(began); took > 5*time.Second {
			b.Logf("%v: %.60s", took.Round(time.Second), sql)
		}
	}
}
