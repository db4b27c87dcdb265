package benchmarks

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"broadside/dkim"
)

// Options are the sizes of the scenarios.
type Options struct {
	Recipients    int           // of each run of the engine
	Rounds        int           // of each comparison: peer and ours by turns
	Connections   int           // to the sink
	PerConnection int           // messages over each in the scenarios with a simulated round trip
	Senders       int           // at most, where senders are added
	Offered       float64       // messages per second where latency is measured
	Messages      int           // to one person each
	MessageRate   float64       // of them per second
	Rows          int           // of each import
	Jobs          int           // that the planner feeds
	Large         int           // recipients of the large run
	LargeFor      time.Duration // after what time it is cancelled
	Dir           string        // for temporary data; "" is the system's
	Cache         string        // directory where peers are installed, and found the next time
	Profiles      string        // directory for profiles of the engine's last run; "": none
	Cluster       *Cluster      // that runs scenarios that are data, instead of this machine; nil: none
	Log           io.Writer     // is told each result as it comes
}

// Defaults are the sizes of the committed results: ten minutes on two cores.
func Defaults() Options {
	return Options{
		Recipients: 100_000, Rounds: 2, Connections: 20, PerConnection: 60, Senders: 8, Offered: 1000,
		Messages: 250, MessageRate: 5,
		Rows: 200_000, Jobs: 300_000, Large: 1_000_000, LargeFor: 25 * time.Second,
		Log: io.Discard,
	}
}

// scenario measures one thing.
type scenario struct {
	name string
	run  func(context.Context, *bench) (Result, error)
}

var scenarios = []scenario{
	{"parts", measureParts},
	{"run", measureRun},
	{"stages", measureStages},
	{"latency", measureLatency},
	{"transactional", measureTransactional},
	{"unsigned", measureUnsigned},
	{"wire", measureWire},
	{"trips", measureTrips},
	{"scale", measureScale},
	{"tls", measureTLS},
	{"planner", measurePlanner},
	{"growth", measureGrowth},
	{"tracking", measureTracking},
	{"viewers", measureViewers},
	{"import-sqlite", measureSQLite},
	{"import-postgres", measurePostgres},
	{"memory", measureMemory},
}

// peerScenarios install other programs first, and so are run by name only.
var peerScenarios = []scenario{
	{"peers", measurePeers},
	{"peers-far", measurePeersFar},
}

// Scenarios are what Run runs when none is named, in order.
func Scenarios() []string { return namesOf(scenarios) }

// PeerScenarios are run by name only.
func PeerScenarios() []string { return namesOf(peerScenarios) }

func namesOf(of []scenario) []string {
	names := make([]string, len(of))
	for i, s := range of {
		names[i] = s.name
	}
	return names
}

// bench is a run of the benchmarks.
type bench struct {
	Options
	key *dkim.Key
}

// Run runs the named scenarios, all but those with peers when there are none, and tells Options.Log each
// result as it comes. What was measured before an error is in the report.
func Run(ctx context.Context, opt Options, names ...string) (*Report, error) {
	key, err := dkim.Generate(letterDomain, "bench", dkim.RSA2048)
	if err != nil {
		return nil, err
	}
	b := &bench{Options: opt, key: key}
	if len(names) == 0 {
		names = Scenarios()
	}
	r := &Report{At: time.Now()}
	if r.Environment, err = environment(ctx, key); err != nil {
		return nil, err
	}
	chosen, err := findAll(names)
	if err != nil {
		return r, err
	}
	if err := forCluster(opt.Cluster, names); err != nil {
		return r, err
	}
	for _, s := range chosen {
		result, err := s.run(ctx, b)
		if err != nil {
			return r, fmt.Errorf("scenario %s: %w", s.name, err)
		}
		result.Scenario = s.name
		r.Results = append(r.Results, result)
		if err := result.Text(opt.Log); err != nil {
			return r, err
		}
	}
	r.Seconds = time.Since(r.At).Seconds()
	return r, nil
}

// Check says whether all names are of scenarios, and their files are as they should be.
func Check(names ...string) error {
	_, err := findAll(names)
	return err
}

func findAll(names []string) ([]scenario, error) {
	all := make([]scenario, len(names))
	for i, name := range names {
		var err error
		if all[i], err = find(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// forCluster says which of the scenarios need a machine of their own.
func forCluster(c *Cluster, names []string) error {
	if c == nil {
		return nil
	}
	for _, name := range names {
		if slices.Contains(Scenarios(), name) || slices.Contains(PeerScenarios(), name) {
			return fmt.Errorf("%s measures parts on this machine; a cluster runs what a file describes: %s, or one of your own", name, strings.Join(FileScenarios(), ", "))
		}
	}
	return c.Check()
}

// find finds a scenario by its name, or reads it from a file.
func find(name string) (scenario, error) {
	for _, s := range slices.Concat(scenarios, peerScenarios) {
		if s.name == name {
			return s, nil
		}
	}
	if !strings.HasSuffix(name, ".toml") && !slices.Contains(FileScenarios(), name) {
		return scenario{}, fmt.Errorf("no scenario is called %q: there are %s, and files that end in .toml",
			name, strings.Join(slices.Concat(Scenarios(), PeerScenarios(), FileScenarios()), ", "))
	}
	s, err := readScenario(name)
	if err != nil {
		return scenario{}, err
	}
	return scenario{name, func(ctx context.Context, b *bench) (Result, error) {
		if b.Cluster != nil {
			return b.playOn(ctx, b.Cluster, s)
		}
		return b.play(ctx, s)
	}}, nil
}

// inDir gives work a temporary directory.
func (b *bench) inDir(work func(dir string) error) error {
	dir, err := os.MkdirTemp(b.Dir, "broadside-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return work(dir)
}

// perMicro is a duration per thing, in microseconds.
func perMicro[N int | int64](d time.Duration, n N) float64 {
	return float64(d.Nanoseconds()) / 1e3 / float64(n)
}

func perSecond[N int | int64](n N, d time.Duration) float64 { return float64(n) / d.Seconds() }
