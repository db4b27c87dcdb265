package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"broadside/benchmarks"
)

// benchFlags are what bench was asked for beyond the scenarios' sizes.
type benchFlags struct {
	out, name, compare, against string
	senders                     string // a number, or "external"
	nats, from                  string
	domains                     []string
}

func benchCommand(a *app) *cobra.Command {
	opt := benchmarks.Defaults()
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [scenario | FILE.toml …]",
		Short: "What this machine can do: load tests, their report, and a comparison with an older one",
		Long: `Runs load tests in processes of their own, on loopback and in a temporary directory,
and writes a report as text, JSON and a single HTML page. Without a name it runs:

  ` + strings.Join(benchmarks.Scenarios(), " ") + `

and only by name, because they install other programs first:

  ` + strings.Join(benchmarks.PeerScenarios(), " ") + `

or are runs that are described by a file, of which yours may be another (FILE.toml, see
benchmarks/README.md):

  ` + strings.Join(benchmarks.FileScenarios(), " ") + `

Figures are compared with --compare FILE.json, or, with both programs taking turns,
with --against PROGRAM: another build of broadside. Four rounds each are the least for
an interval of 95 % confidence.`,
		Args: func(_ *cobra.Command, args []string) error {
			if err := benchmarks.Check(args...); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if opt.Cluster, opt.Senders, err = a.benchSenders(f); err != nil {
				return err
			}
			return a.bench(cmd, opt, f, args)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&opt.Recipients, "recipients", opt.Recipients, "recipients of each run")
	flags.IntVar(&opt.Rounds, "rounds", opt.Rounds, "rounds of each comparison")
	flags.IntVar(&opt.Connections, "connections", opt.Connections, "connections to the sink")
	flags.IntVar(&opt.PerConnection, "per-connection", opt.PerConnection, "messages over each connection with a simulated round trip")
	flags.StringVar(&f.senders, "senders", strconv.Itoa(opt.Senders), "senders, at most, where they are added; or \"external\": those of the cluster that --nats and --db name send")
	flags.StringVar(&f.nats, "nats", "", "with external senders: the cluster's NATS server (default: the configured one)")
	flags.StringVar(&f.from, "from", "", "with external senders: the letter's sender, whom the cluster signs for")
	flags.StringSliceVar(&f.domains, "domains", nil, "with external senders: the readers' domains, which lead to a sink; under .example, .test, .invalid or .localhost")
	flags.Float64Var(&opt.Offered, "offered", opt.Offered, "messages per second where latency is measured")
	flags.IntVar(&opt.Messages, "messages", opt.Messages, "messages that are asked of the API one by one")
	flags.Float64Var(&opt.MessageRate, "message-rate", opt.MessageRate, "of them per second")
	flags.IntVar(&opt.Rows, "rows", opt.Rows, "rows of each import")
	flags.IntVar(&opt.Jobs, "jobs", opt.Jobs, "jobs that the planner feeds")
	flags.IntVar(&opt.Large, "large", opt.Large, "recipients of the large run")
	flags.DurationVar(&opt.LargeFor, "large-for", opt.LargeFor, "the large run is cancelled after it")
	flags.StringVar(&opt.Dir, "dir", "", "directory for temporary data (default: the system's)")
	flags.StringVar(&opt.Profiles, "profiles", "", "directory to write profiles of the engine to")
	flags.StringVar(&opt.Cache, "cache", "", "directory where peers are installed (default: the user's cache)")
	flags.StringVar(&f.out, "out", "", "directory to write NAME.txt, NAME.json and NAME.html to (default: none is written)")
	flags.StringVar(&f.name, "name", "", "name of the results (default: latest, or the scenarios that are named)")
	flags.StringVar(&f.compare, "compare", "", "an older report (JSON) to compare with")
	flags.StringVar(&f.against, "against", "", "another broadside program to take turns with, and to compare with")
	cmd.MarkFlagsMutuallyExclusive("compare", "against")
	cmd.AddCommand(benchChildCommand(a))
	return cmd
}

// benchChildCommand is what bench starts its processes with.
func benchChildCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "child ROLE JOB", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return benchmarks.Child(cmd.Context(), args[0], args[1], a.in, a.out)
		},
	}
}

// benchSenders reads --senders: how many, or the cluster whose own they are.
func (a *app) benchSenders(f benchFlags) (*benchmarks.Cluster, int, error) {
	if f.senders == "external" {
		a.cfg.finish()
		c := &benchmarks.Cluster{NATS: cmp.Or(f.nats, a.cfg.NATS), DB: a.cfg.DB, From: f.from, Domains: f.domains, Version: version}
		if err := c.Check(); err != nil {
			return nil, 0, usageError{err}
		}
		return c, 0, nil
	}
	n, err := strconv.Atoi(f.senders)
	if err != nil || n < 1 {
		return nil, 0, usagef("--senders %q: a number from 1, or \"external\"", f.senders)
	}
	return nil, n, nil
}

func (a *app) bench(cmd *cobra.Command, opt benchmarks.Options, f benchFlags, scenarios []string) error {
	var old *benchmarks.Report
	if f.out != "" {
		if _, err := os.Stat(f.out); err != nil {
			return usagef("no place for the results: %v", err)
		}
	}
	if f.compare != "" {
		var err error
		if old, err = benchmarks.ReadFile(f.compare); err != nil {
			return usageError{err}
		}
	}
	if opt.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("give a directory for peers with --cache: %w", err)
		}
		opt.Cache = filepath.Join(cache, "broadside-bench")
	}
	opt.Log = a.out
	if a.json {
		opt.Log = io.Discard
	}
	run := func() (*benchmarks.Report, error) { return benchmarks.Run(cmd.Context(), opt, scenarios...) }
	if f.against != "" {
		run = func() (*benchmarks.Report, error) {
			return benchmarks.RunAgainst(cmd.Context(), opt, f.against, scenarios...)
		}
	}
	report, err := run()
	if err != nil {
		return err
	}
	if old != nil {
		report.Compare(old, f.compare)
	}
	return errors.Join(a.showBench(report), writeBench(report, f, scenarios))
}

// showBench prints what was not printed while it was measured.
func (a *app) showBench(r *benchmarks.Report) error {
	if a.json {
		return a.printJSON(r)
	}
	return r.Comparison.Text(a.out)
}

func writeBench(r *benchmarks.Report, f benchFlags, scenarios []string) error {
	if f.out == "" {
		return nil
	}
	names := make([]string, len(scenarios))
	for i, scenario := range scenarios {
		names[i] = strings.TrimSuffix(filepath.Base(scenario), ".toml")
	}
	name := cmp.Or(f.name, strings.Join(names, "-"), "latest")
	return r.WriteFiles(filepath.Join(f.out, name))
}
