package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

func suppressCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "suppress", Short: "Keep the addresses and domains that are never mailed"}
	cmd.AddCommand(suppressAddCommand(a), suppressRemoveCommand(a), suppressListCommand(a), suppressShowCommand(a), suppressImportCommand(a), suppressExportCommand(a))
	return cmd
}

func suppressAddCommand(a *app) *cobra.Command {
	var detail, list string
	cmd := &cobra.Command{
		Use: "add ADDRESS|DOMAIN…", Short: "Never mail an address, or a domain and those below it, also in runs under way", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := suppressions(args, detail)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				id, err := listOrAll(cmd.Context(), db, list)
				if err != nil {
					return err
				}
				for i := range entries {
					entries[i].List = id
				}
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
	cmd.Flags().StringVar(&detail, "note", "", "why, for the others")
	cmd.Flags().StringVar(&list, "list", "", "only for this list's mail (default: for all mail)")
	return cmd
}

func suppressRemoveCommand(a *app) *cobra.Command {
	var list string
	cmd := &cobra.Command{
		Use: "remove ADDRESS|DOMAIN|HASH", Short: "Allow mail again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := campaign.ParseSuppressed(args[0])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				id, err := listOrAll(cmd.Context(), db, list)
				if err != nil {
					return err
				}
				if err := db.UnsuppressOn(cmd.Context(), id, e.Who()); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"removed": e.Who()})
				}
				a.printf("%s may be mailed again.\n", e.Who())
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "the list for whose mail it was suppressed (default: all mail)")
	return cmd
}

// listOrAll is a list's id, 0 when none is named.
func listOrAll(ctx context.Context, db *store.DB, name string) (campaign.ListID, error) {
	if name == "" {
		return 0, nil
	}
	l, err := db.ListByName(ctx, name)
	return l.ID, err
}

func suppressions(args []string, detail string) ([]campaign.Suppression, error) {
	var entries []campaign.Suppression
	var errs []error
	for _, s := range args {
		e, err := campaign.ParseSuppressed(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s, err))
			continue
		}
		e.Reason, e.Detail, e.At = "manual", detail, time.Now()
		entries = append(entries, e)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageError{err}
	}
	return entries, nil
}

func suppressListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is suppressed, in order of arrival", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				return a.listSuppressions(cmd.Context(), db)
			})
		},
	}
}

func (a *app) listSuppressions(ctx context.Context, db *store.DB) error {
	names, err := listNames(ctx, db)
	if err != nil {
		return err
	}
	var after int64
	all := []campaign.Suppression{}
	for {
		page, err := db.Suppressions(ctx, after, 1000)
		if err != nil {
			return err
		}
		for _, s := range page {
			after = s.ID
			if a.json {
				all = append(all, s)
				continue
			}
			a.printf("%s\t%s\t%s\t%s\t%s\n", s.Who(), names[s.List], s.Reason, day(s.At), s.Detail)
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

// listNames are the lists' names by their ids; 0 is "all mail".
func listNames(ctx context.Context, db *store.DB) (map[campaign.ListID]string, error) {
	lists, err := db.Lists(ctx)
	names := map[campaign.ListID]string{0: "all mail"}
	for _, l := range lists {
		names[l.ID] = l.Name
	}
	return names, err
}

func suppressShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ADDRESS", Short: "Show everything that keeps mail from an address", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := campaign.ParseAddress(args[0])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				found, err := db.SuppressionsOf(cmd.Context(), address.Email)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"address": address.Email, "suppressions": found})
				}
				if len(found) == 0 {
					a.printf("%s is not suppressed.\n", address.Email)
					return nil
				}
				names, err := listNames(cmd.Context(), db)
				if err != nil {
					return err
				}
				t := newTable("suppressed", "for", "why", "since", "")
				for _, s := range found {
					t.row(s.Who(), names[s.List], s.Reason, day(s.At), s.Detail)
				}
				t.print(a.out)
				return nil
			})
		},
	}
}
