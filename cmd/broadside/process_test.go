package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery/smtptest"
	"broadside/store"
)

// cluster is what the tests of whole processes share: a simulated internet on loopback
// with its own DNS, a data directory, and the environment that points at both.
type cluster struct {
	t   *testing.T
	sim *smtptest.Internet
	dir string
	env []string
	db  *store.DB
}

const testDomain = "news.example.org"

// newCluster starts an internet; the providers' troubles are those of the demo, but no
// reply is withheld after the final dot, so that every second copy is our doing, and
// nobody says what is answered with hours of silence.
func newCluster(t *testing.T, n int, env ...string) *cluster {
	providers := smtptest.Default(n)
	for i := range providers {
		providers[i].Behaviour.DropAfterDot = 0
		providers[i].Behaviour.RateReply = "451 4.3.2 Please send more slowly" // no hours of waiting
	}
	return newClusterOf(t, providers, env...)
}

func newClusterOf(t *testing.T, providers []smtptest.Provider, env ...string) *cluster {
	return newClusterIn(t, smtptest.Config{Providers: providers, Keep: 1}, env...)
}

// newClusterIn starts an internet as it is described, on loopback.
func newClusterIn(t *testing.T, internet smtptest.Config, env ...string) *cluster {
	internet.Addr = fmt.Sprintf("127.77.0.0/16:%d", freePort(t))
	sim, err := smtptest.Start(internet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &cluster{t: t, sim: sim, dir: t.TempDir()}
	_, port, err := net.SplitHostPort(sim.Addr(internet.Providers[0].Name).String())
	if err != nil {
		t.Fatal(err)
	}
	c.env = append(os.Environ(),
		"BROADSIDE_DATA="+filepath.Join(c.dir, "data"),
		"BROADSIDE_HELLO=mta1."+testDomain,
		"BROADSIDE_SMTP_DNS="+sim.DNSAddr(),
		"BROADSIDE_SMTP_PORT="+port,
		"BROADSIDE_SMTP_ALLOW_NETWORKS=127.0.0.0/8",
		"BROADSIDE_SMTP_RATE=5000",
		"BROADSIDE_SMTP_CONNECTIONS=10",
		"BROADSIDE_RETRY_FIRST=3s",
		"BROADSIDE_RETRY_MOST=6s",
		"BROADSIDE_QUEUE_ACK_WAIT=4s",
		"BROADSIDE_LISTEN=127.0.0.1:0",
		"BROADSIDE_BOUNCE_LISTEN=127.0.0.1:0",
		"BROADSIDE_LOG_LEVEL=warn",
		"BROADSIDE_PUBLIC_URL=https://"+testDomain,
	)
	c.env = append(c.env, env...)
	return c
}

// run runs a command to its end, and fails the test if that fails.
func (c *cluster) run(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("broadside", args...)
	cmd.Env, cmd.Dir = c.env, c.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("broadside %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// prepare writes a list of n rows and makes a campaign for it.
func (c *cluster) prepare(n int) {
	c.t.Helper()
	c.writeList("list.csv", n, smtptest.Default(n))
	c.create()
}

// create imports the list and makes a campaign for it.
func (c *cluster) create() {
	c.t.Helper()
	c.write("letter.md", "# Hello {{ name | default: \"you\" }}\n\nNews.\n")
	c.keygen()
	c.run("list", "import", "list.csv", "--list", "people")
	c.campaign("news", "--subject", "News", "--markdown", "letter.md", "--no-brake")
}

// campaign makes a campaign for the list; what is particular to it is in args.
func (c *cluster) campaign(name string, args ...string) {
	c.t.Helper()
	c.run(append([]string{"campaign", "create", name, "--from", "News <news@" + testDomain + ">", "--list", "people",
		"--postal-address", "1 Harbour Street, Portsmouth"}, args...)...)
}

// write writes a file that commands find by its name.
func (c *cluster) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// writeList writes a file of n people of some providers.
func (c *cluster) writeList(name string, n int, providers []smtptest.Provider) {
	c.t.Helper()
	var list bytes.Buffer
	if _, err := smtptest.WriteList(&list, n, providers, 7); err != nil {
		c.t.Fatal(err)
	}
	c.write(name, list.String())
}

// keygen makes a key for the test's domain and publishes it.
func (c *cluster) keygen() {
	c.t.Helper()
	var made struct {
		Keys []struct{ Name, TXT string }
	}
	if err := json.Unmarshal([]byte(c.run("dkim", "keygen", testDomain, "--json")), &made); err != nil {
		c.t.Fatal(err)
	}
	c.sim.SetRecords(made.Keys[0].Name, smtptest.Records{TXT: []string{made.Keys[0].TXT}})
}

// process is a child that serves.
type process struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

// serve starts a process; it ends with the test, if not before. A test that fails shows
// what it said.
func (c *cluster) serve(args ...string) *process {
	c.t.Helper()
	p := &process{cmd: exec.Command("broadside", append([]string{"serve"}, args...)...), log: &bytes.Buffer{}}
	p.cmd.Env, p.cmd.Dir = c.env, c.dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		p.kill()
		if c.t.Failed() {
			c.t.Logf("%s\n%s", strings.Join(p.cmd.Args, " "), p.log)
		}
	})
	return p
}

// kill is SIGKILL, and waiting for the process to be gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// openOwn opens the database that is in the data directory.
func (c *cluster) openOwn() {
	c.t.Helper()
	c.open(filepath.Join(c.dir, "data", "broadside.db"))
}

// open opens the database beside the processes.
func (c *cluster) open(url string) {
	c.t.Helper()
	db, err := store.Open(c.t.Context(), url, store.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.db = db
	c.t.Cleanup(func() { _ = db.Close() })
}

// eventually polls until ok, and gives up after a time that only a fault exceeds.
func eventually(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// latest is a run as it is stored now.
func (c *cluster) latest(id campaign.RunID) campaign.Run {
	c.t.Helper()
	run, err := c.db.RunByID(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return run
}

// finished waits until a run is over.
func (c *cluster) finished(id campaign.RunID) campaign.Run {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("run %d is not over", id), 5*time.Minute, func() bool {
		return c.latest(id).State == campaign.RunFinished
	})
	return c.latest(id)
}

// recipients are those of a run that are in a state, page by page.
func (c *cluster) recipients(id campaign.RunID, s campaign.State) iter.Seq[campaign.RecipientRow] {
	const page = 5000
	return func(yield func(campaign.RecipientRow) bool) {
		for after := (campaign.Recipient{}); ; {
			rows, err := c.db.Recipients(c.t.Context(), id, s, after, page)
			if err != nil {
				c.t.Fatal(err)
			}
			for _, r := range rows {
				after = r.Recipient
				if !yield(r) {
					return
				}
			}
			if len(rows) < page {
				return
			}
		}
	}
}

// verdict is what comparing both ledgers gives.
type verdict struct {
	counts     campaign.Counts
	lost       int      // accepted by our ledger, never received
	twice      int      // received more than once
	uncounted  []string // received more than once, and our ledger does not say so
	unexpected int      // received, though our ledger says it was not sent
}

// compare holds the ledger's rows against what the simulator received.
func (c *cluster) compare() verdict {
	c.t.Helper()
	ctx := c.t.Context()
	secret, err := c.db.Secret(ctx, "tokens")
	if err != nil {
		c.t.Fatal(err)
	}
	tokens, received := token.NewMaker(secret), c.sim.Ledger()
	var v verdict
	for s := campaign.Waiting; s <= campaign.Cancelled; s++ {
		for r := range c.recipients(1, s) {
			id := "<" + string(tokens.Append(nil, token.MessageID, int64(r.Run), int64(r.Contact))) + "@" + testDomain + ">"
			v.add(r.Row, received.Copies(r.Email, id))
		}
	}
	if v.counts, err = c.db.Counts(ctx, 1); err != nil {
		c.t.Fatal(err)
	}
	recount, err := c.db.Recount(ctx, 1)
	if err != nil || recount != v.counts || !v.counts.Balanced() {
		c.t.Errorf("the counts are %+v, the rows say %+v (%v)", v.counts, recount, err)
	}
	return v
}

func (v *verdict) add(r campaign.Row, copies int) {
	switch {
	case r.State == campaign.Accepted && copies == 0:
		v.lost++
	case copies > 1:
		v.twice++
		if !r.Resent && r.State != campaign.Unknown {
			v.uncounted = append(v.uncounted, fmt.Sprintf("%+v: %d copies", r, copies))
		}
	case copies == 1 && r.State != campaign.Accepted && r.State != campaign.Unknown:
		v.unexpected++
	}
}
