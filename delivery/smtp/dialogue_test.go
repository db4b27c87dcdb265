package smtp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A dialogue is a conversation in a file, one line after the other:
//
//	open key=value …   the client opens a session (see configFor)
//	send key=value …   it sends a message (see sendFor)
//	check, close       it calls Check, Close
//	= result           what the call before returned
//	C: text            the client must say this line
//	S: text            the server says this line
//	S+ text            the same, in the write of the line before
//	X                  the server hangs up
//
// The lines "C:" between two of the server's must arrive in one write and with
// nothing after them: that is how round trips are held to.
type dialogue struct {
	calls  []call
	server []turn
}

type call struct {
	line int
	verb string
	args map[string]string
	want string
}

// turn is one side's move in the server's script.
type turn struct {
	line   int
	hear   string
	say    string
	hangUp bool
}

func parseDialogue(text string) (dialogue, error) {
	var d dialogue
	for i, line := range strings.Split(text, "\n") {
		n := i + 1
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rest := ""
		if len(line) > 3 {
			rest = line[3:]
		}
		last := len(d.server) - 1
		switch {
		case strings.HasPrefix(line, "C:"):
			if last >= 0 && d.server[last].hear != "" {
				d.server[last].hear += rest + "\r\n"
			} else {
				d.server = append(d.server, turn{line: n, hear: rest + "\r\n"})
			}
		case strings.HasPrefix(line, "S:"):
			d.server = append(d.server, turn{line: n, say: rest + "\r\n"})
		case strings.HasPrefix(line, "S+"):
			d.server[last].say += rest + "\r\n"
		case line == "X":
			d.server = append(d.server, turn{line: n, hangUp: true})
		case strings.HasPrefix(line, "="):
			d.calls[len(d.calls)-1].want = strings.TrimSpace(line[1:])
		default:
			fields := strings.Fields(line)
			c := call{line: n, verb: fields[0], args: map[string]string{}}
			for _, f := range fields[1:] {
				k, v, ok := strings.Cut(f, "=")
				if !ok {
					return d, fmt.Errorf("line %d: %q is not key=value", n, f)
				}
				c.args[k] = v
			}
			d.calls = append(d.calls, c)
		}
	}
	return d, nil
}

// serve plays the server's part and returns what went wrong, "" if nothing.
func (d dialogue) serve(conn net.Conn) string {
	defer conn.Close()
	buf := make([]byte, 1<<16)
	for _, t := range d.server {
		switch {
		case t.hangUp:
			return ""
		case t.say != "":
			if _, err := conn.Write([]byte(t.say)); err != nil {
				return fmt.Sprintf("line %d: cannot say %q: %v", t.line, t.say, err)
			}
		default:
			n, err := conn.Read(buf)
			if got := string(buf[:n]); got != t.hear {
				return fmt.Sprintf("line %d: heard %q (%v), want %q", t.line, got, err, t.hear)
			}
		}
	}
	if n, err := conn.Read(buf); err == nil {
		return fmt.Sprintf("after the end: heard %q", buf[:n])
	}
	return ""
}

// play runs the client's calls against the server's script.
func (d dialogue) play(t *testing.T) {
	client, server := net.Pipe()
	verdict := make(chan string, 1)
	go func() { verdict <- d.serve(server) }()
	var s *Session
	for _, c := range d.calls {
		var r Result
		switch c.verb {
		case "open":
			s, r = Open(t.Context(), testHost, configFor(c.args, client))
			if (s != nil) != r.OK() {
				t.Fatalf("line %d: session %v with %v", c.line, s != nil, r)
			}
		case "send":
			env, msg := sendFor(c.args)
			r = s.Send(t.Context(), env, msg)
		case "check":
			synctest.Wait()
			r = s.Check()
		case "close":
			s.Close()
			r = Result{Stage: Idle}
		default:
			t.Fatalf("line %d: unknown verb %q", c.line, c.verb)
		}
		if got := r.String(); got != c.want && c.verb != "close" {
			t.Errorf("line %d: %s:\n got %s\nwant %s", c.line, c.verb, got, c.want)
		}
	}
	if s != nil {
		s.Close()
	}
	client.Close()
	if v := <-verdict; v != "" {
		t.Error(v)
	}
}

var testHost = Host{Name: "mx.example.net", Addr: netip.MustParseAddrPort("192.0.2.25:25")}

func dialTo(conn net.Conn) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) { return conn, nil }
}

// configFor makes the configuration of "open": tls=require, user=, password=,
// token= (with AllowPlaintextAuth), lines=, bytes=.
func configFor(args map[string]string, conn net.Conn) *Config {
	cfg := &Config{Hello: "out.example.org", Dial: dialTo(conn)}
	switch args["tls"] {
	case "opportunistic":
		cfg.TLS = Opportunistic
	case "require":
		cfg.TLS = Require
	}
	if args["user"] != "" {
		cfg.Auth = &Credentials{Username: args["user"], Password: args["password"], Token: args["token"]}
		cfg.AllowPlaintextAuth = args["plaintext"] != "no"
	}
	return cfg
}

// sendFor makes the message of "send": from=, to=, id=, notify=failure, msg= one of
// testMessages, size=.
func sendFor(args map[string]string) (Envelope, net.Buffers) {
	env := Envelope{From: "news@example.org", To: "ann@example.net", EnvelopeID: args["id"]}
	if from, ok := args["from"]; ok {
		env.From = from
	}
	if to, ok := args["to"]; ok {
		env.To = to
	}
	if args["notify"] == "failure" {
		env.DSN = NotifyFailure | NotifyDelay
	}
	fmt.Sscan(args["size"], &env.Size)
	return env, testMessages[args["msg"]]
}

var testMessages = map[string]net.Buffers{
	"":       buffers("Subject: hello\r\n", "\r\nhi Ann\r\n"),
	"dots":   buffers(".\r\n", ".", ".\r\n.x\r", "\n", ".\r\n", "", "a.\r\n"),
	"8bit":   buffers("Subject: h\r\n\r\nüber\r\n"),
	"lf":     buffers("Subject: h\r\n\r\nx\n.\r\nMAIL FROM:<evil@example.org>\r\n"),
	"cr":     buffers("Subject: h\r\n\r\nx\r", ".\r\n"),
	"crcr":   buffers("Subject: h\r\n\r\nx\r\r\n"),
	"noend":  buffers("Subject: h\r\n\r\nx"),
	"long":   buffers(strings.Repeat("x", 999) + "\r\n"),
	"longer": buffers(strings.Repeat("x", 500), strings.Repeat("y", 498), "\r\n"),
	"empty":  nil,
}

func buffers(parts ...string) net.Buffers {
	var b net.Buffers
	for _, p := range parts {
		b = append(b, []byte(p))
	}
	return b
}

func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := parseDialogue(string(text))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d.play(t)
				if took := time.Since(start); took != 0 {
					t.Errorf("took %v: somebody waited for a timer", took)
				}
			})
		})
	}
}
