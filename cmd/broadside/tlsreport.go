package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/delivery/tlsrpt"
	"broadside/store"
)

func tlsReportCommand(a *app) *cobra.Command {
	var date, domain string
	cmd := &cobra.Command{
		Use:   "tls-report",
		Short: "Report how TLS fared with the domains that have a policy (MTA-STS, DANE), as RFC 8460 wants it",
		Long: "Without --domain, a line for each domain and policy; with it, the JSON report that the domain\n" +
			"may be sent (RFC 8460 §4.4). With --json, the reports of all domains in one object.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := time.Parse("2006-01-02", date)
			if err != nil {
				return usagef("--day is %q: give a UTC day such as 2026-05-04", date)
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				counts, err := db.TLSResults(cmd.Context(), tlsrpt.DayOf(at), strings.ToLower(domain))
				if err != nil {
					return err
				}
				return a.showTLSReports(date, domain, a.reporter().Reports(tlsrpt.DayOf(at), counts))
			})
		},
	}
	cmd.Flags().StringVar(&date, "day", time.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02"), "UTC day (default yesterday)")
	cmd.Flags().StringVar(&domain, "domain", "", "the domain's own report, to be sent to it")
	return cmd
}

// reporter is how we call ourselves in reports.
func (a *app) reporter() tlsrpt.Reporter {
	domain := cmp.Or(a.cfg.ReturnPathDomain, a.cfg.Hello)
	return tlsrpt.Reporter{Organization: domain, Contact: "postmaster@" + domain, Host: a.cfg.Hello}
}

func (a *app) showTLSReports(date, domain string, reports []tlsrpt.Report) error {
	switch {
	case domain != "" && len(reports) == 0:
		return fmt.Errorf("no session was held under a TLS policy of %s on %s", domain, date)
	case domain != "":
		return a.printJSON(reports[0])
	case a.json:
		return a.printJSON(map[string]any{"reports": reports})
	case len(reports) == 0:
		a.printf("On %s no session was held under a TLS policy.\n", date)
		return nil
	}
	t := newTable("DOMAIN", "POLICY", ">SUCCEEDED", ">FAILED", "FAILURES")
	for _, r := range reports {
		for _, p := range r.Policies {
			t.row(p.Policy.Domain, string(p.Policy.Type), group(p.Summary.Successes), group(p.Summary.Failures), failureLine(p.Failures))
		}
	}
	t.print(a.out)
	return nil
}

// failureLine is how often what went wrong, the most frequent first.
func failureLine(failures []tlsrpt.Failure) string {
	var kinds []tlsrpt.ResultType
	sums := map[tlsrpt.ResultType]int64{}
	for _, f := range failures {
		if sums[f.Result] == 0 {
			kinds = append(kinds, f.Result)
		}
		sums[f.Result] += f.Sessions
	}
	parts := make([]string, len(kinds))
	for i, kind := range kinds {
		parts[i] = fmt.Sprintf("%s %s", group(sums[kind]), kind)
	}
	return strings.Join(parts, ", ")
}
