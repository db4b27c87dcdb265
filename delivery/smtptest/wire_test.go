package smtptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/smtp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// S4, S5: what arrives is what was sent, wherever the dots stand and however the
// bytes are cut into writes.
func TestDataUnstuffing(t *testing.T) {
	bodies := []string{
		"", ".", "..", ".x", "a\r\n.", "a\r\n..b\r\n.\r\nc", ".\r\n.\r\n.", "\r\n", "x\r\n\r\n.y\r\n\r\n",
		"\n.\n", "\r.\r", "\n.\r\n", "a\n.\r\nb", strings.Repeat(".x\r\n", 3000),
	}
	for n, body := range bodies {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			msg := "Message-ID: <1@x>\r\n\r\n" + body + "\r\n"
			stuffed := strings.ReplaceAll(msg, "\r\n.", "\r\n..")
			wire := "MAIL FROM:<b@sender.example>\r\nRCPT TO:<a@p.example>\r\nDATA\r\n"
			synctest.Test(t, func(t *testing.T) {
				i := start(t, Config{Memory: true, Keep: 1, Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}}}})
				c := hello(t, i)
				c.send(wire)
				c.want("250", "250", "354")
				rng := rand.New(rand.NewPCG(uint64(n), 2))
				for rest := stuffed + ".\r\n"; rest != ""; {
					cut := min(len(rest), 1+rng.IntN(7))
					if len(rest) > 1000 {
						cut = 997
					}
					c.send(rest[:cut])
					rest = rest[cut:]
					if len(stuffed) < 1000 {
						synctest.Wait()
					}
				}
				c.want("250")
				c.quit()
				if got := i.Ledger().Messages(); len(got) != 1 || string(got[0].Data) != msg {
					t.Errorf("sent %q, got %+v", msg, got)
				}
			})
		})
	}
}

// S20: chunks of any size make one message; its octets are not touched.
func TestChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := start(t, Config{Memory: true, Keep: 10, Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}}}})
		c := hello(t, i)
		msg := message("<1@x>") + strings.Repeat("..\r\n.\r\n", 20_000)
		c.send("MAIL FROM:<b@sender.example> RET=HDRS\r\nRCPT TO:<a@p.example>\r\nRCPT TO:<B@p.example>\r\n")
		c.want("250", "250", "250")
		for rest := msg; rest != ""; {
			n := min(len(rest), 33_333)
			c.sendf("BDAT %d\r\n%s", n, rest[:n])
			c.want("250 2.0.0 ")
			rest = rest[n:]
		}
		c.send("BDAT 0 LAST\r\n")
		c.want("250 2.0.0 OK")
		c.quit()
		got := i.Ledger().Messages()
		if len(got) != 1 || string(got[0].Data) != msg {
			t.Fatalf("%d messages, or not the octets that were sent", len(got))
		}
		if !slices.Equal(got[0].To, []string{"a@p.example", "B@p.example"}) || got[0].From != "b@sender.example" || got[0].Parameters != "RET=HDRS" {
			t.Errorf("envelope %+v", got[0])
		}
		if v := i.Ledger().Violations(); len(v) != 0 {
			t.Errorf("violations: %v", v)
		}
	})
}

func TestTLS(t *testing.T) {
	for _, socket := range []bool{false, true} {
		t.Run(fmt.Sprintf("socket=%v", socket), func(t *testing.T) {
			i := start(t, Config{Memory: !socket, Keep: 1, Providers: []Provider{{
				Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"},
				Behaviour: Behaviour{StartTLS: true, RequireTLS: true, Latency: time.Millisecond},
			}}})
			c := hello(t, i)
			c.send("MAIL FROM:<b@sender.example>\r\n")
			c.want("530 5.7.0")
			c.send("STARTTLS\r\n")
			c.want("220")
			secure := tls.Client(c.conn, &tls.Config{RootCAs: i.CertPool(), ServerName: "mx.p.example"})
			if err := secure.Handshake(); err != nil {
				t.Fatal(err)
			}
			c.conn = secure
			c.in.Reset(secure)
			c.send("MAIL FROM:<b@sender.example>\r\n") // T1: EHLO again
			c.want("503")
			c.send("EHLO client.example\r\n")
			if got := c.reply(); strings.Contains(got, "STARTTLS") {
				t.Errorf("STARTTLS offered under TLS: %q", got)
			}
			c.send(mail("a@p.example", "<1@x>"))
			c.want("250", "250", "250")
			c.quit()
			if got := i.Ledger().Messages(); len(got) != 1 || !got[0].TLS {
				t.Errorf("messages: %+v", got)
			}
		})
	}
}

