package smtp

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A session remembers what it was opened with and counts what it sent.
func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		v := &server{offers: []string{"PIPELINING", "LIMITS MAILMAX=3"}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			v.serve(peer)
		}()
		s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
		if !r.OK() {
			t.Fatal(r)
		}
		for i := range 3 { // S25
			if s.Sent() != i || !s.Usable() {
				t.Errorf("after %d messages: sent %d, usable %v", i, s.Sent(), s.Usable())
			}
			if r := s.Send(t.Context(), Envelope{To: "b@example.net"}, testMessages[""]); !r.OK() || !r.Handed || r.MaybeAccepted() {
				t.Error(r)
			}
		}
		if s.Usable() || s.Host() != testHost {
			t.Errorf("usable %v, host %v", s.Usable(), s.Host())
		}
		s.Close()
		<-done
		if last := v.commands[len(v.commands)-1]; last != "QUIT" {
			t.Errorf("left with %q", last)
		}
		if r := s.Check(); r.OK() {
			t.Error("a closed session is fine")
		}
	})
}

// T10: the guard is asked about the very address, and nothing is dialled.
func TestForbiddenAddress(t *testing.T) {
	var asked netip.Addr
	cfg := &Config{
		Hello:     "out.example.org",
		AllowAddr: func(a netip.Addr) bool { asked = a; return false },
		Dial: func(context.Context, string, string) (net.Conn, error) {
			t.Error("dialled")
			return nil, errors.New("dialled")
		},
	}
	host := Host{Name: "mx.example.net", Addr: netip.MustParseAddrPort("[::ffff:10.0.0.1]:25")}
	s, r := Open(t.Context(), host, cfg)
	if s != nil || r.Failure != Forbidden || asked.String() != "::ffff:10.0.0.1" {
		t.Errorf("%v, asked about %v", r, asked)
	}
}

func TestConnectFailures(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		err  error
		ctx  context.Context
		want Failure
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, t.Context(), Refused},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, t.Context(), Unreachable},
		{&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, t.Context(), TimedOut},
		{errors.New("no proxy\r\nhere"), t.Context(), Unreachable},
		{errors.New("any"), cancelled, Cancelled},
	} {
		cfg := &Config{Hello: "out.example.org", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, test.err }}
		s, r := Open(test.ctx, testHost, cfg)
		if s != nil || r.Stage != Connect || r.Failure != test.want || strings.ContainsAny(r.Detail, "\r\n") {
			t.Errorf("%v: %v", test.err, r)
		}
	}
}

// The dialler of our own: refused by the kernel, and no source address of the family.
func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := Host{Name: "localhost", Addr: l.Addr().(*net.TCPAddr).AddrPort()}
	from := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			from <- err.Error()
			return
		}
		conn.Close()
		from <- conn.RemoteAddr().(*net.TCPAddr).IP.String()
	}()
	cfg := &Config{Hello: "out.example.org", LocalAddr: netip.MustParseAddr("127.0.0.2")}
	if _, r := Open(t.Context(), host, cfg); r.Stage != Greeting || r.Failure != Closed {
		t.Error(r)
	}
	if got := <-from; got != "127.0.0.2" {
		t.Errorf("came from %s", got)
	}
	l.Close()
	if _, r := Open(t.Context(), host, cfg); r.Failure != Refused {
		t.Error(r)
	}
	cfg.LocalAddr = netip.MustParseAddr("::1")
	if _, r := Open(t.Context(), host, cfg); r.Failure != Unreachable {
		t.Error(r)
	}
}

// S2: only a host name or an address literal is said after EHLO.
func TestHelloName(t *testing.T) {
	for _, name := range []string{"", "a b", "a\r\nMAIL FROM:<x>", "ü.example", strings.Repeat("x", 256)} {
		if s, r := Open(t.Context(), testHost, &Config{Hello: name}); s != nil || r.Failure != Invalid {
			t.Errorf("%q: %v", name, r)
		}
	}
}

