package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign/token"
	"broadside/store"
)

// Every process asks for the keys of tokens so often, and makes tokens with a key when
// all have had the time to learn of it: whoever gets a token back can read it.
const (
	keyPoll  = time.Minute
	keyDelay = 5 * time.Minute
)

// newestKey is the number of the key that tokens are made with at a time.
func newestKey(keys []store.TokenKey, now time.Time) int {
	newest := 1
	for _, k := range keys {
		if !now.Before(usedFrom(k)) {
			newest = k.Number
		}
	}
	return newest
}

// usedFrom is when tokens begin to be made with a key; zero for the first.
func usedFrom(k store.TokenKey) time.Time {
	if k.Created.IsZero() {
		return k.Created
	}
	return k.Created.Add(keyDelay)
}

// renewKeys gives the keys that the database has to a maker of tokens.
func renewKeys(ctx context.Context, db *store.DB, m *token.Maker) error {
	keys, err := db.TokenKeys(ctx)
	if err != nil {
		return err
	}
	var known []token.Key
	for _, k := range keys {
		known = append(known, token.Key{Secret: k.Secret, Retired: k.Retired})
	}
	m.Renew(known, newestKey(keys, time.Now()))
	return nil
}

// followKeys renews the keys until ctx is done.
func (e *engine) followKeys(ctx context.Context) {
	tick := time.NewTicker(keyPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := renewKeys(ctx, e.store, e.tokens); err != nil && ctx.Err() == nil {
			e.log.Error("keys of tokens not read; the known ones stay in use", "error", err)
		}
	}
}

func keysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Show the keys of the tokens in return paths and links", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				keys, err := db.TokenKeys(cmd.Context())
				if err != nil {
					return err
				}
				return a.showTokenKeys(keys, time.Now())
			})
		},
	}
	cmd.AddCommand(keysRotateCommand(a), keysRetireCommand(a))
	return cmd
}

func keysRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Add a key, with which new messages are made from then on; links in older messages keep working", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				k, err := db.AddTokenKey(cmd.Context(), time.Now())
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"key": k.Number, "used_from": usedFrom(k)})
				}
				a.printf("Key %d makes the tokens in %d minutes, when every process knows it; those of older keys stay good.\n", k.Number, keyDelay/time.Minute)
				return nil
			})
		},
	}
}

func (a *app) showTokenKeys(keys []store.TokenKey, now time.Time) error {
	newest := newestKey(keys, now)
	if a.json {
		out := []map[string]any{}
		for _, k := range keys {
			out = append(out, map[string]any{"key": k.Number, "created": k.Created, "in_use": k.Number == newest, "retired": k.Retired})
		}
		return a.printJSON(out)
	}
	t := newTable("key", "made", "age", "new tokens")
	for _, k := range keys {
		made, age, use := "at the beginning", "", "no, reads older ones"
		if !k.Created.IsZero() {
			made, age = k.Created.Format(time.RFC3339), fmt.Sprintf("%d d", now.Sub(k.Created)/(24*time.Hour))
		}
		switch {
		case k.Retired:
			use = "no, retired"
		case k.Number == newest:
			use = "yes"
		case k.Number > newest:
			use = "from " + usedFrom(k).Format(time.RFC3339)
		}
		t.row(fmt.Sprint(k.Number), made, age, use)
	}
	t.print(a.out)
	return nil
}
