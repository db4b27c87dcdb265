package store_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

var benchSuppressed = flag.Int("suppressed", 100_000, "entries of the suppression list in benchmarks")

// suppressedBench is a database with so many suppressions: every number up to twice as
// many has one chance in two, in no order of their addresses, one in ten a hash.
func suppressedBench(b *testing.B, url string) *store.DB {
	b.Helper()
	db := open(b, url)
	raw := rawDB(b, url)
	if isPostgres(url) {
		must(raw.Exec("DROP INDEX suppressions_who"))(b)
		must(raw.Exec(fmt.Sprintf(`INSERT INTO suppressions (who, list, reason, detail, at)
			SELECT CASE WHEN n %% 10 = 0 THEN 'hash:00000000-' || md5(n::text) ELSE md5(n::text) || '@d' || n %% 1000 || '.example' END, 0, 'bounced', '550 5.1.1 user unknown', 1
			FROM generate_series(1, %d) n`, *benchSuppressed)))(b)
		must(raw.Exec("CREATE UNIQUE INDEX suppressions_who ON suppressions (who, list)"))(b)
		must(raw.Exec("ANALYZE suppressions"))(b)
		return db
	}
	must(raw.Exec("DROP INDEX suppressions_who"))(b)
	must(raw.Exec(fmt.Sprintf(`WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)
		INSERT INTO suppressions (who, list, reason, detail, at)
		SELECT CASE WHEN n %% 10 = 0 THEN 'hash:00000000-' ELSE '' END || printf('%%08x%%08x%%08x', n * 2654435761 %% 4294967296, n, n) || CASE WHEN n %% 10 = 0 THEN '' ELSE '@d' || n %% 1000 || '.example' END, 0, 'bounced', '550 5.1.1 user unknown', 1 FROM c`, *benchSuppressed)))(b)
	must(raw.Exec("CREATE UNIQUE INDEX suppressions_who ON suppressions (who, list)"))(b)
	return db
}

// BenchmarkUnwanted measures what a look at the suppressions costs a message: alone, as
// when it is looked at once more before it is sent, in the batches in which jobs are
// taken, and in the pages of a snapshot.
func BenchmarkUnwanted(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		b.Run(name, func(b *testing.B) {
			at := url(b)
			db := suppressedBench(b, at)
			list := newList(b, db, "bench")
			importAll(b, db, list, shuffledRows(*benchRows))
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for _, n := range []int{1, 128, 5000} {
				b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
					people := make([]campaign.Addressee, n)
					b.ReportAllocs()
					for b.Loop() {
						for i := range people {
							id := rand.IntN(*benchRows) + 1
							people[i] = campaign.Addressee{Contact: campaign.ContactID(id), Email: fmt.Sprintf("user%d.%x@d%d.example", id, rand.Uint64(), id%1000)}
						}
						must(db.UnwantedOf(context.Background(), []string{"bench"}, people, now))(b)
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/message")
				})
			}
			b.Run("suppress", func(b *testing.B) {
				for b.Loop() {
					must(db.Suppress(context.Background(), []campaign.Suppression{{Email: fmt.Sprintf("%x@example.org", rand.Uint64()), Reason: "complained", At: time.Now()}}))(b)
				}
			})
			b.Run("import", func(b *testing.B) {
				batch := make([]campaign.Suppression, 5000)
				for b.Loop() {
					for i := range batch {
						batch[i] = campaign.Suppression{Email: fmt.Sprintf("%x@example.org", rand.Uint64()), Reason: "imported", At: now}
					}
					must(db.Suppress(context.Background(), batch))(b)
				}
				b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "rows/s")
			})
			var after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.Logf("%d entries; heap %d KB before, %d KB after", *benchSuppressed, before.HeapAlloc>>10, after.HeapAlloc>>10)
		})
	}
}
