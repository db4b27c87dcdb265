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

// limited are the settings of servers that take two connections at a time, and end a
// session after three errors or five messages. Postfix does not count messages.
var limited = map[string][]string{
	"Postfix": {"smtpd_client_connection_count_limit = 2", "smtpd_hard_error_limit = 3", "smtpd_soft_error_limit = 3"},
	"Exim":    {"smtp_accept_max_per_host = 2", "smtp_accept_max_per_connection = 5"},
}

func tooManyConnections(t *testing.T, r *receiver) {
	first, second := r.session(t, "one trip", NoTLS), r.session(t, "one trip", NoTLS)
	s, result := r.open(t, "one trip", NoTLS)
	if s != nil || result.Stage != Greeting || result.Reply.Code != 421 || !strings.Contains(strings.ToLower(result.Reply.Text), "too many") {
		t.Errorf("the third connection: %v", result)
	}
	first.Close()
	second.Close()
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
	if result.Reply.Code != 421 || result.Failure != None || result.MaybeAccepted() {
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
