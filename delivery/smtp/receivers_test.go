package smtp

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
)

// corpus is messages that are easily damaged on the way, n of them in turn.
func corpus(n int) []net.Buffers {
	kinds := [][]string{
		{"Subject: plain\r\n\r\nhi\r\n"},
		{"Subject: dots\r\n\r\n.\r\n", ".", ".\r\n.x\r", "\n", ".\r\n", "", "a.\r\n..\r\n.\r\n"},
		{"Subject: no body\r\n\r\n"},
		{"Subject: From\r\n\r\nFrom here on\r\n>From there\r\n\r\n\r\n"},
		{"Subject: blanks\r\n\r\n \r\n\t\r\ntrailing  \t\r\n \r\n"},
		{"Subject: longest line\r\n\r\n", strings.Repeat("x", 998), "\r\n.", strings.Repeat("y", 997), "\r\n"},
		{"Subject: folded\r\n to the\r\n\tthird line\r\n\r\n", "MAIL FROM:<evil@example.org>\r\nRSET\r\nQUIT\r\n"},
		{"Subject: large\r\n\r\n", strings.Repeat("."+strings.Repeat("z", 75)+"\r\n", 3000)},
	}
	all := make([]net.Buffers, n)
	for i := range all {
		all[i] = numbered(i, kinds[i%len(kinds)]...)
	}
	return all
}

// S4, S19, S20: exactly what was sent is what arrives at servers that others wrote, in
// every way of speaking to them, over sessions of hundreds of messages.
func TestReceiversTakeWhatWasSent(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			for _, mode := range modes {
				for _, policy := range []TLSPolicy{NoTLS, Require} {
					n := 24
					if mode.name == "one trip" && policy == Require {
						n = 400
					}
					t.Run(fmt.Sprintf("%s, TLS %v", mode.name, policy == Require), func(t *testing.T) {
						r.sendAll(t, r.session(t, mode.name, policy), corpus(n))
					})
				}
			}
		})
	}
}

// sendAll sends messages over one session and compares what arrives.
func (r *receiver) sendAll(t *testing.T, s *Session, messages []net.Buffers) {
	t.Helper()
	for i, msg := range messages {
		if result := s.Send(t.Context(), Envelope{From: "news@example.org", To: fmt.Sprintf("p%d@example.net", i)}, msg); !result.OK() {
			t.Fatalf("message %d: %v", i, result)
		}
	}
	if s.Sent() != len(messages) || !s.Usable() {
		t.Errorf("%d transactions, usable %v", s.Sent(), s.Usable())
	}
	r.compare(t, messages)
}

// compare takes as many messages as were sent and finds each of them once.
func (r *receiver) compare(t *testing.T, sent []net.Buffers) {
	t.Helper()
	found := make([]int, len(sent))
	for _, got := range r.arrived(t, len(sent)) {
		n := -1
		if _, after, ok := strings.Cut(got, "X-Number: "); ok {
			fmt.Sscanf(after, "%d\r\n", &n)
		}
		if n < 0 || n >= len(sent) || !isCopy(got, sent[n]) {
			t.Fatalf("this is not message %d:\n%.600q", n, got)
		}
		found[n]++
	}
	for n, copies := range found {
		if copies != 1 {
			t.Errorf("message %d arrived %d times", n, copies)
		}
	}
}

// T9: what we agree on with a current server is TLS 1.3, and no session is resumed
// (golang/go#70232).
func TestReceiversTLS(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			for range 3 {
				s := r.session(t, "one trip", Opportunistic)
				state, ok := s.TLS()
				if !ok || state.Version != tls.VersionTLS13 || state.DidResume {
					t.Errorf("encrypted %v: %s, resumed %v", ok, tls.VersionName(state.Version), state.DidResume)
				}
				if c := s.Capabilities(); c.StartTLS || !c.Pipelining || !c.Chunking { // T1
					t.Errorf("after TLS: %+v", c)
				}
				s.Close()
			}
			r.pool = nil // the system's roots do not know it
			if s, result := r.open(t, "one trip", Require); s != nil || result.Failure != TLSFailed {
				t.Errorf("an unknown certificate: %v", result)
			}
		})
	}
}