func TestImplicitTLS(t *testing.T) {
	i := one(t, Behaviour{ImplicitTLS: true})
	c := dial(t, i)
	c.conn = tls.Client(c.conn, &tls.Config{RootCAs: i.CertPool(), ServerName: "mx.p.example"})
	c.in.Reset(c.conn)
	c.want("220")
	c.quit()
}

func TestWitness(t *testing.T) {
	ehlo := "EHLO c.example\r\n"
	envelope := "MAIL FROM:<b@sender.example>\r\nRCPT TO:<a@p.example>\r\n"
	data := func(msg string) string { return envelope + fmt.Sprintf("BDAT %d LAST\r\n%s", len(msg), msg) }
	tests := []struct {
		want  Breach
		b     Behaviour
		sends []string // each after the replies to the one before
	}{
		{"", Behaviour{}, []string{ehlo, data(message("<1@x>")), envelope + "RSET\r\n", "QUIT\r\n"}},
		{BareLF, Behaviour{}, []string{ehlo, data(message("<1@x>") + "a\nb\r\n"), "QUIT\r\n"}}, // S5
		{BareCR, Behaviour{}, []string{ehlo, data(message("<1@x>") + "a\rb\r\n"), "QUIT\r\n"}},
		{LongLine, Behaviour{}, []string{ehlo, data(message("<1@x>") + strings.Repeat("x", 999) + "\r\n"), "QUIT\r\n"}}, // S6
		{"", Behaviour{}, []string{ehlo, data(message("<1@x>") + strings.Repeat("x", 998) + "\r\n"), "QUIT\r\n"}},
		{UnfinishedMessage, Behaviour{}, []string{ehlo, data(message("<1@x>") + "end"), "QUIT\r\n"}},
		{NoMessageID, Behaviour{}, []string{ehlo, data("Subject: x\r\n\r\nMessage-ID: <1@x>\r\n"), "QUIT\r\n"}}, // M2
		{NoMessageID, Behaviour{}, []string{ehlo, data("Message-ID: <1@x>\r\n" + message("<1@x>")), "QUIT\r\n"}},
		{EightBit, Behaviour{}, []string{ehlo, data(message("<1@x>") + "schön\r\n"), "QUIT\r\n"}}, // S21
		{BadCommandLine, Behaviour{}, []string{"EHLO c.example\n", "QUIT\r\n"}},
		{LongCommand, Behaviour{}, []string{"EHLO " + strings.Repeat("x", 600) + "\r\n", "QUIT\r\n"}},
		{LongPath, Behaviour{}, []string{ehlo, "MAIL FROM:<" + strings.Repeat("x", 65) + "@sender.example>\r\n", "QUIT\r\n"}},
		{NotPipelining, Behaviour{NoPipelining: true}, []string{ehlo, envelope, "QUIT\r\n"}}, // S19
		{NotPipelining, Behaviour{}, []string{ehlo, envelope + "DATA\r\n" + message("<1@x>") + ".\r\n", "QUIT\r\n"}},
		{NotChunking, Behaviour{NoChunking: true}, []string{ehlo, data(message("<1@x>"))}},
		{MixedDataBdat, Behaviour{}, []string{ehlo, envelope + "BDAT 2\r\nx\n", "DATA\r\n", "QUIT\r\n"}},
		{ParameterNotOffered, Behaviour{No8BITMIME: true}, []string{ehlo, "MAIL FROM:<b@sender.example> BODY=8BITMIME\r\n", "QUIT\r\n"}},
		{ParameterNotOffered, Behaviour{NoDSN: true}, []string{ehlo, "MAIL FROM:<b@sender.example>\r\nRCPT TO:<a@p.example> NOTIFY=NEVER\r\n", "QUIT\r\n"}}, // S22
		{BadSequence, Behaviour{}, []string{"MAIL FROM:<b@sender.example>\r\n", "QUIT\r\n"}},                                                                // S2
		{BadSequence, Behaviour{}, []string{ehlo, envelope + "MAIL FROM:<b@sender.example>\r\n", "QUIT\r\n"}},
		{BadSyntax, Behaviour{}, []string{ehlo, "MAIL FROM: <b@sender.example>\r\n", "QUIT\r\n"}},
		{UnknownCommand, Behaviour{}, []string{ehlo, "XYZZY\r\n", "QUIT\r\n"}},
		{WrongSize, Behaviour{}, []string{ehlo, strings.Replace(data(message("<1@x>")), ">\r\n", "> SIZE=10\r\n", 1), "QUIT\r\n"}},
		{PlaintextBeforeTLS, Behaviour{StartTLS: true}, []string{ehlo, "STARTTLS\r\nMAIL FROM:<b@sender.example>\r\n"}}, // T2
		{NoQuit, Behaviour{}, []string{ehlo}},
		{MailAfter421, Behaviour{Replies: []Reply{{Stage: AtRset, Code: 421, Text: "bye"}}}, []string{ehlo, "RSET\r\n", "MAIL FROM:<b@sender.example>\r\n"}}, // S13
	}
	for _, test := range tests {
		t.Run(string(test.want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := one(t, test.b)
				c := dial(t, i)
				for _, s := range test.sends {
					synctest.Wait()
					c.send(s)
				}
				synctest.Wait()
				c.conn.Close()
				synctest.Wait()
				got := i.Ledger().Violations()
				if test.want == "" && len(got) == 0 {
					return
				}
				if len(got) == 0 || !slices.ContainsFunc(got, func(v Violation) bool { return v.Breach == test.want && v.Count == 1 && len(v.Examples) == 1 }) {
					t.Errorf("got %v, want one %q", got, test.want)
				}
			})
		})
	}
}

