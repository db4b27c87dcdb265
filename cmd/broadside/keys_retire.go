package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

// linksLive is how long after a message the law wants its opt-out to work (CAN-SPAM,
// 15 U.S.C. § 7704(a)(3)).
const linksLive = 30 * 24 * time.Hour

func keysRetireCommand(a *app) *cobra.Command {
	var sure bool
	cmd := &cobra.Command{
		Use: "retire KEY", Short: "Take a key away for ever: links and return paths in the messages that it was used for stop working", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.Atoi(args[0])
			if err != nil || number < 1 {
				return usagef("%q is not the number of a key; `broadside keys` lists them", args[0])
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				keys, err := db.TokenKeys(cmd.Context())
				if err != nil {
					return err
				}
				if err := mayRetire(keys, number, time.Now()); err != nil {
					return err
				}
				if !sure {
					return usagef("%s Say --links-die if that is wanted", whatDies(keys, number, time.Now()))
				}
				if err := db.RetireTokenKey(cmd.Context(), number); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"retired": number})
				}
				a.printf("Key %d is retired; every process knows it within %d minute.\n", number, keyPoll/time.Minute)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&sure, "links-die", false, "yes, also the links by which people unsubscribe")
	return cmd
}

// mayRetire refuses a key that tokens are made with, or will be.
func mayRetire(keys []store.TokenKey, number int, now time.Time) error {
	switch newest := newestKey(keys, now); {
	case number > len(keys):
		return fmt.Errorf("key %d: %w; `broadside keys` lists them", number, campaign.ErrNotFound)
	case keys[number-1].Retired:
		return fmt.Errorf("key %d is retired already", number)
	case number > newest:
		return fmt.Errorf("key %d is about to make the tokens, and cannot be retired", number)
	case number == newest:
		return fmt.Errorf("key %d makes the tokens now: add another with `broadside keys rotate`, and retire this one when that is in use", number)
	}
	return nil
}

// whatDies tells what a key has been used for.
func whatDies(keys []store.TokenKey, number int, now time.Time) string {
	since := "the beginning"
	if from := usedFrom(keys[number-1]); !from.IsZero() {
		since = from.Format(time.RFC3339)
	}
	until := usedFrom(keys[number])
	text := fmt.Sprintf("key %d made the tokens of messages from %s to %s. Their unsubscribe links, counted links and confirmations would lead nowhere, and their bounces and complaints would belong to nobody.",
		number, since, until.Format(time.RFC3339))
	if number == 1 {
		text += " Later messages have their Message-IDs of it, too: complaints that quote nothing else would belong to nobody either."
	}
	if now.Sub(until) < linksLive {
		text += fmt.Sprintf(" Some are younger than 30 days, for which the law wants the links to work: wait until %s.", until.Add(linksLive).Format(time.DateOnly))
	}
	return text
}
