package main

import (
	"context"
	"fmt"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery/smtptest"
)

// compare holds our ledger against the simulator's: whom we call accepted got exactly
// one copy, nobody else got any but those whose connection broke after the final dot.
func (r *demoResult) compare(ctx context.Context, e *engine, sim *smtptest.Internet) error {
	recount, err := e.store.Recount(ctx, r.status.Run.ID)
	if err != nil {
		return err
	}
	totals := sim.Ledger().Totals()
	r.Simulator.Accepted = totals.Accepted
	r.Simulator.Duplicates = totals.Duplicates
	r.DKIM = demoDKIM{Verified: totals.Verified, Failed: totals.Failed}
	unknown, err := r.countLost(ctx, e, sim.Ledger())
	if err != nil {
		return err
	}
	r.check(r.Run.Balanced(), "the ledger does not balance: %s", equation(r.Run))
	r.check(recount == r.Run, "the kept counts are %s, the rows say %s", equation(r.Run), equation(recount))
	r.check(r.Run.Open() == 0 && r.status.Run.State == campaign.RunFinished, "the run is not finished: %s", r.status.Run.State)
	r.check(r.Simulator.Lost == 0, "%d recipients we call accepted got nothing", r.Simulator.Lost)
	r.check(r.Simulator.Duplicates == 0, "%d copies too many arrived", r.Simulator.Duplicates)
	r.check(totals.Accepted == r.Run.Accepted+unknown, "the simulator accepted %d messages, our ledger knows of %d", totals.Accepted, r.Run.Accepted+unknown)
	r.check(totals.Failed == 0 && totals.Verified == totals.Messages, "%d of %d signatures are good", totals.Verified, totals.Messages)
	for _, v := range sim.Ledger().Violations() {
		r.check(false, "protocol violation: %s", v)
	}
	r.Agreed = len(r.Problems) == 0
	return nil
}

func (r *demoResult) check(ok bool, format string, args ...any) {
	if !ok {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// countLost looks every accepted recipient up at the simulator, and returns how many
// of the unknown ones did get a copy.
func (r *demoResult) countLost(ctx context.Context, e *engine, ledger *smtptest.Ledger) (unknown int64, err error) {
	for _, s := range []campaign.State{campaign.Accepted, campaign.Unknown} {
		var after campaign.Recipient
		for {
			rows, err := e.store.Recipients(ctx, r.status.Run.ID, s, after, 5000)
			if err != nil {
				return 0, err
			}
			for _, row := range rows {
				after = row.Recipient
				id := "<" + string(e.tokens.Append(nil, token.MessageID, int64(row.Run), int64(row.Contact))) + "@" + demoDomain + ">"
				copies := ledger.Copies(row.Email, id)
				switch {
				case s == campaign.Unknown:
					unknown += int64(copies)
				case copies == 0:
					r.Simulator.Lost++
				}
			}
			if len(rows) < 5000 {
				break
			}
		}
	}
	return unknown, nil
}

// showDemo prints the result; the exit status is 0 only if both ledgers agree.
func (a *app) showDemo(r *demoResult, dir string, kept bool) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printDemo(r)
		if kept {
			a.printf("\nThe data is in %s. Try:\n  broadside campaign report %s --data %s\n  broadside list show %s --data %s\n", dir, demoCampaign, dir, demoList, dir)
		}
	}
	if !r.Agreed {
		return errSilent
	}
	return nil
}

func (a *app) printDemo(r *demoResult) {
	if _, ok := a.terminal(); !ok {
		a.printf("\n")
		siteTable(r.status.Lanes).print(a.out)
	}
	a.showReplies(r.report.Replies[:min(len(r.report.Replies), 8)])
	a.printf("\n")
	for _, slow := range r.Slowed {
		a.printf("  %s asked for less, and only its own mail waited: %s\n", slow.Site, shorten(slow.Reply, 60))
	}
	a.printf("  %s\n", equation(r.Run))
	a.printf("  simulator: %s accepted, %s lost, %s twice;  signatures: %s good, %s bad\n",
		group(r.Simulator.Accepted), group(r.Simulator.Lost), group(r.Simulator.Duplicates), group(r.DKIM.Verified), group(r.DKIM.Failed))
	a.printf("  %.1f s, %s messages/s\n\n", r.Seconds, group(int64(r.PerSecond)))
	for _, p := range r.Problems {
		a.printf("  ✗ %s\n", p)
	}
	if r.Agreed {
		a.printf("  ✓ Both ledgers agree: nothing lost, nothing twice.\n")
	}
}