// The standard library's client is a foreign one: it gets through every extension
// and does nothing that the witness minds.
func TestForeignClient(t *testing.T) {
	for _, b := range []Behaviour{{}, {StartTLS: true}, {NoChunking: true, NoPipelining: true, No8BITMIME: true, NoSMTPUTF8: true}} {
		i := one(t, b)
		conn, err := i.DialContext(t.Context(), "tcp", "mx.p.example:25")
		if err != nil {
			t.Fatal(err)
		}
		c, err := smtp.NewClient(conn, "mx.p.example")
		if err != nil {
			t.Fatal(err)
		}
		steps := []func() error{
			func() error {
				if offered, _ := c.Extension("STARTTLS"); !offered {
					return nil
				}
				return c.StartTLS(&tls.Config{RootCAs: i.CertPool(), ServerName: "mx.p.example"})
			},
			func() error { return c.Mail("b@sender.example") },
			func() error { return c.Rcpt("a@p.example") },
			func() error {
				w, err := c.Data()
				if err != nil {
					return err
				}
				_, err = io.WriteString(w, message("<1@x>")+".\r\n")
				return errors.Join(err, w.Close())
			},
			c.Reset, c.Noop, c.Quit,
		}
		for n, step := range steps {
			if err := step(); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
		}
		if v := i.Ledger().Violations(); len(v) != 0 || i.Ledger().Copies("a@p.example", "<1@x>") != 1 {
			t.Errorf("%d copies, violations %v", i.Ledger().Totals().Accepted, v)
		}
	}
}

// A client may write everything before it reads anything; the memory that waits for
// it stays small.
func TestManyPipelinedMessagesOverTCP(t *testing.T) {
	i := start(t, Config{Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}}}})
	c := hello(t, i)
	const messages = 3000
	var all bytes.Buffer
	for n := range messages {
		all.WriteString(mail(fmt.Sprintf("u%d@p.example", n), fmt.Sprintf("<%d@x>", n)))
	}
	done := make(chan error)
	go func() {
		_, err := c.conn.Write(all.Bytes())
		done <- err
	}()
	for range messages {
		c.want("250", "250", "250")
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c.quit()
	keys := 0
	for _, r := range i.Ledger().Accepted() {
		if r.Copies != 1 || r.Connection != 1 {
			t.Errorf("receipt %+v", r)
		}
		keys++
	}
	if keys != messages {
		t.Errorf("%d keys, want %d", keys, messages)
	}
}

// Close waits for every goroutine, whatever its connection is doing.
func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, memory := range []bool{true, false} {
		i, err := Start(Config{Memory: memory, Providers: []Provider{{
			Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"},
			Behaviour: Behaviour{Replies: []Reply{{Stage: AtRset, Delay: time.Hour}, {Stage: AtNoop, Code: 421, Text: "bye"}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"", "RSET\r\n", "NOOP\r\n", "MAIL FROM:<b@sender.example>\r\nRCPT TO:<a@p.example>\r\nBDAT 1000\r\n"} {
			hello(t, i).send(command)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
		if err := i.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after Close", before, now)
	}
}
