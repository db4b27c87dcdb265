package smtp

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// smtpSink is the test server of Postfix (Debian package postfix).
const smtpSink = "/usr/sbin/smtp-sink"

// startSink runs smtp-sink on a socket, writing each message into a file of dir,
// and returns how to dial it.
func startSink(t *testing.T, dir string, flags ...string) DialFunc {
	t.Helper()
	if _, err := os.Stat(smtpSink); err != nil {
		t.Fatalf("%v: install the package postfix to run this test", err)
	}
	socket := filepath.Join(dir, "sink")
	args := append([]string{"-d", filepath.Join(dir, "message.")}, flags...)
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	sink := exec.Command(smtpSink, append(args, "unix:"+socket, "10")...)
	var said bytes.Buffer
	sink.Stderr = &said
	if err := sink.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sink.Process.Kill()
		sink.Wait()
		if t.Failed() {
			t.Logf("smtp-sink: %s", &said)
		}
	})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		conn, err := dial(ctx, "", "")
		if err == nil {
			conn.Close()
			return dial
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("smtp-sink does not listen: %v", err)
		}
	}
}

// A server that others wrote receives exactly what was sent, in the ways it can be
// spoken to, and its refusals are told by stage.
func TestPostfixSink(t *testing.T) {
	msg := largeMessage()
	// smtp-sink writes lines as the system does, and an empty one after the last.
	want := strings.ReplaceAll(string(bytes.Join(msg, nil)), "\r\n", "\n") + "\n"
	tests := []struct {
		name     string
		flags    []string
		want     string
		arrives  bool
		survives bool
	}{
		{"two trips", nil, "body: 250 2.0.0 Ok", true, true},
		{"lockstep", []string{"-p"}, "body: 250 2.0.0 Ok", true, true},
		{"HELO", []string{"-f", "EHLO"}, "body: 250 2.0.0 Ok", true, true},
		{"no ENHANCEDSTATUSCODES", []string{"-E"}, "body: 250 2.0.0 Ok", true, true},
		{"MAIL refused", []string{"-f", "MAIL"}, "MAIL: 500 5.3.0 Error: command failed", false, true},
		{"RCPT refused for now", []string{"-r", "RCPT"}, "RCPT: 450 4.3.0 Error: command failed", false, true},
		{"DATA refused", []string{"-f", "DATA"}, "DATA: 500 5.3.0 Error: command failed", false, true},
		{"message refused", []string{"-f", "."}, "body: 500 5.3.0 Error: command failed", false, true},
		{"refused in lockstep", []string{"-p", "-f", "RCPT"}, "RCPT: 500 5.3.0 Error: command failed", false, true},
		{"closed at RCPT", []string{"-q", "RCPT"}, "RCPT: connection closed: by the server, without a word", false, false},
		{"closed after the dot", []string{"-q", "."}, "body: connection closed: by the server, without a word (the message may have been accepted)", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := &Config{Hello: "out.example.org", Dial: startSink(t, dir, test.flags...)}
			s, r := Open(t.Context(), testHost, cfg)
			if !r.OK() {
				t.Fatal(r)
			}
			for range 3 {
				r = s.Send(t.Context(), Envelope{From: "a@example.org", To: "b@example.net"}, msg)
				if r.String() != test.want {
					t.Errorf("%v, want %s", r, test.want)
				}
				if s.Usable() != test.survives {
					t.Errorf("usable %v", s.Usable())
				}
				if !s.Usable() {
					break
				}
			}
			s.Close()
			if !test.arrives {
				return // smtp-sink makes a file for a refused message too, and removes it when it likes
			}
			files, err := filepath.Glob(filepath.Join(dir, "message.*"))
			if err != nil || len(files) != 3 {
				t.Fatalf("%d messages arrived, %v", len(files), err)
			}
			for _, file := range files {
				got, err := os.ReadFile(file)
				if err != nil || !strings.HasSuffix(string(got), want) {
					t.Errorf("another message arrived, %v", err)
				}
			}
		})
	}
}
