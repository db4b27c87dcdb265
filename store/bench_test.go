package store_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"broadside/campaign"
	"broadside/store"
)

var benchRows = flag.Int("rows", 100_000, "rows per import, recipients per run, in benchmarks")

// shuffledRows are rows of a list in no order.
func shuffledRows(n int) []campaign.ImportRow {
	rows := make([]campaign.ImportRow, n)
	for i, j := range rand.New(rand.NewPCG(3, 4)).Perm(n) {
		rows[i] = campaign.ImportRow{
			Row:        int64(i + 1),
			Email:      fmt.Sprintf("recipient.%07d@mail%d.example.org", j, j%97),
			Attributes: fmt.Appendf(nil, `{"name":"Recipient %d","city":"City %d","score":%d}`, j, j%1000, j%100),
		}
	}
	return rows
}

// BenchmarkImport measures an import of new contacts, and as "ratio" how its speed
// compares to the plain bulk insert of the same rows into the same tables: multi-row
// inserts on SQLite, COPY on PostgreSQL.
func BenchmarkImport(b *testing.B) {
	rows := shuffledRows(*benchRows)
	run := func(url func(testing.TB) string, raw func(*testing.B, string, []campaign.ImportRow)) func(*testing.B) {
		return func(b *testing.B) {
			var imported, plain time.Duration
			for b.Loop() {
				b.StopTimer()
				to := url(b)
				db := open(b, to)
				newList(b, db, "bench")
				start := time.Now()
				raw(b, to, rows)
				plain += time.Since(start)
				db = open(b, url(b))
				list := newList(b, db, "bench")
				b.StartTimer()
				start = time.Now()
				importAll(b, db, list, rows)
				imported += time.Since(start)
			}
			b.ReportMetric(plain.Seconds()/imported.Seconds(), "ratio")
			b.ReportMetric(float64(len(rows)*b.N)/imported.Seconds(), "rows/s")
			b.ReportMetric(float64(len(rows)*b.N)/plain.Seconds(), "raw-rows/s")
		}
	}
	b.Run("sqlite", run(sqliteURL, rawSQLite))
	b.Run("postgres", run(postgresURL, rawPostgres))
}

func importAll(b *testing.B, db *store.DB, list campaign.ListID, rows []campaign.ImportRow) {
	ctx := context.Background()
	im := must(db.BeginImport(ctx, list, "bench.csv", false, now))(b)
	for len(rows) > 0 {
		n := min(1000, len(rows))
		if err := im.Put(ctx, rows[:n]); err != nil {
			b.Fatal(err)
		}
		rows = rows[n:]
	}
	if _, _, err := im.Finish(ctx, nil); err != nil {
		b.Fatal(err)
	}
}

func rawSQLite(b *testing.B, path string, rows []campaign.ImportRow) {
	db := must(sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(NORMAL)&_pragma=cache_size(-65536)&_txlock=immediate"))(b)
	defer db.Close()
	tx := must(db.Begin())(b)
	const batch = 100
	contacts := must(tx.Prepare("INSERT INTO contacts (address, spelling, attributes, created, updated, import) VALUES " +
		strings.Repeat("(?,'',?,1,1,1),", batch-1) + "(?,'',?,1,1,1)"))(b)
	members := must(tx.Prepare("INSERT INTO members (list, contact, status, changed, import) VALUES " +
		strings.Repeat("(1,?,0,1,1),", batch-1) + "(1,?,0,1,1)"))(b)
	for i := 0; i+batch <= len(rows); i += batch {
		var c, m []any
		for j := i; j < i+batch; j++ {
			c = append(c, rows[j].Email, string(rows[j].Attributes))
			m = append(m, j+1)
		}
		must(contacts.Exec(c...))(b)
		must(members.Exec(m...))(b)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func rawPostgres(b *testing.B, url string, rows []campaign.ImportRow) {
	ctx := context.Background()
	conn := must(pgx.Connect(ctx, url))(b)
	defer conn.Close(ctx)
	tx := must(conn.Begin(ctx))(b)
	must(tx.CopyFrom(ctx, pgx.Identifier{"contacts"}, []string{"address", "spelling", "attributes", "created", "updated", "import"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			return []any{rows[i].Email, "", rows[i].Attributes, int64(1), int64(1), int64(1)}, nil
		})))(b)
	must(tx.CopyFrom(ctx, pgx.Identifier{"members"}, []string{"list", "contact", "status", "changed", "import"},
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			return []any{int64(1), int64(i + 1), int16(0), int64(1), int64(1)}, nil
		})))(b)
	if err := tx.Commit(ctx); err != nil {
		b.Fatal(err)
	}
}