// A cancelled context unblocks every stage at once.
func TestCancel(t *testing.T) {
	for name, until := range map[string][]string{
		"greeting": nil,
		"EHLO":     {"220 x", "<"},
		"MAIL":     {"220 x", "<", "250 x", "<"},
		"DATA":     {"220 x", "<", "250-x\r\n250 PIPELINING", "<", "250 ok", "250 ok"},
		"writing":  {"220 x", "<", "250-x\r\n250 PIPELINING", "<", "250 ok", "250 ok", "354 go"},
		"body":     {"220 x", "<", "250-x\r\n250 PIPELINING", "<", "250 ok", "250 ok", "354 go", "<"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, peer := net.Pipe()
				defer peer.Close()
				go script(peer, until...)
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("shutting down"))
				defer cancel()
				start := time.Now()
				s, r := Open(ctx, testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
				if s != nil {
					r = s.Send(ctx, Envelope{To: "b@example.net"}, testMessages[""])
					if s.Usable() {
						t.Error("usable")
					}
					s.Close()
				}
				if took := time.Since(start); r.Failure != Cancelled || r.Detail != "shutting down" || took != time.Second {
					t.Errorf("%v after %v", r, took)
				}
				if r.MaybeAccepted() != (name == "body") { // S17
					t.Errorf("%v", r)
				}
			})
		})
	}
}

// A context that is cancelled between messages does no harm to a session that
// outlives it.
func TestContextOfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		v := &server{}
		go v.serve(peer)
		ctx, cancel := context.WithCancel(t.Context())
		s, r := Open(ctx, testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
		if !r.OK() {
			t.Fatal(r)
		}
		defer s.Close()
		cancel()
		synctest.Wait()
		if r := s.Send(ctx, Envelope{To: "b@example.net"}, testMessages[""]); r.Failure != Cancelled || v.messages != nil {
			t.Error(r)
		}
		if r := s.Send(t.Context(), Envelope{To: "b@example.net"}, testMessages[""]); !r.OK() {
			t.Error(r)
		}
	})
}

// largeMessage is a message of many blocks in odd pieces, with dots everywhere.
func largeMessage() net.Buffers {
	var msg net.Buffers
	for range 3000 {
		msg = append(msg, []byte(".\r"), []byte("\n."), []byte(".x"+strings.Repeat("y", 500)+"\r\n"), nil, []byte("..\r\n.\r\n"))
	}
	return msg
}

// S4, S20: a message of many blocks arrives as it was, in every mode.
func TestLargeMessage(t *testing.T) {
	msg := largeMessage()
	want := string(bytes.Join(msg, nil))
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &server{offers: mode.offers}
				client, peer := net.Pipe()
				go v.serve(peer)
				s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
				if !r.OK() {
					t.Fatal(r)
				}
				defer s.Close()
				if r := s.Send(t.Context(), Envelope{To: "b@example.net"}, msg); !r.OK() {
					t.Fatal(r)
				}
				if len(v.messages) != 1 || v.messages[0] != want {
					t.Error("another message arrived")
				}
				if got := string(bytes.Join(msg, nil)); got != want {
					t.Error("the caller's buffers were changed")
				}
			})
		})
	}
}

// A server that refuses and hangs up while the message is on its way is heard.
func TestRefusedWhileWriting(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, peer := net.Pipe()
				lines := []string{"220 x", "<", "250-" + strings.Join(append([]string{"x"}, mode.offers...), "\r\n250-") + "\r\n250 HELP"}
				switch mode.name {
				case "one trip":
					lines = append(lines, "<", "250 ok", "250 ok")
				case "two trips":
					lines = append(lines, "<", "250 ok\r\n250 ok\r\n354 go", "<")
				case "lockstep":
					lines = append(lines, "<", "250 ok", "<", "250 ok", "<", "354 go", "<")
				default:
					lines = append(lines, "<", "250 ok", "<", "250 ok", "<")
				}
				go func() {
					script(peer, append(lines, "552 5.3.4 enough")...)
					peer.Close()
				}()
				s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
				if !r.OK() {
					t.Fatal(r)
				}
				defer s.Close()
				start := time.Now()
				r = s.Send(t.Context(), Envelope{To: "b@example.net"}, largeMessage())
				if r.String() != "body: 552 5.3.4 enough" || r.Handed || s.Usable() || time.Since(start) != 0 {
					t.Errorf("%v, handed %v, usable %v after %v", r, r.Handed, s.Usable(), time.Since(start))
				}
			})
		})
	}
}

// A server that talks without end while we write neither blocks nor floods us.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			script(peer, "220 x", "<", "250-x\r\n250-PIPELINING\r\n250 CHUNKING", "<")
			for {
				if _, err := peer.Write([]byte("250 ok\r\n")); err != nil {
					return
				}
			}
		}()
		s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client), Timeouts: Timeouts{Block: time.Minute}})
		if !r.OK() {
			t.Fatal(r)
		}
		r = s.Send(t.Context(), Envelope{To: "b@example.net"}, largeMessage())
		if r.Failure != TimedOut || r.MaybeAccepted() {
			t.Error(r)
		}
		s.Close()
		<-flooded
	})
}
