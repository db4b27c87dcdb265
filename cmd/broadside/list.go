package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

func listCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Import, show, export, undo and delete lists of contacts"}
	cmd.AddCommand(listImportCommand(a), listShowCommand(a), listExportCommand(a), listUndoCommand(a), listTrackingCommand(a), listDeleteCommand(a))
	return cmd
}

func listShowCommand(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "show [LIST]",
		Short: "Show all lists, or one list's imports and first contacts",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if len(args) == 0 {
					return a.showLists(cmd.Context(), db)
				}
				return a.showList(cmd.Context(), db, args[0], limit)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 10, "contacts to show")
	return cmd
}

func (a *app) showLists(ctx context.Context, db *store.DB) error {
	lists, err := db.Lists(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"lists": lists})
	}
	if len(lists) == 0 {
		a.printf("There are no lists yet. Import one: broadside list import FILE.csv --list NAME\n")
		return nil
	}
	t := newTable("list", ">subscribed", ">unsubscribed", "tracking", "since")
	for _, l := range lists {
		t.row(l.Name, group(l.Subscribed), group(l.Unsubscribed), l.Tracking.String(), day(l.Created))
	}
	t.print(a.out)
	return nil
}

func (a *app) showList(ctx context.Context, db *store.DB, name string, limit int) error {
	l, err := db.ListByName(ctx, name)
	if err != nil {
		return err
	}
	imports, err := db.Imports(ctx, l.ID, 0, 10)
	if err != nil {
		return err
	}
	members, err := db.ListContacts(ctx, l.ID, 0, limit)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"list": l, "imports": imports, "contacts": contactsJSON(members)})
	}
	a.printf("%s: %s subscribed, %s unsubscribed; tracking is %s\n\n", l.Name, group(l.Subscribed), group(l.Unsubscribed), l.Tracking)
	t := newTable(">import", "file", "when", ">new", ">updated", "")
	for _, i := range imports {
		undone := ""
		if i.Undone {
			undone = "undone"
		}
		t.row(strconv.FormatInt(int64(i.ID), 10), i.File, day(i.At), group(i.Counts.New), group(i.Counts.Updated), undone)
	}
	t.print(a.out)
	a.printf("\n")
	t = newTable("address", "status", "attributes")
	for _, m := range members {
		status := "subscribed"
		if m.Status == campaign.OptedOut {
			status = "unsubscribed"
		}
		t.row(m.Email, status, string(m.Attributes))
	}
	t.print(a.out)
	return nil
}

func listExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export LIST [FILE]",
		Short: "Export a list as CSV, to a file or to standard output",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				l, err := db.ListByName(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if len(args) == 1 {
					_, err := campaign.ExportList(cmd.Context(), db, l.ID, a.out)
					return err
				}
				return a.exportTo(cmd.Context(), db, l, args[1])
			})
		},
	}
}

func (a *app) exportTo(ctx context.Context, db *store.DB, l campaign.List, path string) error {
	return writeFile(path, func(w io.Writer) error {
		n, err := campaign.ExportList(ctx, db, l.ID, w)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]any{"list": l.Name, "file": path, "contacts": n})
		}
		a.printf("%s contacts of list %s are in %s\n", group(n), l.Name, path)
		return nil
	})
}

// writeFile writes a new file whole, or leaves none.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func contactsJSON(members []campaign.Member) []map[string]any {
	out := make([]map[string]any, 0, len(members))
	for _, m := range members {
		out = append(out, map[string]any{"email": m.Email, "attributes": rawJSON(m.Attributes), "unsubscribed": m.Status == campaign.OptedOut})
	}
	return out
}