// benchRun is a run whose recipients are all contacts.
func benchRun(b *testing.B, url string) (*store.DB, campaign.Run) {
	ctx := context.Background()
	db := open(b, url)
	importAll(b, db, newList(b, db, "bench"), shuffledRows(*benchRows))
	run := must(db.CreateRun(ctx, newCampaign(b, db, "bench"), campaign.RunRunning, now, now))(b)
	var from campaign.ContactID
	for int(from) < *benchRows {
		var page []campaign.NewRecipient
		to := min(from+2000, campaign.ContactID(*benchRows))
		for c := from + 1; c <= to; c++ {
			page = append(page, campaign.NewRecipient{Lane: campaign.Lane(1 + c%4), Contact: c})
		}
		if err := db.AppendRecipients(ctx, run.ID, from, to, page, int(to) == *benchRows); err != nil {
			b.Fatal(err)
		}
		from = to
	}
	return db, run
}

// BenchmarkApply measures batches of 2,000 events: nine in ten accepted.
func BenchmarkApply(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		b.Run(name, func(b *testing.B) {
			db, run := benchRun(b, url(b))
			var seq uint64
			next, attempt := 1, uint16(1)
			for b.Loop() {
				events := make([]campaign.Event, 2000)
				for i := range events {
					if next > *benchRows {
						next, attempt = 1, attempt+1
					}
					events[i] = campaign.Event{
						Recipient: campaign.Recipient{Run: run.ID, Lane: campaign.Lane(1 + next%4), Contact: campaign.ContactID(next)},
						Attempt:   attempt, State: campaign.Accepted, Code: 250, Reply: "OK", Enhanced: "2.0.0", At: now,
					}
					if i%10 == 0 {
						events[i].State, events[i].Reply, events[i].Due = campaign.Deferred, "try again later", now
					}
					next++
				}
				if err := db.Apply(context.Background(), seq, seq+2000, events); err != nil {
					b.Fatal(err)
				}
				seq += 2000
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2000), "ns/event")
		})
	}
}

// BenchmarkWaitingAfter measures how fast the planner can read a lane.
func BenchmarkWaitingAfter(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		b.Run(name, func(b *testing.B) {
			db, run := benchRun(b, url(b))
			var after campaign.ContactID
			read := 0
			for b.Loop() {
				page := must(db.WaitingAfter(context.Background(), run.ID, 1, after, 1000))(b)
				read += len(page)
				after = 0
				if len(page) == 1000 {
					after = page[999].Contact
				}
			}
			b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkAppend measures the snapshot's pages.
func BenchmarkAppend(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		b.Run(name, func(b *testing.B) {
			db := open(b, url(b))
			run := must(db.CreateRun(context.Background(), newCampaign(b, db, "bench"), campaign.RunRunning, now, now))(b)
			var from campaign.ContactID
			for b.Loop() {
				page := make([]campaign.NewRecipient, 2000)
				for i := range page {
					c := from + campaign.ContactID(i) + 1
					page[i] = campaign.NewRecipient{Lane: campaign.Lane(1 + c%4), Contact: c}
				}
				if err := db.AppendRecipients(context.Background(), run.ID, from, from+2000, page, false); err != nil {
					b.Fatal(err)
				}
				from += 2000
			}
			b.ReportMetric(float64(from)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
