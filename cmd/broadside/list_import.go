package main

import (
	"context"
	"errors"
	"fmt"
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
