package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/listfile"
	"broadside/store"
)

func listCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Import, show, export, undo and delete lists of contacts"}
	cmd.AddCommand(listImportCommand(a), listShowCommand(a), listExportCommand(a), listUndoCommand(a), listTrackingCommand(a), listDeleteCommand(a))
	return cmd
}

func listImportCommand(a *app) *cobra.Command {
	var list, mapping, rejects string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import CSV, TSV, NDJSON or XLSX, also as gzip or zip: all of its valid rows, or nothing",
		Example: `  broadside list import customers.csv --list news --dry-run
  broadside list import customers.csv --list news --map 'email="E-Mail",name=Full name'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := campaign.ParseMapping(mapping)
			if err != nil {
				return usageError{err}
			}
			if cmd.Flags().Changed("list") && !validListName(list) {
				return usagef("--list %q: a list's name has 1 to 100 characters on one line", list)
			}
			if list == "" {
				base := filepath.Base(args[0])
				list, _, _ = strings.Cut(base, ".")
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				report, err := a.importFile(cmd.Context(), db, args[0], list, m, rejects, dryRun)
				if err != nil {
					return err
				}
				return a.showImport(report, list, rejects)
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "list to import into, made when it is new (default: the file's name)")
	cmd.Flags().StringVar(&mapping, "map", "", "field=column,… where the guess is wrong")
	cmd.Flags().StringVar(&rejects, "rejects", "", "file for the rows that are not imported (CSV)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "report everything, change nothing")
	return cmd
}

func validListName(name string) bool {
	n := utf8.RuneCountInString(name)
	return n > 0 && n <= 100 && !strings.ContainsFunc(name, unicode.IsControl)
}

// importFile imports one file into a list, which is made when it is new.
func (a *app) importFile(ctx context.Context, db *store.DB, path, list string, m campaign.Mapping, rejects string, dryRun bool) (campaign.ImportReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return campaign.ImportReport{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return campaign.ImportReport{}, err
	}
	reader, err := listfile.Open(f, info.Size(), filepath.Base(path), listfile.Limits{})
	if err != nil {
		return campaign.ImportReport{}, err
	}
	defer reader.Close()
	id, created, err := a.listFor(ctx, db, list)
	if err != nil {
		return campaign.ImportReport{}, err
	}
	im := campaign.Importer{Store: db, List: id, Mapping: m, DryRun: dryRun, Progress: a.importProgress()}
	if rejects != "" {
		out, err := os.Create(rejects)
		if err != nil {
			return campaign.ImportReport{}, err
		}
		defer out.Close()
		im.Rejects = out
	}
	report, err := im.Run(ctx, reader, time.Now())
	a.endProgress()
	if created && (err != nil || dryRun) {
		err = errors.Join(err, db.DropEmptyList(context.WithoutCancel(ctx), id))
	}
	return report, err
}

// listFor finds a list or makes it.
func (a *app) listFor(ctx context.Context, db *store.DB, name string) (id campaign.ListID, created bool, err error) {
	l, err := db.ListByName(ctx, name)
	if errors.Is(err, campaign.ErrNotFound) {
		l, err = db.CreateList(ctx, name, time.Now())
		created = err == nil
	}
	return l.ID, created, err
}

// importProgress draws a bar on a terminal.
func (a *app) importProgress() func(campaign.ImportProgress) {
	width, ok := a.terminal()
	if !ok {
		return nil
	}
	last := time.Time{}
	return func(p campaign.ImportProgress) {
		if time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		part := float64(p.Bytes) / float64(max(p.Size, 1))
		a.printf("\r%s %3.0f %%  %s rows\x1b[K", bar(part, min(width-30, 40)), part*100, group(p.Rows))
	}
}

func (a *app) endProgress() {
	if _, ok := a.terminal(); ok {
		a.printf("\r\x1b[K")
	}
}

func (a *app) showImport(r campaign.ImportReport, list, rejects string) error {
	if a.json {
		return a.printJSON(r)
	}
	verb := "imported into"
	if r.DryRun {
		verb = "would be imported into"
	}
	a.printf("%s: %s rows, %s list %s\n", r.File, group(r.Rows), verb, list)
	a.printf("  %s\n  columns: %s\n\n", describe(r.Format), r.Mapping)
	for _, line := range []struct {
		n    int64
		what string
	}{
		{r.New, "new"}, {r.Updated, "updated"}, {r.Unchanged, "unchanged"}, {r.Duplicate, "duplicate in this file"},
		{r.Invalid, "invalid, left out"}, {r.Suppressed, "suppressed, never mailed"}, {r.Unsubscribed, "unsubscribed, stays so"},
		{r.Role, "of them role addresses"}, {r.Typo, "of them with a likely typo"}, {r.Ragged, "of them with too few or too many cells"},
	} {
		if line.n > 0 {
			a.printf("  %12s  %s\n", group(line.n), line.what)
		}
	}
	a.showFindings(r)
	switch {
	case r.DryRun:
		a.printf("\nNothing was changed. Import it with the same command without --dry-run.\n")
	case r.Import != 0:
		a.printf("\nTake it back with: broadside list undo %d\n", r.Import)
	}
	if rejects != "" {
		a.printf("Rejected rows are in %s\n", rejects)
	}
	return nil
}

// describe puts what was detected into words.
func describe(f listfile.Format) string {
	parts := []string{strings.ToUpper(f.Kind)}
	if f.Packed != "" {
		parts = append(parts, "in "+f.Packed)
	}
	if f.Delimiter != "" {
		parts = append(parts, "separated by "+map[string]string{",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[f.Delimiter])
	}
	if f.Charset != "" {
		parts = append(parts, f.Charset)
	}
	if f.Header {
		parts = append(parts, "with a header")
	} else {
		parts = append(parts, "without a header")
	}
	return strings.Join(parts, ", ")
}

// shownFindings of each kind are printed; the rejects file has all.
const shownFindings = 5

func (a *app) showFindings(r campaign.ImportReport) {
	for _, kind := range []string{"invalid", "typo", "role", "ragged", "repaired"} {
		for i, f := range r.Findings[kind] {
			if i == 0 {
				a.printf("\n")
			}
			if i == shownFindings {
				a.printf("  … and more\n")
				break
			}
			a.printf("  row %-8d %s: %s\n", f.Row, f.Value, f.Reason)
		}
	}
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

func listUndoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "undo IMPORT",
		Short: "Take an import back, by the number that it printed",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("%q is not the number of an import; `broadside list show LIST` lists them", args[0])
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				counts, err := db.UndoImport(cmd.Context(), campaign.ImportID(id))
				if err != nil {
					return fmt.Errorf("import %d: %w", id, err)
				}
				if a.json {
					return a.printJSON(counts)
				}
				a.printf("Import %d is taken back: %s contacts are gone again, %s as they were before.\n", id, group(counts.New), group(counts.Updated))
				return nil
			})
		},
	}
}

func contactsJSON(members []campaign.Member) []map[string]any {
	out := make([]map[string]any, 0, len(members))
	for _, m := range members {
		out = append(out, map[string]any{"email": m.Email, "attributes": rawJSON(m.Attributes), "unsubscribed": m.Status == campaign.OptedOut})
	}
	return out
}
