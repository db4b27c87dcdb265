package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"broadside/delivery/meter"
	"broadside/delivery/smtptest"
)

// sinkJob is how the sink behaves; as it is, it takes everything at once and offers
// PIPELINING and CHUNKING.
type sinkJob struct {
	Latency                  time.Duration // simulated round trip
	NoChunking, NoPipelining bool
	TLS                      bool       // STARTTLS is offered
	Sites                    []sinkSite // several providers, each at an address that the sink's DNS names
}

// sinkSite is a provider of its own, which takes the mail of some of the letter's domains.
type sinkSite struct {
	Name    string
	From    int // the number of its first domain
	Domains int // how many
	Latency time.Duration

	// What it refuses, see place.
	NoChunking, NoPipelining                     bool
	Rate                                         float64
	MaxConnections                               int
	Greylist                                     time.Duration
	UnknownUser, MailboxFull, Busy, DropAfterDot float64
}

func (s *sinkSite) domains() []string {
	names := make([]string, s.Domains)
	for i := range names {
		names[i] = mailDomain(s.From + i)
	}
	return names
}

// providers are the job's: its sites, or one that takes everything.
func (j *sinkJob) providers() []smtptest.Provider {
	behaviour := smtptest.Behaviour{
		Latency: j.Latency, NoChunking: j.NoChunking, NoPipelining: j.NoPipelining, StartTLS: j.TLS,
	}
	if len(j.Sites) == 0 {
		return []smtptest.Provider{{Name: "sink", Domains: []string{"*"}, MX: []string{sinkHost}, Behaviour: behaviour}}
	}
	all := make([]smtptest.Provider, len(j.Sites))
	for i, site := range j.Sites {
		all[i] = smtptest.Provider{
			Name: site.Name, Domains: site.domains(), MX: []string{"mx." + site.Name + ".example"}, Behaviour: site.behaviour(behaviour),
		}
	}
	return all
}

// behaviour is a site's, based on the sink's.
func (s *sinkSite) behaviour(b smtptest.Behaviour) smtptest.Behaviour {
	b.Latency = s.Latency
	b.NoChunking, b.NoPipelining = b.NoChunking || s.NoChunking, b.NoPipelining || s.NoPipelining
	b.Rate, b.MaxConnections, b.Greylist = s.Rate, s.MaxConnections, s.Greylist
	b.UnknownUser, b.MailboxFull, b.Close421, b.DropAfterDot = s.UnknownUser, s.MailboxFull, s.Busy, s.DropAfterDot
	return b
}

// sinkReport is what the sink has seen and used so far.
type sinkReport struct {
	Addr        string                    `json:"addr"`
	Messages    int64                     `json:"messages"`
	Connections int64                     `json:"connections"`
	RoundTrips  int64                     `json:"round_trips"`
	Bytes       int64                     `json:"bytes"`
	Unsigned    int64                     `json:"unsigned"` // of every fiftieth message
	Duplicates  int64                     `json:"duplicates"`
	CPU         time.Duration             `json:"cpu"`
	First       time.Time                 `json:"first"` // when the first message was accepted
	Last        time.Time                 `json:"last"`
	Late        float64                   `json:"late"` // messages per second from half of them to nine tenths
	DNS         string                    `json:"dns"`
	Course      Course                    `json:"course"`
	Sites       map[string]smtptest.Tally `json:"sites"`
}

// serveSink runs one provider that takes everything, and reports once at the start
// and then for each line that it reads.
func serveSink(ctx context.Context, job sinkJob, in io.Reader, out *json.Encoder) error {
	cfg := smtptest.Config{Providers: job.providers(), Verify: signed, VerifyEvery: 50}
	if len(job.Sites) > 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		cfg.Addr = "127.1.0.0/16:" + port
	}
	sim, err := smtptest.Start(cfg)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for more := true; more && ctx.Err() == nil; more = lines.Scan() {
		r := newSinkReport(sim, cfg.Providers[0].Name)
		if err := out.Encode(r); err != nil {
			return errors.Join(err, sim.Close())
		}
	}
	return errors.Join(lines.Err(), sim.Close())
}

// signed tells whether a message has a signature at all.
func signed(msg []byte) error {
	head, _, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	if !bytes.Contains(head, []byte("DKIM-Signature:")) {
		return errors.New("no signature")
	}
	return nil
}

func newSinkReport(sim *smtptest.Internet, first string) sinkReport {
	t := sim.Ledger().Totals()
	r := sinkReport{
		Addr: sim.Addr(first).String(), DNS: sim.DNSAddr(), Messages: t.Messages, Connections: t.Connections,
		RoundTrips: t.RoundTrips, Bytes: t.Bytes, Duplicates: t.Duplicates, Unsigned: t.Failed, CPU: meter.CPUTime(), Sites: t.Providers,
	}
	var arrivals []time.Time
	for _, receipt := range sim.Ledger().Accepted() {
		arrivals = append(arrivals, receipt.First)
	}
	if len(arrivals) == 0 {
		return r
	}
	slices.SortFunc(arrivals, time.Time.Compare)
	n := len(arrivals)
	r.First, r.Last = arrivals[0], arrivals[n-1]
	r.Late = perSecond(9*n/10-n/2, max(arrivals[9*n/10].Sub(arrivals[n/2]), time.Millisecond))
	r.Course = newCourse(arrivals, r.First, r.Last)
	return r
}

// sinkHost is the sink's name as a mail exchanger.
const sinkHost = "mx.sink.example"

// sink is a sink process, and its report from before anything came.
type sink struct {
	sinkReport
	child *child
}

// now asks what it has seen so far.
func (s *sink) now() (r sinkReport, err error) {
	if _, err = io.WriteString(s.child.in, "report\n"); err == nil {
		err = s.child.read(&r)
	}
	r.CPU -= s.CPU
	return r, err
}

// withSink starts a sink, lets work use it, and returns what it saw.
func withSink(ctx context.Context, job sinkJob, work func(*sink) error) (after sinkReport, err error) {
	c, err := startChild(ctx, roleSink, job)
	if err != nil {
		return after, err
	}
	s := &sink{child: c}
	err = c.read(&s.sinkReport)
	if err == nil {
		err = work(s)
	}
	if err == nil {
		after, err = s.now()
	}
	return after, errors.Join(err, c.end())
}
