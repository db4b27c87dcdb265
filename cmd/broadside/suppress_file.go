package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/listfile"
	"broadside/store"
)

func suppressImportCommand(a *app) *cobra.Command {
	var list, reason, detail string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Suppress the addresses, domains and hashes of a file: CSV, XLSX, one a line, also packed",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				id, err := listOrAll(cmd.Context(), db, list)
				if err != nil {
					return err
				}
				im := campaign.SuppressionImporter{Store: db, List: id, Reason: reason, Detail: detail, Progress: a.importProgress()}
				report, err := a.importSuppressions(cmd.Context(), im, args[0])
				if err != nil {
					return err
				}
				return a.showSuppressionReport(report)
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only for this list's mail, where a row does not say (default: for all mail)")
	cmd.Flags().StringVar(&reason, "reason", "imported", "why, where a row does not say")
	cmd.Flags().StringVar(&detail, "note", "", "a note for the others")
	return cmd
}

func (a *app) importSuppressions(ctx context.Context, im campaign.SuppressionImporter, path string) (campaign.SuppressionReport, error) {
	f, err := os.Open(path)
	if err != nil {
		return campaign.SuppressionReport{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return campaign.SuppressionReport{}, err
	}
	reader, err := listfile.Open(f, info.Size(), filepath.Base(path), listfile.Limits{})
	if err != nil {
		return campaign.SuppressionReport{}, err
	}
	defer reader.Close()
	report, err := im.Run(ctx, reader, time.Now())
	a.endProgress()
	return report, err
}

func (a *app) showSuppressionReport(r campaign.SuppressionReport) error {
	if a.json {
		return a.printJSON(r)
	}
	a.printf("%s: %s rows, %s new, %s known, %s invalid\n", r.File, group(r.Rows), group(r.New), group(r.Known), group(r.Invalid))
	for i, f := range r.Findings {
		if i == shownFindings {
			a.printf("  … and more\n")
			break
		}
		a.printf("  row %-8d %s: %s\n", f.Row, f.Value, f.Reason)
	}
	return nil
}

func suppressExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Export all that is suppressed as CSV, to a file or to standard output",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if len(args) == 0 {
					_, err := campaign.ExportSuppressions(cmd.Context(), db, a.out)
					return err
				}
				return writeFile(args[0], func(w io.Writer) error {
					n, err := campaign.ExportSuppressions(cmd.Context(), db, w)
					if err != nil {
						return err
					}
					if a.json {
						return a.printJSON(map[string]any{"file": args[0], "suppressions": n})
					}
					a.printf("%s suppressions are in %s\n", group(n), args[0])
					return nil
				})
			})
		},
	}
}
