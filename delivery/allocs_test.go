//go:build !race

package delivery

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
	"broadside/delivery/queue"
	"broadside/delivery/smtp"
	"broadside/dkim"
)

// maxAllocs is what a message may allocate between the queue's delivery and the hand-over
// of its outcome, both left out: rendered, signed, sent over an open session, classified.
// A change that raises it says in its commit why that is worth it.
const maxAllocs = 36

// Allocations are a promise, so they are a test. Not under the race detector, where a
// sync.Pool forgets on purpose.
func TestAllocationsOfAMessage(t *testing.T) {
	keys, err := dkim.OpenKeyring(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := dkim.Generate("example.org", "s1", dkim.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Add(key); err != nil {
		t.Fatal(err)
	}
	s := &Sender{Config: Config{
		Store: oneRun{}, Keys: keys, Log: slog.New(slog.DiscardHandler),
		Identity: Identity{PublicURL: "https://example.org", Tokens: token.NewMaker(make([]byte, 32))},
	}}
	s.contents = newContents(s.Config)
	s.outcomes = newOutcomes(nil, s.Log)
	c := &connection{path: &path{Sender: s, site: &site{sender: s}}}
	c.session = sessionWithWhomTakesAll(t)
	it := routed{item: &item{Delivery: queue.Delivery{Job: campaign.Job{
		Recipient: campaign.Recipient{Run: 1, Lane: 1, Contact: 123_456}, Attempt: 1,
		Email: "ann.reader@mail.example", Attributes: []byte(`{"name":"Ann","city":"Ulm","score":7}`),
	}}, taken: time.Now()}}

	allocs := testing.AllocsPerRun(200, func() {
		p := s.prepare(t.Context(), it)
		host := hostLine(c.session.Host())
		r := c.session.Send(t.Context(), p.envelope, p.wire())
		c.record(p, classify(c.site.provider, r), r, host)
		p.release()
		if done := <-s.outcomes.in; done.event.State != campaign.Accepted || done.event.Code != 250 {
			t.Fatalf("the outcome is %+v", done.event)
		}
	})
	t.Logf("%.0f allocations", allocs)
	if allocs > maxAllocs {
		t.Errorf("%.0f allocations a message, want at most %d", allocs, maxAllocs)
	}
}

// oneRun is a store with a single run.
type oneRun struct{ SendStore }

func (oneRun) RunByID(_ context.Context, id campaign.RunID) (campaign.Run, error) {
	spec := campaign.Spec{Lists: []string{"readers"}, Source: message.Source{
		From: "Example <news@example.org>", Subject: "{{name}}, the news",
		HTML: "<html><body><p>Hello {{name}} of {{city}}</p>" + strings.Repeat("<p>What is new at Example.</p>\n", 400) + "</body></html>",
	}}
	return campaign.Run{ID: id, Spec: spec, State: campaign.RunRunning}, nil
}

func (oneRun) MostTracking(context.Context, []string) (campaign.Tracking, error) {
	return campaign.TrackOff, nil
}

// sessionWithWhomTakesAll is open to a server that accepts everything and allocates
// nothing for it.
func sessionWithWhomTakesAll(t *testing.T) *smtp.Session {
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		takeAll(theirs)
	}()
	cfg := &smtp.Config{Hello: "out.example.org", TLS: smtp.NoTLS, Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
	s, r := smtp.Open(t.Context(), smtp.Host{Name: "mx.mail.example", Addr: netip.MustParseAddrPort("192.0.2.1:25")}, cfg)
	if !r.OK() {
		t.Fatal(r)
	}
	t.Cleanup(func() {
		s.Close()
		theirs.Close()
		<-served
	})
	return s
}

func takeAll(conn net.Conn) {
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	io.WriteString(conn, "220 mx.mail.example\r\n")
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		reply := "250 2.1.0 fine\r\n"
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			reply = "250-mx.mail.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
		case bytes.HasPrefix(line, []byte("BDAT")):
			n := 0
			for _, digit := range bytes.TrimSuffix(line[5:], []byte(" LAST\r\n")) {
				n = 10*n + int(digit-'0')
			}
			if _, err := in.Discard(n); err != nil {
				return
			}
			reply = "250 2.0.0 taken as 0123456789\r\n"
		}
		out.WriteString(reply)
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}
