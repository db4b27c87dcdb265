package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

func suppressCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "suppress", Short: "Keep the addresses that are never mailed"}
	var detail string
	add := &cobra.Command{
		Use: "add ADDRESS…", Short: "Never mail an address again, also in runs under way", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := suppressions(args, detail)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				n, err := db.Suppress(cmd.Context(), entries)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"added": n})
				}
				a.printf("%s added; runs under way leave them out within a second.\n", group(n))
				return nil
			})
		},
	}
	add.Flags().StringVar(&detail, "note", "", "why, for the others")
	remove := &cobra.Command{
		Use: "remove ADDRESS", Short: "Allow mail to an address again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := campaign.ParseAddress(args[0])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if err := db.Unsuppress(cmd.Context(), campaign.AddressKey(address.Email)); err != nil {
					return fmt.Errorf("%s: %w", address.Email, err)
				}
				if a.json {
					return a.printJSON(map[string]any{"removed": address.Email})
				}
				a.printf("%s may be mailed again.\n", address.Email)
				return nil
			})
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List the suppressed addresses", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				return a.listSuppressions(cmd, db)
			})
		},
	}
	cmd.AddCommand(add, remove, list)
	return cmd
}

func suppressions(args []string, detail string) ([]campaign.Suppression, error) {
	var entries []campaign.Suppression
	var errs []error
	for _, s := range args {
		address, err := campaign.ParseAddress(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s, err))
			continue
		}
		entries = append(entries, campaign.Suppression{Email: campaign.AddressKey(address.Email), Reason: "manual", Detail: detail, At: time.Now()})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return entries, nil
}

func (a *app) listSuppressions(cmd *cobra.Command, db *store.DB) error {
	var after int64
	all := []campaign.Suppression{}
	for {
		page, err := db.Suppressions(cmd.Context(), after, 1000)
		if err != nil {
			return err
		}
		for _, s := range page {
			after = s.ID
			if a.json {
				all = append(all, s)
				continue
			}
			a.printf("%s\t%s\t%s\t%s\n", s.Email, s.Reason, day(s.At), s.Detail)
		}
		if len(page) < 1000 {
			break
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"suppressions": all})
	}
	return nil
}
