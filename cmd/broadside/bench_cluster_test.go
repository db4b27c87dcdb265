package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/benchmarks"
	"broadside/delivery/smtptest"
)

// Bench starts a run in a cluster whose roles are processes of their own, and reports what
// its senders say they did.
func TestBenchOfACluster(t *testing.T) {
	const recipients = 300
	far := smtptest.Provider{
		Name: "far", Domains: []string{"far.example"}, MX: []string{"mx.far.example"},
		Behaviour: smtptest.Behaviour{Latency: 20 * time.Millisecond},
	}
	near := smtptest.Provider{Name: "near", Domains: []string{"near.example"}, MX: []string{"mx.near.example"}}
	c := newClusterOf(t, []smtptest.Provider{far, near}, "BROADSIDE_NATS="+startNATS(t), "BROADSIDE_QUEUE_TAIL_LANES=4")
	c.keygen()
	c.write("mine.toml", "title = \"a small cluster\"\nrecipients = 300\nduration = \"3m\"\n[letter]\nbytes = 4000\nfields = 3\n")
	bench := []string{"bench", filepath.Join(c.dir, "mine.toml"), "--senders", "external", "--from", "Bench <bench@" + testDomain + ">", "--domains", "far.example,near.example", "--json"}
	if out, err := c.try(bench...); err == nil || !strings.Contains(out, "no sender answers") {
		t.Fatalf("without senders: %v\n%s", err, out)
	}
	c.serve("--roles", "plan,record")
	for _, name := range []string{"east", "west"} {
		c.env = append(c.env, "BROADSIDE_NAME="+name)
		c.serve("--roles", "send")
	}
	var out string
	eventually(t, "no sender answers", 3*time.Minute, func() bool {
		var err error
		out, err = c.try(bench...)
		return err == nil && strings.Contains(out, `"west"`) && strings.Contains(out, `"east"`)
	})
	var report benchmarks.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	r := report.Results[0]
	figures := map[string]float64{}
	for _, f := range r.Figures {
		figures[f.Name] = f.Value
	}
	if figures["planned"] != recipients || figures["accepted"] != recipients || figures["cluster"] <= 0 || figures["senders: processor time"] <= 0 || figures["east"]+figures["west"] <= 0 {
		t.Errorf("the figures are %v", figures)
	}
	sites := map[string]int64{}
	for _, s := range r.Detail.Sites {
		sites[s.Name] = s.Messages
	}
	if far, near := sites["mx.far.example"], sites["mx.near.example"]; far == 0 || far > recipients/2 || near == 0 || near > recipients/2 {
		t.Errorf("the sites have %v", sites)
	}
	for _, l := range r.Detail.Latencies {
		if l.Stage == "SMTP" && l.P99 < 15 {
			t.Errorf("SMTP took %v ms, the far provider answers after 20", l.P99)
		}
	}
	if !strings.HasPrefix(r.Detail.Bottleneck, "The bottleneck is") {
		t.Errorf("the bottleneck: %q", r.Detail.Bottleneck)
	}
}

// A load test in a cluster is for domains that cannot be anybody's, and for scenarios that
// leave to the cluster what is the cluster's.
func TestBenchOfAClusterRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a real domain":    {[]string{"million", "--from", "a@b.example", "--domains", "gmail.com"}, "could be somebody's"},
		"no domain":        {[]string{"million", "--from", "a@b.example"}, "--domains"},
		"no sender":        {[]string{"million", "--domains", "a.example"}, "--from"},
		"no address":       {[]string{"million", "--from", "nobody", "--domains", "a.example"}, "--from"},
		"a local scenario": {[]string{"trips", "--from", "a@b.example", "--domains", "a.example"}, "on this machine"},
		"its own sites":    {[]string{"mix", "--from", "a@b.example", "--domains", "a.example"}, "leave site"},
	} {
		cmd := exec.Command("broadside", append([]string{"bench", "--senders", "external", "--nats", "nats://127.0.0.1:1", "--db", filepath.Join(t.TempDir(), "x.db")}, c.args...)...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v, %s; want %q", name, err, out, c.want)
		}
	}
}

// try is run for commands that may fail.
func (c *cluster) try(args ...string) (string, error) {
	c.t.Helper()
	cmd := exec.Command("broadside", args...)
	cmd.Env, cmd.Dir = c.env, c.dir
	out, err := cmd.Output()
	if failed, ok := err.(*exec.ExitError); ok {
		out = append(out, failed.Stderr...)
	}
	return string(out), err
}
