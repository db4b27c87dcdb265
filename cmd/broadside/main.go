// Command broadside sends newsletters to millions of people from software you own:
// one binary on a laptop, the same binary as a cluster. This package is wiring:
// configuration, the roles of a process, and the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is the release; `make` sets it.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program: exit status 0 done, 1 failed, 2 wrong use.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	a := &app{in: stdin, out: stdout, err: stderr}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(stderr, "broadside:", oneLine(err))
	}
	var usage usageError
	if errors.As(err, &usage) || !a.started {
		return 2
	}
	return 1
}

// errSilent fails a command that has said everything itself.
var errSilent = errors.New("failed")

// usageError is wrong use of a command, not a failure of what it does.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "broadside",
		Short:         "A bulk newsletter engine: campaigns, queue, senders and a ledger that balances",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		// Whatever fails before this point is wrong use: flags, arguments, names.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateRequiredFlags(); err != nil {
				return err
			}
			a.started = true
			return a.configure(cmd)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "configuration file (TOML); every key is also an environment variable BROADSIDE_…")
	flags.StringVar(&a.flagData, "data", "", "data directory (default ./broadside-data)")
	flags.StringVar(&a.flagDB, "db", "", "database: a file, or postgres://…  (default: SQLite in the data directory)")
	flags.BoolVar(&a.json, "json", false, "print one JSON object instead of text")
	root.AddCommand(
		demoCommand(a), serveCommand(a), listCommand(a), segmentCommand(a), campaignCommand(a),
		benchCommand(a), explainCommand(a), dkimCommand(a), suppressCommand(a), contactCommand(a), retentionCommand(a), sitesCommand(a), webhookCommand(a), keysCommand(a), userCommand(a), sinkCommand(a), tlsReportCommand(a),
	)
	return root
}
