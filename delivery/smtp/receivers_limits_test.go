package smtp

import (
	"strings"
	"testing"
)

// S13: real servers say 421 and hang up: over their connections, after their messages,
// after too many errors. Each is told by its stage, nothing is in doubt, and a new
// session goes on.
func TestReceiversLimits(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t, limited[server.name]...)
			t.Run("connections", func(t *testing.T) { tooManyConnections(t, r) })
			for _, mode := range modes {
				t.Run("a session's end, "+mode.name, func(t *testing.T) { endOfSession(t, r, mode.name) })
			}
		})
	}
}

// limited are the settings of servers that take ten connections at a time, and end a
// session after three errors or five messages. Postfix does not count messages.
var limited = map[string][]string{
	"Postfix": {"smtpd_client_connection_count_limit = 10", "smtpd_hard_error_limit = 3", "smtpd_soft_error_limit = 3"},
	"Exim":    {"smtp_accept_max_per_host = 10", "smtp_accept_max_per_connection = 5"},
}

func tooManyConnections(t *testing.T, r *receiver) {
	for n := 0; ; n++ {
		s, result := r.open(t, "one trip", NoTLS)
		if s == nil {
			if result.Stage != Greeting || result.Reply.Code != 421 || !strings.Contains(strings.ToLower(result.Reply.Text), "too many") {
				t.Errorf("after %d: %v", n, result)
			}
			return
		}
		defer s.Close()
		if n == 10 {
			t.Fatal("the eleventh connection was taken")
		}
	}
}

// endOfSession sends until the server has had enough: good messages to Exim, refused
// recipients to Postfix.
func endOfSession(t *testing.T, r *receiver, way string) {
	to, most := "ann@example.net", 5
	if r.name == "Postfix" {
		to, most = "nobody@example.net", 3
	}
	s := r.session(t, way, NoTLS)
	var result Result
	for s.Usable() {
		result = s.Send(t.Context(), Envelope{From: "news@example.org", To: to}, numbered(s.Sent(), "\r\nhi\r\n"))
		if s.Sent() > most+1 {
			t.Fatalf("after %d: %v", s.Sent(), result)
		}
	}
	// To whom the refusals were pipelined, the last recipient's comes before the 421.
	told := result.Reply.Code == 421 || result.Stage == Rcpt && result.Reply.Code == 550
	if !told || result.Failure != None || result.MaybeAccepted() {
		t.Errorf("after %d: %v", s.Sent(), result)
	}
	if next := s.Send(t.Context(), Envelope{To: to}, numbered(0, "\r\nhi\r\n")); next.Failure != Closed {
		t.Errorf("over a session that is over: %v", next)
	}
	again := r.session(t, way, NoTLS)
	if result = again.Send(t.Context(), Envelope{To: "ann@example.net"}, numbered(5, "\r\nhi\r\n")); !result.OK() {
		t.Errorf("over a new session: %v", result)
	}
	again.Close()
	want := 1
	if r.name == "Exim" {
		want = most + 1
	}
	r.arrived(t, want)
}
