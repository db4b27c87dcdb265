package smtp

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var minutes = Timeouts{
	Connect: 1 * time.Minute, Greeting: 2 * time.Minute, Hello: 3 * time.Minute, TLS: 4 * time.Minute,
	Auth: 5 * time.Minute, MailRcpt: 6 * time.Minute, Data: 7 * time.Minute, Block: 8 * time.Minute,
	Final: 9 * time.Minute, Quit: 10 * time.Minute,
}

// script plays lines on a connection: "<n" reads n bytes or up to what a Read
// returns if n is 0, "~d" lets a time pass, everything else is said.
func script(conn net.Conn, lines ...string) {
	buf := make([]byte, 1<<20)
	for _, line := range lines {
		switch line[0] {
		case '<':
			if _, err := conn.Read(buf); err != nil {
				return
			}
		case '~':
			d, err := time.ParseDuration(line[1:])
			if err != nil {
				panic(err)
			}
			<-time.After(d)
		default:
			if _, err := conn.Write([]byte(line + "\r\n")); err != nil {
				return
			}
		}
	}
}

// S1: every stage has its own timer: it fires exactly when it should, and a server
// that takes a nanosecond less is waited for.
func TestTimers(t *testing.T) {
	pipelining := "250-x\r\n250 PIPELINING"
	chunking := "250-x\r\n250-PIPELINING\r\n250 CHUNKING"
	tests := []struct {
		name  string
		until []string // what the server does before it stalls
		cfg   Config
		stage Stage
		limit time.Duration
		after []string // what it does when it doesn't stall for long enough
	}{
		{"greeting", nil, Config{}, Greeting, minutes.Greeting, []string{"554 no", "<", "221"}},
		{"EHLO", []string{"220 x", "<"}, Config{}, Hello, minutes.Hello, []string{"450 no", "<", "221"}},
		{"HELO", []string{"220 x", "<", "502 what", "<"}, Config{}, Hello, minutes.Hello, []string{"450 no", "<", "221"}},
		{"STARTTLS", []string{"220 x", "<", "250-x\r\n250 STARTTLS", "<"}, Config{TLS: Require}, StartTLS, minutes.TLS, []string{"421 no"}},
		{"AUTH", []string{"220 x", "<", "250-x\r\n250 AUTH PLAIN", "<"},
			Config{Auth: &Credentials{Username: "u", Password: "p"}, AllowPlaintextAuth: true}, Auth, minutes.Auth, []string{"535 no", "<", "221"}},
		{"MAIL", []string{"220 x", "<", "250 x", "<"}, Config{}, Mail, minutes.MailRcpt, []string{"450 no"}},
		{"RCPT", []string{"220 x", "<", "250 x", "<", "250 ok", "<"}, Config{}, Rcpt, minutes.MailRcpt, []string{"450 no"}},
		{"RCPT, pipelined", []string{"220 x", "<", pipelining, "<", "~3m", "250 ok"}, Config{}, Rcpt, minutes.MailRcpt, []string{"450 no", "503"}},
		{"DATA", []string{"220 x", "<", "250 x", "<", "250 ok", "<", "250 ok", "<"}, Config{}, Data, minutes.Data, []string{"450 no"}},
		{"DATA, pipelined", []string{"220 x", "<", pipelining, "<", "250 ok", "~3m", "250 ok"}, Config{}, Data, minutes.Data, []string{"450 no"}},
		{"block", []string{"220 x", "<", pipelining, "<", "250 ok", "250 ok", "354 go"}, Config{}, Body, minutes.Block, []string{"<", "<", "450 no"}},
		{"second block", []string{"220 x", "<", pipelining, "<", "250 ok", "250 ok", "354 go", "~7m", "<"}, Config{}, Body, minutes.Block, []string{"<", "450 no"}},
		{"final dot", []string{"220 x", "<", pipelining, "<", "250 ok", "250 ok", "354 go", "<", "<"}, Config{}, Body, minutes.Final, []string{"450 no"}},
		{"final BDAT", []string{"220 x", "<", chunking, "<", "<", "250 ok", "~5m", "250 ok"}, Config{}, Body, minutes.Final, []string{"450 no"}},
	}
	message := net.Buffers{[]byte(strings.Repeat(strings.Repeat("x", 98)+"\r\n", 400))} // two blocks
	for _, test := range tests {
		for _, early := range []bool{false, true} {
			name := test.name
			if early {
				name += ", just in time"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, peer := net.Pipe()
					stalled := make(chan time.Time, 1)
					done := make(chan struct{})
					go func() {
						defer close(done)
						script(peer, test.until...)
						stalled <- time.Now()
						if early {
							<-time.After(test.limit - 1)
							script(peer, test.after...)
						}
					}()
					cfg := test.cfg
					cfg.Hello, cfg.Dial, cfg.Timeouts = "out.example.org", dialTo(client), minutes
					s, r := Open(t.Context(), testHost, &cfg)
					if s != nil {
						r = s.Send(t.Context(), Envelope{From: "a@example.org", To: "b@example.net"}, message)
					}
					elapsed := time.Since(<-stalled)
					<-done
					peer.Close()
					if s != nil {
						s.Close()
					}
					if early {
						if r.Stage != test.stage || r.Failure != None {
							t.Errorf("%v", r)
						}
						return
					}
					if r.Stage != test.stage || r.Failure != TimedOut {
						t.Errorf("%v", r)
					}
					if elapsed != test.limit {
						t.Errorf("waited %v, want %v", elapsed, test.limit)
					}
				})
			})
		}
	}
}

func TestConnectTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := &Config{Hello: "out.example.org", Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		start := time.Now()
		_, r := Open(t.Context(), testHost, cfg)
		if took := time.Since(start); took != 5*time.Second || r.Stage != Connect || r.Failure != TimedOut {
			t.Errorf("%v after %v", r, took)
		}
	})
}

// X4: a byte now and then doesn't keep us: the timer is the reply's, not the byte's.
func TestSlowDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := peer.Write([]byte("2")); err != nil {
					return
				}
				<-time.After(10 * time.Second)
			}
		}()
		start := time.Now()
		_, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
		if took := time.Since(start); took != 5*time.Minute || r.Stage != Greeting || r.Failure != TimedOut {
			t.Errorf("%v after %v", r, took)
		}
		<-done
	})
}

// A farewell that nobody answers ends in time.
func TestQuitTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		defer peer.Close()
		go script(peer, "220 x", "<", "250 x", "<")
		s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
		if !r.OK() {
			t.Fatal(r)
		}
		start := time.Now()
		s.Close()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		s.Close() // and again
	})
}

// An idle session has no timer.
func TestIdleForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		v := &server{offers: []string{"PIPELINING"}}
		go v.serve(peer)
		s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
		if !r.OK() {
			t.Fatal(r)
		}
		defer s.Close()
		for range 3 {
			<-time.After(48 * time.Hour)
			if r := s.Send(t.Context(), Envelope{To: "b@example.net"}, testMessages[""]); !r.OK() {
				t.Fatal(r)
			}
		}
	})
}
