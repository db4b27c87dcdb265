package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// The test binary is also the children's: see startChild.
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "bench" && os.Args[2] == "child" {
		if err := Child(context.Background(), os.Args[3], os.Args[4], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Every scenario runs at a small size: the figures mean nothing, but they are all there.
func TestScenarios(t *testing.T) {
	opt := Options{
		Recipients: 200, Rounds: 1, Connections: 4, PerConnection: 8, Senders: 2, Offered: 200, Messages: 20, MessageRate: 20, Rows: 500, Jobs: 500,
		Large: 2000, LargeFor: time.Second, Dir: t.TempDir(), Log: t.Output(),
	}
	report, err := Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range Scenarios() {
		r := report.Results[i]
		if r.Scenario != name || r.Setting == "" || len(r.Figures) == 0 {
			t.Errorf("scenario %d is %q, %q with %d figures; want %q", i, r.Scenario, r.Setting, len(r.Figures), name)
		}
		for _, f := range r.Figures {
			// At this size a difference may be anything.
			difference := name == "viewers" || strings.HasPrefix(f.Name, "what TLS costs")
			if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) || f.Value < 0 && !difference {
				t.Errorf("%s: %s is %v", name, f.Name, f.Value)
			}
		}
	}
	left, err := os.ReadDir(opt.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the temporary directory still has %v, %v", left, err)
	}
	var text, data bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&data); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{report.Environment.CPU, report.Environment.Signer, "rate, engine/loop", "goal ≥ 1", "The bottleneck is", "processor time by stage", "latency by stage"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, text.String())
		}
	}
	var again Report
	if err := json.Unmarshal(data.Bytes(), &again); err != nil || len(again.Results) != len(report.Results) {
		t.Errorf("the JSON reads as %d results, %v", len(again.Results), err)
	}
}

func TestUnknownScenario(t *testing.T) {
	_, err := Run(t.Context(), Options{}, "nothing")
	if err == nil || !strings.Contains(err.Error(), "import-sqlite") {
		t.Errorf("got %v, want an error that names the scenarios", err)
	}
}

// A run is compared with the loops before and after it.
func TestRatios(t *testing.T) {
	loops := []sent{{rate: 10}, {rate: 20}, {rate: 40}}
	runs := []ran{{sent: sent{rate: 40}}, {sent: sent{rate: 80}}}
	got := ratios(loops, runs, func(run, loop sent) float64 { return run.rate / loop.rate })
	if len(got) != 2 || got[0] != 3 || got[1] != 3 {
		t.Errorf("got %v, want [3 3]", got)
	}
}

func TestFigures(t *testing.T) {
	var r Result
	r.add("rate", "messages/s", 3, 1, 2).atLeast(2)
	r.add("memory", "MB", 401).atMost(400)
	r.add("ratio", "×", 1, 2)
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 messages/s", "goal ≥ 2: met", "rounds 3 1 2", "401 MB", "goal ≤ 400: NOT MET", "1.50 ×"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, text.String())
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.01234: "0.0123", 1.2345: "1.23", 12.345: "12.3", 123.45: "123", 100_000: "100000", 2: "2"} {
		if got := digits(v); got != want {
			t.Errorf("digits(%v) = %q, want %q", v, got, want)
		}
	}
}
