package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"broadside/store"
)

func TestSecret(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		other := open(t, url)
		var got [8][]byte
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = []*store.DB{db, other}[i%2].Secret(t.Context(), "unsubscribe"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, g := range got {
			if len(g) != 32 || !bytes.Equal(g, got[0]) {
				t.Fatalf("secrets %x and %x", got[0], g)
			}
		}
		if another := must(db.Secret(t.Context(), "verp"))(t); bytes.Equal(another, got[0]) {
			t.Error("two names have one secret")
		}
	})
}

func TestSeveralProcessesOpenAtOnce(t *testing.T) {
	for name, url := range map[string]string{"sqlite": sqliteURL(t), "postgres": postgresURL(t)} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					db, err := store.Open(t.Context(), url, store.Options{})
					if err != nil {
						t.Error(err)
						return
					}
					if seq, err := db.Checkpoint(t.Context()); err != nil || seq != 0 {
						t.Errorf("checkpoint %d, %v", seq, err)
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		raw := rawDB(t, url)
		if _, err := raw.Exec("INSERT INTO schema_version (version_id, is_applied) VALUES (9999, " + map[bool]string{true: "true", false: "1"}[isPostgres(url)] + ")"); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), url, store.Options{})
		if err == nil || !strings.Contains(err.Error(), "schema version 9999") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"mysql://localhost/x", "postgres:///x?host=/nowhere", "/dev/null/x/y.db"} {
		db, err := store.Open(t.Context(), url, store.Options{})
		if err == nil {
			t.Errorf("%s: opened: %v", url, db.Close())
		}
	}
}

func isPostgres(url string) bool { return strings.HasPrefix(url, "postgres:") }

// rawDB is the database without the store, for looking behind its back.
func rawDB(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if isPostgres(url) {
		driver = "pgx"
	}
	db := must(sql.Open(driver, url))(t)
	if err := db.PingContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
