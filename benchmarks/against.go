package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// RunAgainst runs the scenarios with this program and with another broadside program by
// turns, Options.Rounds times each, so that what changes on the machine meanwhile meets
// both. The report is this program's, compared with the other's.
func RunAgainst(ctx context.Context, opt Options, other string, names ...string) (*Report, error) {
	rounds := max(opt.Rounds, 1)
	opt.Rounds = 1
	var now, before *Report
	for round := range rounds {
		fmt.Fprintf(opt.Log, "\nround %d of %d\n", round+1, rounds)
		older, err := runOther(ctx, opt, other, names)
		if err != nil {
			return now, fmt.Errorf("%s: %w", other, err)
		}
		ours, err := Run(ctx, opt, names...)
		if err != nil {
			return now, err
		}
		if round == 0 {
			now, before = ours, older
			continue
		}
		now.merge(ours)
		before.merge(older)
	}
	now.Compare(before, other+" ("+before.Environment.Commit+"), by turns")
	return now, nil
}

// runOther has another program run the scenarios once.
func runOther(ctx context.Context, opt Options, program string, names []string) (r *Report, err error) {
	dir, err := os.MkdirTemp(opt.Dir, "broadside-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	args := []string{"bench", "--rounds=1", "--out=" + dir, "--name=other", "--dir=" + opt.Dir,
		"--recipients=" + strconv.Itoa(opt.Recipients), "--connections=" + strconv.Itoa(opt.Connections),
		"--per-connection=" + strconv.Itoa(opt.PerConnection), "--senders=" + strconv.Itoa(opt.Senders), "--offered=" + strconv.FormatFloat(opt.Offered, 'g', -1, 64),
		"--rows=" + strconv.Itoa(opt.Rows), "--jobs=" + strconv.Itoa(opt.Jobs),
		"--large=" + strconv.Itoa(opt.Large), "--large-for=" + opt.LargeFor.String()}
	cmd := exec.CommandContext(ctx, program, append(args, names...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return ReadFile(filepath.Join(dir, "other.json"))
}

// merge adds the rounds of another report of the same scenarios. What was seen of a
// single run stays that of the first.
func (r *Report) merge(more *Report) {
	r.Seconds += more.Seconds
	for i := range r.Results {
		mine := &r.Results[i]
		at := slices.IndexFunc(more.Results, func(o Result) bool { return o.Scenario == mine.Scenario })
		if at >= 0 {
			mine.merge(&more.Results[at])
		}
	}
}

func (r *Result) merge(more *Result) {
	for i := range r.Figures {
		f := &r.Figures[i]
		at := slices.IndexFunc(more.Figures, func(o Figure) bool { return o.Name == f.Name && o.Unit == f.Unit })
		if at < 0 {
			continue
		}
		f.Samples = append(slices.Clone(f.rounds()), more.Figures[at].rounds()...)
		f.Value = median(f.Samples)
		switch {
		case f.Goal == nil:
		case f.Goal.AtMost != 0:
			f.atMost(f.Goal.AtMost)
		default:
			f.atLeast(f.Goal.AtLeast)
		}
	}
}
