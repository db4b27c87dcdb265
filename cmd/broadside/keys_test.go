package main

import (
	"path/filepath"
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
