package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/campaign/token"
	"broadside/store"
)

// A new key makes tokens only when every process has had the time to learn of it.
func TestKeysAreUsedWhenAllKnowThem(t *testing.T) { // X8
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var maker token.Maker
	renew := func() string {
		t.Helper()
		if err := renewKeys(ctx, db, &maker); err != nil {
			t.Fatal(err)
		}
		return string(maker.Append(nil, token.Unsubscribe, 4, 9))
	}
	first := renew()
	if _, err := db.AddTokenKey(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if renew() != first {
		t.Error("a key makes tokens that other processes cannot read yet")
	}
	if _, err := db.AddTokenKey(ctx, time.Now().Add(-keyDelay)); err != nil {
		t.Fatal(err)
	}
	third := renew()
	for _, tok := range []string{first, third} {
		if run, contact, err := maker.Read(token.Unsubscribe, tok); run != 4 || contact != 9 || err != nil {
			t.Errorf("Read(%q) = %d, %d, %v", tok, run, contact, err)
		}
	}
	if third == first {
		t.Error("the new key is never used")
	}
	keys, err := db.TokenKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); newestKey(keys[:2], now) != 1 || newestKey(keys[:2], now.Add(keyDelay)) != 2 || newestKey(keys, now) != 3 {
		t.Errorf("used: %d, later %d, of three %d", newestKey(keys[:2], now), newestKey(keys[:2], now.Add(keyDelay)), newestKey(keys, now))
	}
}

// A key is retired when another has taken over, by who says that its links may die.
func TestKeysAreRetired(t *testing.T) { // X8
	ctx, data := t.Context(), t.TempDir()
	db, err := store.Open(ctx, filepath.Join(data, "broadside.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var maker token.Maker
	if err := renewKeys(ctx, db, &maker); err != nil {
		t.Fatal(err)
	}
	old := string(maker.Append(nil, token.Unsubscribe, 4, 9))
	if _, err := db.AddTokenKey(ctx, time.Now().Add(-40*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.AddTokenKey(ctx, time.Now().Add(-10*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	broadside := func(status int, words string, args ...string) {
		t.Helper()
		var text strings.Builder
		if got := run(append(args, "--data", data), strings.NewReader(""), &text, &text); got != status || !strings.Contains(text.String(), words) {
			t.Errorf("%v: %d %s\nwant %d with %q", args, got, text.String(), status, words)
		}
	}
	broadside(2, "Their unsubscribe links", "keys", "retire", "1")
	broadside(2, "complaints that quote nothing else", "keys", "retire", "1")
	broadside(2, "younger than 30 days", "keys", "retire", "2")
	if err := renewKeys(ctx, db, &maker); err != nil {
		t.Fatal(err)
	}
	if _, _, err := maker.Read(token.Unsubscribe, old); err != nil {
		t.Errorf("without the flag: %v", err)
	}
	broadside(0, "Key 1 is retired", "keys", "retire", "1", "--links-die")
	broadside(1, "is retired already", "keys", "retire", "1", "--links-die")
	broadside(0, "no, retired", "keys")
	broadside(0, "40 d", "keys")
	if err := renewKeys(ctx, db, &maker); err != nil {
		t.Fatal(err)
	}
	if _, _, err := maker.Read(token.Unsubscribe, old); err == nil {
		t.Error("a token of a retired key is good")
	}
	if run, _, err := maker.Read(token.Unsubscribe, string(maker.Append(nil, token.Unsubscribe, 5, 9))); run != 5 || err != nil {
		t.Errorf("a token of the newest key: %d, %v", run, err)
	}
}
