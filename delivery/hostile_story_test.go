package delivery_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/smtp"
	"broadside/delivery/smtptest"
)

// X4, T10: a list with the worst of the internet on it. Everybody else gets their mail
// as if nothing was; each hostile server's people end in a state that names what it did,
// and nobody is called refused, or has two copies, because of it.
func TestHostileServersHurtOnlyThemselves(t *testing.T) {
	hostile := func(name string, r smtptest.Reply) smtptest.Provider {
		return shop(name, smtptest.Behaviour{Replies: []smtptest.Reply{r}})
	}
	simulation := netip.MustParsePrefix("127.1.0.0/16")
	never := delivery.RetryPolicy{First: 2 * time.Minute, Most: 2 * time.Minute}
	w := newWorld(t, setting{retry: never, tune: func(cfg *delivery.Config) {
		cfg.SMTP.Timeouts = smtp.Timeouts{Greeting: time.Second, Hello: time.Second, MailRcpt: time.Second, Data: time.Second, Final: time.Second}
		cfg.SMTP.AllowAddr = func(a netip.Addr) bool { return simulation.Contains(a) || mx.Public(a) }
		simulated := cfg.SMTP.Dial
		cfg.SMTP.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if !strings.HasPrefix(address, "127.") {
				t.Errorf("dialled %s", address)
			}
			return simulated(ctx, network, address)
		}
	}},
		shop("alive", smtptest.Behaviour{}), shop("cut", smtptest.Behaviour{}),
		hostile("endless", smtptest.Reply{Stage: smtptest.AtConnect, Raw: "220-welcome\r\n", Endless: true}),
		hostile("huge", smtptest.Reply{Stage: smtptest.AtEHLO, Raw: "250-" + strings.Repeat("x", 1<<20) + "\r\n"}),
		hostile("drip", smtptest.Reply{Stage: smtptest.AtEHLO, Raw: "250-slow\r\n", Endless: true, Drip: 100 * time.Millisecond}),
		hostile("mixed", smtptest.Reply{Stage: smtptest.AtEHLO, Raw: "250-hello\r\n550 no\r\n"}),
		hostile("chatter", smtptest.Reply{Stage: smtptest.AtBody, Raw: "250-fine\r\n", Endless: true}),
	)
	dns, err := mx.NewDNS([]string{w.sim.DNSAddr()}, 300*time.Millisecond)
	w.ok(err)
	w.config.Router = mx.New(mx.Config{Resolver: dns})
	w.sim.SetRecords("cut.example", smtptest.Records{MX: []net.MX{{Host: "mx.cut.example.", Pref: 10}}, Truncate: true})
	w.sim.SetRecords("loop.example", smtptest.Records{CNAME: "loop2.example"})
	w.sim.SetRecords("loop2.example", smtptest.Records{CNAME: "loop.example"})
	w.sim.SetRecords("mute.example", smtptest.Records{Fault: smtptest.Silence})
	w.sim.SetRecords("inside.example", smtptest.Records{MX: []net.MX{{Host: "mx.inside.example.", Pref: 10}}})
	w.sim.SetRecords("mx.inside.example", smtptest.Records{A: []netip.Addr{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("::1"), netip.MustParseAddr("::ffff:10.0.0.1"),
	}})
	w.people(200, "alive.example")
	names := map[string]struct {
		state  campaign.State
		reason campaign.Reason
		reply  string
	}{
		"cut":     {campaign.Accepted, 0, ""}, // truncated by UDP: asked again by TCP
		"endless": {campaign.Bounced, campaign.GivenUp, "more than 100 lines"},
		"huge":    {campaign.Bounced, campaign.GivenUp, "more than 4096 bytes"},
		"drip":    {campaign.Bounced, campaign.GivenUp, "timed out"},
		"mixed":   {campaign.Bounced, campaign.GivenUp, "codes 250 and 550"},
		"chatter": {campaign.Unknown, campaign.PossiblyAccepted, "more than 100 lines"},
		"loop":    {campaign.Bounced, campaign.GivenUp, "DNS could not answer"},
		"mute":    {campaign.Bounced, campaign.GivenUp, "DNS could not answer"},
		"inside":  {campaign.Bounced, campaign.HostUnreachable, "must not be connected to"},
	}
	for name := range names {
		w.people(1, name+".example")
	}
	run := w.launch(func(s *campaign.Spec) { s.GiveUp, s.OnUnknown = campaign.Duration(time.Minute), campaign.Hold })
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 200 })
	if c := w.counts(run); c.Bounced+c.Unknown == int64(len(names)-1) {
		t.Error("the others had to wait until the hostile were given up")
	}
	expect(t, w.finish(run), campaign.Counts{Planned: 209, Accepted: 201, Bounced: 7, Unknown: 1})
	for name, want := range names {
		for _, row := range w.rows(run, want.state) {
			if !strings.HasSuffix(row.Email, "@"+name+".example") {
				continue
			}
			said := ""
			if h := w.history(row.Email); len(h) > 0 {
				said = h[len(h)-1].Reply
			}
			if row.Reason != want.reason || !strings.Contains(said, want.reply) {
				t.Errorf("%s: %s, %s, %q; want %s, %q", row.Email, row.State, row.Reason, said, want.reason, want.reply)
			}
		}
		if n := w.saw(name).Connections; n > 20 {
			t.Errorf("%s saw %d connections for one person", name, n)
		}
	}
}
