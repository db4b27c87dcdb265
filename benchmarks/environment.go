package benchmarks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"text/tabwriter"

	"broadside/dkim"
)

// Environment is what the figures depend on.
type Environment struct {
	Commit     string            `json:"commit"`
	CPU        string            `json:"cpu"`
	Cores      int               `json:"cores"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	Kernel     string            `json:"kernel"`
	Go         string            `json:"go"`
	GC         string            `json:"gc"`     // "GOGC 100, no memory limit"
	Signer     string            `json:"signer"` // what computes RSA signatures here
	Load       string            `json:"load"`   // at the start, over 1, 5 and 15 minutes
	Versions   map[string]string `json:"versions"`
}

// versions are of the libraries that the figures depend on.
var versions = []string{
	"github.com/nats-io/nats-server/v2", "modernc.org/sqlite", "github.com/jackc/pgx/v5",
	"github.com/wneessen/go-mail", "github.com/emersion/go-msgauth",
}

func environment(ctx context.Context, key *dkim.Key) (Environment, error) {
	signer, err := dkim.NewSigner(key)
	if err != nil {
		return Environment{}, err
	}
	e := Environment{
		Commit: commit(ctx), CPU: cpuModel(), Cores: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		Kernel: firstLine("/proc/sys/kernel/osrelease"), Go: runtime.Version(), GC: garbageCollection(), Signer: signer.Backend(),
		Versions: map[string]string{},
	}
	if fields := strings.Fields(firstLine("/proc/loadavg")); len(fields) > 2 {
		e.Load = strings.Join(fields[:3], " ")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, v := range versions {
				if m.Path == v {
					e.Versions[v] = m.Version
				}
			}
		}
	}
	if out, err := exec.CommandContext(ctx, "postgres", "--version").Output(); err == nil {
		e.Versions["postgres"] = strings.TrimSpace(string(out))
	}
	return e, nil
}

// commit is what is being measured, "+" when files differ from it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=12", "--dirty=+").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// machine is the processor time of all processors since the start, in ticks.
type machine struct{ idle, all float64 }

// readMachine reads the first line of /proc/stat (proc(5)); zero where there is none.
func readMachine() (m machine) {
	for i, field := range strings.Fields(firstLine("/proc/stat")) {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil || i > 8 { // the name; guests, which are counted before
			continue
		}
		m.all += n
		if i == 4 || i == 5 { // idle, and waiting for the disk
			m.idle += n
		}
	}
	return m
}

// busySince is the part of the time since before that was used, 0 to 1.
func (m machine) busySince(before machine) float64 {
	if m.all <= before.all {
		return 0
	}
	return 1 - (m.idle-before.idle)/(m.all-before.all)
}

// garbageCollection is how it is set.
func garbageCollection() string {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	if limit := s[1].Value.Uint64(); limit < math.MaxInt64 {
		return fmt.Sprintf("GOGC %d, memory limit %d MB", s[0].Value.Uint64(), limit/1e6)
	}
	return fmt.Sprintf("GOGC %d, no memory limit", s[0].Value.Uint64())
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func (e *Environment) text(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "commit\t%s\n", e.Commit)
	fmt.Fprintf(tab, "processor\t%s, %d cores, GOMAXPROCS %d\n", e.CPU, e.Cores, e.GOMAXPROCS)
	fmt.Fprintf(tab, "system\t%s, %s, %s, load %s\n", e.Kernel, e.Go, e.GC, e.Load)
	fmt.Fprintf(tab, "RSA signer\t%s\n", e.Signer)
	for _, v := range versions {
		fmt.Fprintf(tab, "%s\t%s\n", v, e.Versions[v])
	}
	if v := e.Versions["postgres"]; v != "" {
		fmt.Fprintf(tab, "postgres\t%s\n", v)
	}
	return tab.Flush()
}
