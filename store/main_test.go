package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"broadside/store"
	"broadside/store/pgtest"
)

// server is started by the first test that needs it.
var server pgtest.Lazy

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// now is the time of all tests.
var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func sqliteURL(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "test.db") }

func postgresURL(t testing.TB) string {
	t.Helper()
	url, err := server.Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// each runs a test of the contract against both databases, each with a fresh one.
func each(t *testing.T, test func(t *testing.T, db *store.DB, url string)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			test(t, open(t, url), url)
		})
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
