package smtptest

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestSplitPath(t *testing.T) {
	tests := []struct {
		args, address, parameters string
		strict, ok                bool
	}{
		{"FROM:<a@b>", "a@b", "", true, true},
		{"from:<>", "", "", true, true},
		{"FROM:<a@b> SIZE=1  BODY=8BITMIME ", "a@b", "SIZE=1  BODY=8BITMIME", true, true},
		{"FROM: <a@b>", "a@b", "", false, true},
		{`FROM:<"x> y"@b> RET=HDRS`, `"x> y"@b`, "RET=HDRS", true, true}, // X1
		{`FROM:<"x\">"@b>`, `"x\">"@b`, "", true, true},
		{"FROM:<x> ORCPT=admin>@b>", "x", "ORCPT=admin>@b>", true, true},
		{"FROM:<a@b>SIZE=1", "", "", true, false},
		{"FROM:<a b@c>", "", "", true, false},
		{"FROM:<a<b@c>", "", "", true, false},
		{"FROM:<a@b", "", "", true, false},
		{"FROM:a@b", "", "", true, false},
		{"FROM:", "", "", true, false},
		{"TO:<a@b>", "", "", false, false},
		{"", "", "", false, false},
	}
	for _, test := range tests {
		address, parameters, strict, ok := splitPath([]byte(test.args), "FROM:")
		if string(address) != test.address || string(parameters) != test.parameters || strict != test.strict || ok != test.ok {
			t.Errorf("%q: %q, %q, %v, %v", test.args, address, parameters, strict, ok)
		}
	}
}

func TestChunkSize(t *testing.T) {
	tests := []struct {
		args     string
		size     int64
		last, ok bool
	}{
		{"0", 0, false, true}, {"10 LAST", 10, true, true}, {"10 last", 10, true, true},
		{"10 FIRST", 0, false, false}, {"-1", 0, false, false}, {"+1", 0, false, false}, {"", 0, false, false},
		{"99999999999999999999", 0, false, false},
	}
	for _, test := range tests {
		size, last, ok := chunkSize([]byte(test.args))
		if ok != test.ok || ok && (size != test.size || last != test.last) {
			t.Errorf("%q: %d, %v, %v", test.args, size, last, ok)
		}
	}
}

// FuzzSession feeds a server whatever a client may send. It must answer every byte
// stream with well-formed replies and end when the client does.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"EHLO x\r\n" + mail("a@p.example", "<1@x>") + "QUIT\r\n",
		"EHLO x\r\nMAIL FROM:<a@b> SIZE=3\r\nRCPT TO:<b@p.example>\r\nDATA\r\n..x\r\n.\r\n",
		"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<\"a b\"@p.example>\r\nRSET\r\nNOOP\r\nVRFY x\r\n",
		"EHLO x\r\nSTARTTLS\r\n\x16\x03\x01", "BDAT 99999999999 LAST\r\nx", "EHLO x\nBDAT 5\r\n12345BDAT 0 LAST\r\n", "\r\n\x00\xff\r\n",
	} {
		f.Add([]byte(seed))
	}
	i := start(f, Config{Memory: true, Providers: []Provider{{
		Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"},
		Behaviour: Behaviour{StartTLS: true, MaxSize: 1 << 16, UnknownUser: 0.3, Greylist: time.Hour},
	}}})
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := i.DialContext(t.Context(), "tcp", "mx.p.example:25")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write(input) // the server may hang up before the end
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err, ok := err.(net.Error); ok && err.Timeout() {
			t.Fatalf("no end after %q", answer)
		}
		if bytes.Contains(input, []byte("\x16\x03")) || strings.Contains(strings.ToUpper(string(input)), "STARTTLS") {
			return // what follows is TLS
		}
		for line := range bytes.Lines(answer) {
			if !wellFormed(string(line[:min(4, len(line))])) && !(len(line) > 4 && line[3] == '-') || !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Fatalf("reply line %q", line)
			}
		}
	})
}

// FuzzInspect checks the message scan against the plain definitions.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(message("<1@x>")))
	f.Add([]byte("a\rb\nc\r\n\r\nd"))
	f.Add([]byte("message-ID:\r\n <2@x>\r\n\r\n\x80"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		got := inspect(msg)
		without := bytes.ReplaceAll(msg, []byte("\r\n"), nil)
		if crlf := bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\n\n")); got.bareCR != bytes.ContainsRune(crlf, '\r') {
			t.Errorf("bare CR: %v in %q", got.bareCR, msg)
		}
		marked := bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\x01"))
		if got.bareLF != bytes.ContainsRune(marked, '\n') {
			t.Errorf("bare LF: %v in %q", got.bareLF, msg)
		}
		if got.unfinished != (len(msg) > 0 && msg[len(msg)-1] != '\n') {
			t.Errorf("unfinished: %v in %q", got.unfinished, msg)
		}
		if got.eightBit != !isASCII(without) {
			t.Errorf("8-bit: %v in %q", got.eightBit, msg)
		}
	})
}

// FuzzUnstuff checks dot-unstuffing, which works in place, against stuffing.
func FuzzUnstuff(f *testing.F) {
	f.Add([]byte(".a\r\n..\r\n.\r\nb\r\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		stuffed := bytes.ReplaceAll(append([]byte("\r\n"), msg...), []byte("\r\n."), []byte("\r\n.."))[2:]
		if got := unstuff(stuffed); !bytes.Equal(got, msg) {
			t.Errorf("%q came back as %q", msg, got)
		}
	})
}
