package smtptest

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAcceptsInOneRoundTrip(t *testing.T) {
	i := one(t, Behaviour{})
	c := hello(t, i)
	c.send(mail("Ann@P.example", "<1@x>"))
	c.want("250 2.1.0", "250 2.1.5", "250 2.0.0")
	c.send(mail("ann@p.example", "<1@x>"))
	c.want("250", "250", "250")
	c.quit()
	got := i.Ledger().Totals()
	if got.Accepted != 2 || got.Duplicates != 1 || got.Messages != 2 || got.Transactions != 2 || got.Connections != 1 {
		t.Errorf("totals: %+v", got.Tally)
	}
	if want := int64(5); got.RoundTrips != want { // greeting, EHLO, two messages, QUIT
		t.Errorf("%d round trips, want %d", got.RoundTrips, want)
	}
	if n := i.Ledger().Copies("ANN@p.example", "<1@x>"); n != 2 {
		t.Errorf("%d copies, want 2", n)
	}
	if v := i.Ledger().Violations(); len(v) != 0 {
		t.Errorf("violations: %v", v)
	}
}

func TestEHLOOffers(t *testing.T) {
	all := []string{"PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 36700160", "ENHANCEDSTATUSCODES"}
	tests := []struct {
		name    string
		b       Behaviour
		without string
		with    string
	}{
		{"everything", Behaviour{}, "STARTTLS", "PIPELINING"},
		{"no pipelining", Behaviour{NoPipelining: true}, "PIPELINING", "CHUNKING"},
		{"no chunking", Behaviour{NoChunking: true}, "CHUNKING", "PIPELINING"},
		{"no 8bit", Behaviour{No8BITMIME: true}, "8BITMIME", "SMTPUTF8"},
		{"no utf8", Behaviour{NoSMTPUTF8: true}, "SMTPUTF8", "8BITMIME"},
		{"no size", Behaviour{NoSize: true}, "SIZE 36700160", "DSN"},
		{"no dsn", Behaviour{NoDSN: true}, "DSN", "CHUNKING"},
		{"tls", Behaviour{StartTLS: true}, "LIMITS", "STARTTLS"},
		{"more", Behaviour{Extensions: []string{"LIMITS MAILMAX=3"}}, "STARTTLS", "LIMITS MAILMAX=3"}, // S25
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dial(t, one(t, test.b))
			c.want("220")
			c.send("EHLO c.example\r\n")
			lines := strings.Split(c.reply(), "\n")
			has := make(map[string]bool)
			for i, l := range lines {
				keyword, ok := strings.CutPrefix(l, map[bool]string{true: "250 ", false: "250-"}[i == len(lines)-1])
				if !ok {
					t.Errorf("line %q has the wrong mark", l)
				}
				has[keyword] = true
			}
			if has[test.without] || !has[test.with] {
				t.Errorf("offered %q", lines)
			}
			for _, keyword := range all {
				if keyword != test.without && !has[keyword] {
					t.Errorf("%s is missing from %q", keyword, lines)
				}
			}
			c.quit()
		})
	}
}

// The messages of a pipelining client wait once each, those of a lockstep client
// once per command.
func TestLatencyIsPerRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{Latency: 100 * time.Millisecond})
		begin := time.Now()
		elapsed := func(want time.Duration) {
			t.Helper()
			if got := time.Since(begin); got != want {
				t.Errorf("took %v, want exactly %v", got, want)
			}
			begin = time.Now()
		}
		c := hello(t, i)
		elapsed(200 * time.Millisecond)
		c.send(mail("a@p.example", "<1@x>"))
		c.want("250", "250", "250")
		elapsed(100 * time.Millisecond)

		msg := message("<2@x>")
		for _, command := range []string{"MAIL FROM:<b@sender.example>\r\n", "RCPT TO:<a@p.example>\r\n", "DATA\r\n", msg + ".\r\n"} {
			c.send(command)
			c.reply()
		}
		elapsed(400 * time.Millisecond)

		// Commands that leave 10 ms apart without waiting are one round trip, and
		// their replies are 10 ms apart too.
		trips := i.Ledger().Totals().RoundTrips
		c.send("MAIL FROM:<b@sender.example>\r\n")
		time.Sleep(10 * time.Millisecond)
		c.send("RCPT TO:<a@p.example>\r\n")
		c.want("250")
		elapsed(100 * time.Millisecond)
		c.want("250")
		elapsed(10 * time.Millisecond)
		if got := i.Ledger().Totals().RoundTrips - trips; got != 1 {
			t.Errorf("%d round trips, want 1", got)
		}
		c.quit()
	})
}

func TestRateCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ts = "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred"
		i := one(t, Behaviour{Rate: 2, Burst: 3, RateReply: ts})
		c := hello(t, i)
		for n := range 3 {
			c.send(mail("a@p.example", fmt.Sprintf("<%d@x>", n)))
			c.want("250", "250", "250")
		}
		c.send("MAIL FROM:<b@sender.example>\r\n")
		c.want("421 4.7.0 [TSS04] Messages from 127.0.0.1 temporarily deferred")
		c.wantEOF()
		time.Sleep(499 * time.Millisecond)
		c = hello(t, i)
		c.send("MAIL FROM:<b@sender.example>\r\n")
		c.want("421")
		c.wantEOF()
		time.Sleep(time.Millisecond)
		c = hello(t, i)
		c.send(mail("a@p.example", "<9@x>"))
		c.want("250", "250", "250")
		c.quit()
		got := i.Ledger().Totals()
		if got.Rejected[421] != 2 || got.PeakPerSecond != 6 || got.Accepted != 4 {
			t.Errorf("totals: %+v", got.Tally)
		}
	})
}

func TestConnectionCap(t *testing.T) {
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent=%v", silent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := one(t, Behaviour{MaxConnections: 2, SilentClose: silent})
				a, b := hello(t, i), hello(t, i)
				c := dial(t, i)
				if !silent {
					c.want("421 4.7.0 Too many connections from 127.0.0.1")
				}
				c.wantEOF()
				a.quit()
				synctest.Wait()
				hello(t, i).quit()
				b.quit()
				if got := i.Ledger().Totals(); got.Connections != 4 || got.PeakConnections != 3 {
					t.Errorf("totals: %+v", got.Tally)
				}
			})
		})
	}
}

// S27: at the cap on messages some servers say 421, others just close.
func TestMessagesPerConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{MessagesPerConnection: 2})
		two := func() *client {
			c := hello(t, i)
			for range 2 {
				c.send(mail("a@p.example", "<1@x>"))
				c.want("250", "250", "250")
			}
			return c
		}
		c := two()
		c.send("MAIL FROM:<b@sender.example>\r\n")
		c.want("421 4.7.0")
		c.wantEOF()
		if err := i.Set("p", Behaviour{MessagesPerConnection: 2, SilentClose: true}); err != nil {
			t.Fatal(err)
		}
		two().wantEOF()
	})
}

func TestGreylisting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{Greylist: time.Minute})
		c := hello(t, i)
		try := func(to, want string) {
			t.Helper()
			c.sendf("MAIL FROM:<b@sender.example>\r\nRCPT TO:<%s>\r\nRSET\r\n", to)
			c.want("250", want, "250")
		}
		try("a@p.example", "451 4.7.1 Greylisted")
		time.Sleep(time.Minute - time.Nanosecond)
		try("A@p.example", "451 4.7.1")
		try("b@p.example", "451 4.7.1")
		time.Sleep(time.Nanosecond)
		try("a@p.example", "250")
		try("b@p.example", "451 4.7.1")
		c.quit()
	})
}

func TestUnknownAndFullAreAlwaysTheSamePeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Behaviour{UnknownUser: 0.1, MailboxFull: 0.05, MailboxFullFor: time.Hour, MaxRecipients: 10_000, Idle: 2 * time.Hour}
		ask := func(c *client) map[string]int {
			c.send("MAIL FROM:<b@sender.example>\r\n")
			c.want("250")
			counts := make(map[string]int)
			for n := range 4000 {
				c.sendf("RCPT TO:<user%d@p.example>\r\n", n)
				counts[c.reply()[:9]]++
			}
			c.send("RSET\r\n")
			c.want("250")
			return counts
		}
		i := one(t, b)
		c := hello(t, i)
		first, again := ask(c), ask(c)
		if n := first["550 5.1.1"]; n < 320 || n > 480 {
			t.Errorf("%d of 4000 unknown, want about 400", n)
		}
		if n := first["452 4.2.2"]; n < 140 || n > 260 {
			t.Errorf("%d of 4000 full, want about 200", n)
		}
		if fmt.Sprint(first) != fmt.Sprint(again) {
			t.Errorf("first %v, then %v", first, again)
		}
		time.Sleep(time.Hour)
		later := ask(c)
		if later["452 4.2.2"] != 0 || later["550 5.1.1"] != first["550 5.1.1"] {
			t.Errorf("an hour later: %v", later)
		}
		c.quit()
	})
}