// S14, S19, S20: a refusal is told by its stage, in every way of speaking, and the
// next message goes out over the same session.
func TestReceiversRefuse(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			for _, mode := range modes {
				t.Run(mode.name, func(t *testing.T) {
					s := r.session(t, mode.name, NoTLS)
					good := 0
					for _, test := range []struct{ to, msg, want string }{
						{"nobody@example.net", "Subject: x\r\n\r\nhi\r\n", "RCPT: 550 5.1.1 "},
						{"later@example.net", "Subject: x\r\n\r\nhi\r\n", "RCPT: 45"},
						{"ann@example.net", "X-Refuse: yes\r\n\r\nhi\r\n", "body: 550 5.7.1 "},
						{"ann@elsewhere.example", "Subject: x\r\n\r\nhi\r\n", "RCPT: 55"},
					} {
						result := s.Send(t.Context(), Envelope{From: "news@example.org", To: test.to}, buffers(test.msg))
						if !strings.HasPrefix(result.String(), test.want) || result.MaybeAccepted() || !s.Usable() {
							t.Errorf("%s: %v, usable %v; want %s", test.to, result, s.Usable(), test.want)
						}
						if result = s.Send(t.Context(), Envelope{From: "news@example.org", To: "ann@example.net"}, numbered(good, "\r\nhi\r\n")); !result.OK() {
							t.Fatalf("after %s: %v", test.to, result)
						}
						good++
					}
					r.compare(t, []net.Buffers{numbered(0, "\r\nhi\r\n"), numbered(1, "\r\nhi\r\n"), numbered(2, "\r\nhi\r\n"), numbered(3, "\r\nhi\r\n")})
				})
			}
		})
	}
}

// S18: a server's SIZE is held before MAIL, and our own SIZE= is true to the byte.
func TestReceiversSize(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			s := r.session(t, "one trip", NoTLS)
			if c := s.Capabilities(); c.MaxSize != 3_000_000 {
				t.Fatalf("%+v", c)
			}
			line := []byte(strings.Repeat("x", 98) + "\r\n")
			fits := append(numbered(0, "\r\n"), bytes.Repeat(line, 29_000))
			if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, fits); !result.OK() {
				t.Error(result)
			}
			if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, append(fits, bytes.Repeat(line, 1_001))); result.Failure != TooLarge || s.Sent() != 1 {
				t.Errorf("%v after %d MAIL", result, s.Sent())
			}
			r.compare(t, []net.Buffers{fits})
		})
	}
}

// S21: what is not ASCII goes only where the server can take it.
func TestReceiversEightBit(t *testing.T) {
	t.Parallel()
	body := "Subject: über\r\n\r\nGrüße, 漢字\r\n"
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			s := r.session(t, "one trip", NoTLS)
			for i, env := range []Envelope{
				{From: "news@example.org", To: "ann@example.net", UTF8: true},
				{From: "news@example.org", To: "müller@example.net"},
				{From: "grüße@example.org", To: "ann@example.net"},
			} {
				if result := s.Send(t.Context(), env, numbered(i, body)); !result.OK() {
					t.Fatal(result)
				}
			}
			if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, numbered(3, "Subject: x\r\n\r\nGrüße\r\n")); !result.OK() {
				t.Error(result)
			}
			r.compare(t, []net.Buffers{numbered(0, body), numbered(1, body), numbered(2, body), numbered(3, "Subject: x\r\n\r\nGrüße\r\n")})
			without := r.session(t, "two trips", NoTLS)
			if result := without.Send(t.Context(), Envelope{To: "müller@example.net"}, buffers("\r\n")); result.Failure != NeedsUTF8 || without.Sent() != 0 {
				t.Error(result)
			}
		})
	}
	t.Run("8BITMIME not offered", func(t *testing.T) {
		s := startPostfix(t).session(t, "lockstep", NoTLS)
		if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, buffers("\r\nü\r\n")); result.Failure != Needs8Bit || s.Sent() != 0 {
			t.Error(result)
		}
	})
}

// S22: the server reports what we asked it to, with our envelope id and recipient, and
// returns no more than the header.
func TestReceiversReport(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			env := Envelope{From: "news@example.net", To: "ann+tag@example.net", EnvelopeID: "run=7+8", DSN: NotifySuccess | NotifyFailure}
			sent := numbered(0, "\r\nthe body\r\n")
			if result := r.session(t, "one trip", NoTLS).Send(t.Context(), env, sent); !result.OK() {
				t.Fatal(result)
			}
			report := ""
			for _, got := range r.arrived(t, 2) {
				if strings.Contains(got, "message/delivery-status") {
					report = got
				} else if !isCopy(got, sent) {
					t.Errorf("this was not sent:\n%s", got)
				}
			}
			for _, want := range []string{"Action: delivered", "X-Number: 0"} {
				if !strings.Contains(report, want) {
					t.Errorf("%q is not in the report:\n%s", want, report)
				}
			}
			// Exim shows the xtext as it came.
			id := strings.NewReplacer("+3D", "=", "+2B", "+").Replace(report)
			if !strings.Contains(strings.ToLower(id), "original-envelope-id: run=7+8\r\n") || strings.Contains(report, "the body") {
				t.Errorf("the report is\n%s", report)
			}
			never := env
			never.DSN = NotifyNever
			if result := r.session(t, "one trip", NoTLS).Send(t.Context(), never, sent); !result.OK() {
				t.Fatal(result)
			}
			r.compare(t, []net.Buffers{sent})
		})
	}
}
