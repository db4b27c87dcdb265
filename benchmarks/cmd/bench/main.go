// Command bench measures Broadside against its peers and writes the results as text
// and JSON. Scenarios may be named; without a name all are run.
//
//	go run ./benchmarks/cmd/bench [flags] [scenario …]
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"broadside/benchmarks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 3 && args[0] == "child" {
		return benchmarks.Child(ctx, args[1], args[2], os.Stdin, os.Stdout)
	}
	opt := benchmarks.Defaults()
	opt.Log = os.Stdout
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: bench [flags] [%s]\n", strings.Join(benchmarks.Scenarios(), " | "))
		flags.PrintDefaults()
	}
	flags.IntVar(&opt.Recipients, "recipients", opt.Recipients, "recipients of each run")
	flags.IntVar(&opt.Rounds, "rounds", opt.Rounds, "rounds of each comparison")
	flags.IntVar(&opt.Connections, "connections", opt.Connections, "connections to the sink")
	flags.IntVar(&opt.PerConnection, "per-connection", opt.PerConnection, "messages over each connection with a simulated round trip")
	flags.IntVar(&opt.Rows, "rows", opt.Rows, "rows of each import")
	flags.IntVar(&opt.Jobs, "jobs", opt.Jobs, "jobs that the planner feeds")
	flags.IntVar(&opt.Large, "large", opt.Large, "recipients of the large run")
	flags.DurationVar(&opt.LargeFor, "large-for", opt.LargeFor, "the large run is cancelled after it")
	flags.StringVar(&opt.Dir, "dir", "", "directory for temporary data (default: the system's)")
	flags.StringVar(&opt.Profiles, "profiles", "", "directory to write profiles of the engine to")
	out := flags.String("out", "benchmarks/results", "directory to write NAME.txt and NAME.json to; empty: none")
	name := flags.String("name", "", "name of the results (default: latest, or the scenarios that are named)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *name == "" {
		*name = cmp.Or(strings.Join(flags.Args(), "-"), "latest")
	}
	if *out != "" {
		if _, err := os.Stat(*out); err != nil {
			return fmt.Errorf("no place for the results: %w; run in the repository's root, or name a directory with -out", err)
		}
	}
	report, err := benchmarks.Run(ctx, opt, flags.Args()...)
	if err != nil || *out == "" {
		return err
	}
	return write(report, filepath.Join(*out, *name))
}

func write(r *benchmarks.Report, path string) error {
	var text, data bytes.Buffer
	if err := errors.Join(r.Text(&text), r.JSON(&data)); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(path+".txt", text.Bytes(), 0o644),
		os.WriteFile(path+".json", data.Bytes(), 0o644))
}