// S14: a scripted reply at every stage, with every way to go on.
func TestScriptedReplies(t *testing.T) {
	dialogue := []struct {
		stage Stage
		send  string
	}{
		{AtConnect, ""},
		{AtHELO, "HELO c.example\r\n"},
		{AtEHLO, "EHLO c.example\r\n"},
		{AtMail, "MAIL FROM:<b@sender.example>\r\n"},
		{AtRcpt, "RCPT TO:<a@p.example>\r\n"},
		{AtChunk, "BDAT 0\r\n"},
		{AtRset, "RSET\r\n"},
		{AtNoop, "NOOP\r\n"},
		{AtMail, "MAIL FROM:<b@sender.example>\r\n"},
		{AtRcpt, "RCPT TO:<a@p.example>\r\n"},
		{AtData, "DATA\r\n"},
		{AtBody, message("<1@x>") + ".\r\n"},
		{AtQuit, "QUIT\r\n"},
	}
	for _, stage := range stages {
		if stage == AtStartTLS {
			continue // TestTLS
		}
		for _, code := range []int{250, 451, 550, 421, 0} {
			t.Run(fmt.Sprintf("%s %d", stage, code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					i := one(t, Behaviour{Replies: []Reply{{Stage: stage, Code: code, Text: "as scripted", Close: code == 0}}})
					c := dial(t, i)
					for _, step := range dialogue {
						if step.send != "" {
							c.send(step.send)
						}
						if step.stage != stage {
							c.reply()
							continue
						}
						if code == 0 {
							c.wantEOF()
							return
						}
						c.want(fmt.Sprintf("%d as scripted", code))
						if code == 421 {
							c.wantEOF() // S13
						}
						return
					}
				})
			})
		}
	}
}

func TestScriptConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{Replies: []Reply{
			{Stage: AtRcpt, Recipient: "bob@p.example", Times: 2, Code: 450, Text: "4.2.1 Bob is busy"},
			{Stage: AtRcpt, Recipient: "eve@p.example", Delay: 7 * time.Second},
			{Stage: AtNoop, Raw: "250-a\r\n251 b\r\n"},
			{Stage: AtRset, Probability: 1e-12, Code: 550, Text: "never"},
		}})
		c := hello(t, i)
		c.send("MAIL FROM:<b@sender.example>\r\n")
		c.want("250")
		for _, step := range []struct{ to, want string }{
			{"bob@p.example", "450 4.2.1"}, {"ann@p.example", "250"}, {"BOB@p.example", "450 4.2.1"}, {"bob@p.example", "250"},
		} {
			c.sendf("RCPT TO:<%s>\r\n", step.to)
			c.want(step.want)
		}
		begin := time.Now()
		c.send("RCPT TO:<eve@p.example>\r\n")
		c.want("250")
		if took := time.Since(begin); took != 7*time.Second { // S1
			t.Errorf("answered after %v, want 7s", took)
		}
		c.send("NOOP\r\n")
		if got := c.reply(); got != "250-a\n251 b" { // S3
			t.Errorf("raw reply came as %q", got)
		}
		c.send("RSET\r\n")
		c.want("250")
		c.quit()
	})
}

// S17: the message is there, and the client does not know.
func TestDropAfterDot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{DropAfterDot: 1})
		c := hello(t, i)
		c.send(mail("a@p.example", "<1@x>"))
		c.want("250", "250")
		c.wantEOF()
		got := i.Ledger().Totals()
		if i.Ledger().Copies("a@p.example", "<1@x>") != 1 || got.Dropped != 1 || got.Accepted != 1 {
			t.Errorf("totals: %+v", got.Tally)
		}
	})
}

func TestClose421TarpitAndIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{Tarpit: 3 * time.Second, Idle: time.Minute})
		begin := time.Now()
		c := hello(t, i)
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("EHLO took %v in the tarpit, want 3s", took)
		}
		c.want("421 4.4.2") // S13, while idle
		c.wantEOF()
		if took := time.Since(begin); took != 63*time.Second {
			t.Errorf("closed after %v, want 1m3s", took)
		}
		if err := i.Set("p", Behaviour{Close421: 1}); err != nil {
			t.Fatal(err)
		}
		c = dial(t, i)
		c.want("220")
		c.send("EHLO c.example\r\n")
		c.want("421 4.3.2")
		c.wantEOF()
	})
}

func TestDownAndUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := start(t, Config{Memory: true, Providers: []Provider{{
			Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example", "20 mx2.p.example"},
		}}})
		c := hello(t, i)
		refused := func(address string) {
			t.Helper()
			if conn, err := i.DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dial %s: %v, %v, want refused", address, conn, err)
			}
		}
		if err := i.Set("p", Behaviour{Down: true}); err != nil {
			t.Fatal(err)
		}
		c.wantEOF()
		refused("mx.p.example:25")
		refused("mx2.p.example:25")
		if err := i.Set("p", Behaviour{DownHosts: []string{"mx2.p.example"}}); err != nil {
			t.Fatal(err)
		}
		hello(t, i).quit()
		refused("mx2.p.example:25")
		if _, err := i.DialContext(t.Context(), "tcp", "8.8.8.8:25"); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("dial 8.8.8.8: %v, want unreachable", err)
		}
	})
}

func TestSizeAndRecipientLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{MaxSize: 100, MaxRecipients: 2})
		c := hello(t, i)
		c.send("MAIL FROM:<b@sender.example> SIZE=101\r\n")
		c.want("552 5.3.4") // S18
		c.send("MAIL FROM:<b@sender.example>\r\n")
		c.want("250")
		for _, want := range []string{"250", "250", "452 4.5.3"} { // S15
			c.send("RCPT TO:<a@p.example>\r\n")
			c.want(want)
		}
		c.send("DATA\r\n")
		c.want("354")
		c.send(strings.Repeat("0123456789012345678901234567890123456\r\n", 5000) + ".\r\n")
		c.want("552 5.3.4")
		c.sendf("MAIL FROM:<b@sender.example>\r\nRCPT TO:<a@p.example>\r\nBDAT 60\r\n%sBDAT 60 LAST\r\n%s", strings.Repeat("x", 60), strings.Repeat("y", 60))
		c.want("250", "250", "250", "552 5.3.4")
		c.quit()
		if n := i.Ledger().Totals().Accepted; n != 0 {
			t.Errorf("%d accepted", n)
		}
	})
}

func TestWrongConfigurations(t *testing.T) {
	host := func(p Provider) Provider {
		p.Domains, p.MX = []string{p.Name + ".example"}, []string{"mx." + p.Name + ".example"}
		return p
	}
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"reply", Config{Providers: []Provider{host(Provider{Name: "a", Behaviour: Behaviour{RateReply: "too fast"}})}}, `"too fast"`},
		{"script", Config{Providers: []Provider{host(Provider{Name: "a", Behaviour: Behaviour{Replies: []Reply{{Stage: AtMail, Code: 99}}}})}}, "099"},
		{"stage", Config{Providers: []Provider{host(Provider{Name: "a", Behaviour: Behaviour{Replies: []Reply{{Stage: "later"}}}})}}, `"later"`},
		{"name twice", Config{Providers: []Provider{host(Provider{Name: "a"}), host(Provider{Name: "a"})}}, "two providers"},
		{"domain twice", Config{Providers: []Provider{host(Provider{Name: "a"}), {Name: "b", Domains: []string{"a.example"}}}}, "a.example"},
		{"host twice", Config{Providers: []Provider{host(Provider{Name: "a"}), {Name: "b", MX: []string{"mx.a.example"}}}}, "mx.a.example"},
		{"mx", Config{Providers: []Provider{{Name: "b", MX: []string{"x mx.a.example"}}}}, "preference"},
		{"address", Config{Addr: "localhost"}, `"localhost"`},
		{"network", Config{Addr: "127.1.0.0/16:0"}, "127.1.0.0/16:0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i, err := Start(test.cfg)
			if err == nil {
				i.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// X4: a hostile server goes on until its client has had enough.
func TestHostileReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := one(t, Behaviour{Idle: time.Minute, Replies: []Reply{
			{Stage: AtNoop, Raw: "250-more\r\n", Endless: true},
			{Stage: AtRset, Raw: "250 slow\r\n", Drip: 3 * time.Second},
		}})
		c := hello(t, i)
		begin := time.Now()
		c.send("RSET\r\n")
		c.want("250 slow")
		if took := time.Since(begin); took != 9*3*time.Second { // the last byte comes after nine pauses
			t.Errorf("ten bytes took %v", took)
		}
		c.send("NOOP\r\n")
		for range 10_000 {
			if line, err := c.in.ReadString('\n'); err != nil || line != "250-more\r\n" {
				t.Fatalf("got %q, %v", line, err)
			}
		}
		c.conn.Close() // and the simulator's own closing waits for its session to end
	})
}
