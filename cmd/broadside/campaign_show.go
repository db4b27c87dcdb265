package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignStatusCommand(a *app) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "status NAME", Short: "Show where a campaign's latest run stands", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				st, err := s.Status(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if !watch {
					return a.showStatus(st)
				}
				return a.watchRun(cmd.Context(), s, st.Run.ID, 0)
			})
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "follow until the run is over")
	return cmd
}

// watchRun follows a run until it is over, or ctx is done. It fails when nothing moves
// for as long as stall, if that is not 0.
func (a *app) watchRun(ctx context.Context, s *campaign.Service, id campaign.RunID, stall time.Duration) error {
	live := newLive(a)
	var last campaign.Counts
	moved := time.Now()
	for {
		st, err := s.StatusOf(ctx, id)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		live.show(st)
		if st.Counts != last {
			last, moved = st.Counts, time.Now()
		}
		if stall > 0 && time.Since(moved) > stall {
			return fmt.Errorf("nothing has moved for %s, with %s", stall, equation(st.Counts))
		}
		if !st.Run.Open() && st.Counts.Open() == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func statusJSON(st campaign.Status) map[string]any {
	lanes := map[string]campaign.Counts{}
	for _, l := range byLane(st.Lanes) {
		lanes[l.name] = l.Counts
	}
	return map[string]any{
		"campaign": st.Run.Spec.Name, "run": st.Run.ID, "state": st.Run.State, "note": st.Run.Note,
		"started": st.Run.Started, "finished": st.Run.Finished,
		"counts": st.Counts, "balanced": st.Counts.Balanced(), "complete": st.Run.SnapshotDone, "sites": lanes,
		"readers": st.Readers, "ab": st.AB, "feedback": feedbackJSON(st), "waits_until": nilIfZero(st.Opens), "spread_until": nilIfZero(st.SpreadUntil()),
		"held": st.Waves.Held(time.Now()), "next_wave": nilIfZero(st.Waves.NextAt(time.Now())),
	}
}

// nilIfZero is a time for JSON, null when there is none.
func nilIfZero(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func (a *app) showStatus(st campaign.Status) error {
	if a.json {
		return a.printJSON(statusJSON(st))
	}
	a.printf("%s, run %d: %s", st.Run.Spec.Name, st.Run.ID, st.Run.State)
	if st.Run.Note != "" {
		a.printf(" (%s)", st.Run.Note)
	}
	a.printf("\n")
	if st.Run.State == campaign.RunScheduled {
		a.printf("  starts %s\n", day(st.Run.StartAt))
		return nil
	}
	if waits := st.WaitsFor(time.Now(), time.Local); waits != "" {
		a.printf("  %s\n", waits)
	}
	if parts := st.Waves.Parted(time.Local); parts != "" {
		a.printf("  %s\n", parts)
	}
	if until := st.SpreadUntil(); !until.IsZero() && st.Run.Open() {
		a.printf("  spread over %s, until %s\n", time.Duration(st.Run.Spec.Spread), day(until))
	}
	a.printf("  started %s", day(st.Run.Started))
	if !st.Run.Finished.IsZero() {
		a.printf(", over after %s", st.Run.Finished.Sub(st.Run.Started).Round(time.Second))
	}
	if came := st.Run.Came(); came != "" {
		a.printf("\n  %s", came)
	}
	a.printf("\n\n  %s\n\n", equation(st.Counts))
	siteTable(st.Lanes).print(a.out)
	a.showFeedback(st)
	a.showReaders(st.Readers)
	a.showAB(st.AB)
	return nil
}

// equation is the balance in words.
func equation(c campaign.Counts) string {
	terms := []string{group(c.Accepted) + " accepted"}
	for _, t := range []struct {
		n    int64
		name string
	}{
		{c.Bounced, "bounced"}, {c.Deferred, "deferred"}, {c.Skipped, "skipped"}, {c.Cancelled, "cancelled"},
		{c.Unknown, "unknown"}, {c.Waiting, "waiting"},
	} {
		if t.n > 0 {
			terms = append(terms, group(t.n)+" "+t.name)
		}
	}
	line := group(c.Planned) + " planned = " + strings.Join(terms, " + ")
	if c.Resent > 0 {
		line += "  (" + group(c.Resent) + " may have got two copies)"
	}
	return line
}

// laneBalance is the balance of one site's lane, or of all small sites.
type laneBalance struct {
	name string
	campaign.Counts
}

// byLane sums counts by lane, the tail lanes in one, the largest first.
func byLane(counts []campaign.LaneCount) []laneBalance {
	sums := map[string]*laneBalance{}
	for _, c := range counts {
		name := laneName(c.Lane)
		if sums[name] == nil {
			sums[name] = &laneBalance{name: name}
		}
		sums[name].Add(c.State, c.N)
	}
	all := make([]laneBalance, 0, len(sums))
	for _, s := range sums {
		all = append(all, *s)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Planned > all[j].Planned })
	return all
}

func laneName(l campaign.Lane) string {
	if l.Tail() {
		return "other sites"
	}
	return l.String()
}

func siteTable(counts []campaign.LaneCount) *table {
	t := newTable("site", ">planned", ">accepted", ">bounced", ">deferred", ">skipped", ">unknown", ">waiting")
	for _, l := range byLane(counts) {
		t.row(l.name, group(l.Planned), group(l.Accepted), group(l.Bounced), group(l.Deferred), group(l.Skipped), group(l.Unknown), group(l.Waiting))
	}
	return t
}

func campaignReportCommand(a *app) *cobra.Command {
	var with string
	cmd := &cobra.Command{
		Use: "report NAME", Short: "Report what became of a campaign's latest run", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				if with != "" {
					return a.compareRuns(cmd.Context(), s, args[0], with)
				}
				r, err := s.Report(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					out := statusJSON(r.Status)
					out["replies"] = repliesJSON(r.Replies)
					return a.printJSON(out)
				}
				if err := a.showStatus(r.Status); err != nil {
					return err
				}
				a.showReplies(r.Replies)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&with, "compare", "", "beside earlier runs, or beside those with these numbers (--compare=12,15)")
	cmd.Flags().Lookup("compare").NoOptDefVal = earlierRuns
	return cmd
}

// replyColumn is where replies begin in their table.
const replyColumn = 48

func (a *app) showReplies(replies []campaign.ReplyCount) {
	if len(replies) == 0 {
		return
	}
	a.printf("\n")
	width, _ := a.terminal()
	room := max(width, 100) - replyColumn
	t := newTable(">people", "state", "reason", ">code", "reply")
	for _, r := range replies {
		code := ""
		if r.Code != 0 {
			code = strconv.Itoa(int(r.Code))
		}
		t.row(group(r.N), r.State.String(), r.Reason.String(), code, shorten(r.Reply, room))
	}
	t.print(a.out)
}

func repliesJSON(replies []campaign.ReplyCount) []map[string]any {
	out := make([]map[string]any, 0, len(replies))
	for _, r := range replies {
		out = append(out, map[string]any{"people": r.N, "state": r.State.String(), "reason": r.Reason.String(), "code": r.Code, "reply": r.Reply})
	}
	return out
}

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

func because(r campaign.Reason) string {
	if r == campaign.NoReason {
		return ""
	}
	return ", " + r.String()
}

func codeText(code uint16) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(int(code))
}
