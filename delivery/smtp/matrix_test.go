package smtp

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

var update = flag.Bool("update", false, "write the golden files")

// S13, S14: what a reply at each stage makes of a message and of the session, in
// each way of sending.
func TestMatrix(t *testing.T) {
	var table strings.Builder
	for _, mode := range modes {
		fmt.Fprintf(&table, "%s\n", mode.name)
		for _, stage := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "body"} {
			if stage == "DATA" && strings.Contains(fmt.Sprint(mode.offers), "CHUNKING") {
				continue
			}
			for _, reply := range []string{"250 2.0.0 fine", "451 4.3.0 later", "550 5.7.1 never", "421 4.3.2 closing", "", "nonsense"} {
				if stage == "DATA" && reply[:min(1, len(reply))] == "2" {
					reply = "354 go on"
				}
				synctest.Test(t, func(t *testing.T) {
					fmt.Fprintf(&table, "  %-8s %-17q → %s\n", stage, reply, converse(t, mode.offers, stage, reply))
				})
			}
		}
	}
	golden(t, "testdata/matrix.golden", table.String())
}

// converse sends a message to a server that answers one stage in its own way, and
// then another to the same server without that.
func converse(t *testing.T, offers []string, stage, reply string) string {
	client, peer := net.Pipe()
	v := &server{offers: offers, replies: map[string]string{stage: reply}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.serve(peer)
	}()
	defer func() { <-done }()
	s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client)})
	if s == nil {
		return r.String() + "; no session"
	}
	defer s.Close()
	r = s.Send(t.Context(), Envelope{To: "b@example.net"}, testMessages[""])
	if accepted := len(v.messages) == 1; r.OK() && !accepted || accepted && !r.OK() && !r.MaybeAccepted() {
		t.Errorf("%s %q: %v, but accepted: %v", stage, reply, r, accepted)
	}
	outcome := r.String()
	if !s.Usable() {
		return outcome + "; session over"
	}
	delete(v.replies, stage)
	if r = s.Send(t.Context(), Envelope{To: "c@example.net"}, testMessages[""]); !r.OK() {
		t.Errorf("%s %q: the next message: %v", stage, reply, r)
	}
	return outcome + "; the next goes through"
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it):\n%s", file, got)
	}
}
