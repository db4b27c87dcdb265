package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseReply(t *testing.T) {
	for text, want := range map[string]Reply{
		"250":                                   {Code: 250},
		"250 ":                                  {Code: 250},
		"250 ok\r\n":                            {Code: 250, Text: "ok"},
		"421 5.7.32 TLS\n":                      {Code: 421, Enhanced: "5.7.32", Text: "TLS"}, // S23
		"550-5.1.1 no\r\n550-\r\n550 5.1.1 way": {Code: 550, Enhanced: "5.1.1", Text: "no way"},
		"550-no\n550 5.1.1 way":                 {Code: 550, Text: "no 5.1.1 way"},
		"550 5.6.7.8 is blocked":                {Code: 550, Text: "5.6.7.8 is blocked"},
		"550 5.1. is blocked":                   {Code: 550, Text: "5.1. is blocked"},
		"550 3.1.1 x":                           {Code: 550, Text: "3.1.1 x"},
		"554 5.7.1":                             {Code: 554, Enhanced: "5.7.1"},
		"571 ä\u2028\x00":                       {Code: 571, Text: "ä\\u2028\\x00"},
		"550 " + strings.Repeat("ä", 300):       {Code: 550, Text: strings.Repeat("ä", 256)},
		"550 " + strings.Repeat("x", 600):       {Code: 550, Text: strings.Repeat("x", 512)},
	} {
		got, err := ParseReply(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{ // S3
		"", "\n", "25", "250x", "150 no", "650 no", "2a0 no", "250-open", "250-ok\n550 no", "250-ok\nno",
		strings.Repeat("250-x\r\n", 101), "250 " + strings.Repeat("x", 1<<20),
		strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 20),
	} {
		if got, err := ParseReply(text); err == nil {
			t.Errorf("%.60q: %+v", text, got)
		}
	}
	r := Reply{Code: 550, Enhanced: "5.1.1", Text: "no"}
	if r.String() != "550 5.1.1 no" || (Reply{}).String() != "no reply" || (Reply{Code: 250}).String() != "250" {
		t.Error(r)
	}
}

// S3, X3, X4: whatever comes, what is kept of it is short, printable and has one code.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "250", "550 5.1.1 \x1b[0m\r\n", "250-\r\n251 \r\n", "\xff\xfe", "550-5.7.1 a\n550 5.7.1 b\n220 next\n"} {
		f.Add([]byte(seed))
	}
	enhanced := regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})?$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := replyReader{in: bufio.NewReaderSize(bytes.NewReader(data), 512), maxLines: 10, maxBytes: 2000}
		for {
			code, err := r.read()
			if err != nil {
				if _, ok := errors.AsType[malformed](err); !ok && err != io.EOF {
					t.Fatalf("%v", err)
				}
				return
			}
			reply := newReply(code, r.text)
			if code < 200 || code > 599 || reply.Code != code || len(r.text) > 2000 {
				t.Fatalf("%+v", reply)
			}
			if len(reply.Text) > maxText || !utf8.ValidString(reply.Text) || !enhanced.MatchString(reply.Enhanced) ||
				strings.ContainsFunc(reply.Text, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Fatalf("%q", reply)
			}
			if again, err := ParseReply(reply.String()); err != nil || again.Code != code {
				t.Fatalf("%q is read as %q, %v", reply, again, err)
			}
		}
	})
}

func TestCapabilities(t *testing.T) {
	got := parseCapabilities([]byte("PIPELINING is my name\nSIZE\nSIZE 35882577\nauth plain Login\nAUTH=CRAM-MD5\n\nlimits MailMax=20 RCPTMAX=100 RCPTDOMAINMAX=1\nX-ODD\n"))
	if got.Pipelining || !got.Size || got.MaxSize != 35882577 || strings.Join(got.Auth, " ") != "PLAIN LOGIN CRAM-MD5" || got.MailMax != 20 || got.RcptMax != 100 {
		t.Errorf("%+v", got)
	}
	for _, limits := range []string{"", "MAILMAX", "MAILMAX=", "MAILMAX=0", "MAILMAX=01", "MAILMAX=1234567", "MAILMAX=-1", "MAILMAX=1x", "MAXMAIL=1"} { // S25
		if got := parseCapabilities([]byte("x\nLIMITS " + limits + "\n")); got.MailMax != 0 {
			t.Errorf("%s: %+v", limits, got)
		}
	}
	for size, want := range map[string]int64{"": 0, "0": 0, "10": 10, "-1": 0, "x": 0, "99999999999999999999": 1<<63 - 1} {
		if got := parseCapabilities([]byte("x\nSIZE " + size + "\n")); !got.Size || got.MaxSize != want {
			t.Errorf("SIZE %s: %+v", size, got)
		}
	}
}

func FuzzCapabilities(f *testing.F) {
	f.Add([]byte("mx.example.net\nPIPELINING\nSIZE 10\nLIMITS MAILMAX=3 RCPTMAX=0\nAUTH=LOGIN\n"))
	f.Add([]byte("SIZE -1\n\xff\n LIMITS =\nLIMITS MAILMAX=999999\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := parseCapabilities(text)
		if c.MaxSize < 0 || c.MailMax < 0 || c.MailMax > 999999 || c.RcptMax < 0 || c.RcptMax > 999999 {
			t.Fatalf("%+v", c)
		}
	})
}

// cut splits a message into buffers of the lengths that sizes has.
func cut(msg []byte, sizes []byte) net.Buffers {
	var b net.Buffers
	for _, n := range sizes {
		n := min(int(n), len(msg))
		b = append(b, msg[:n])
		msg = msg[n:]
	}
	return append(b, msg)
}

// S5: what inspect lets through has no bare CR or LF and no long line, and wherever
// a message is cut into buffers it sees the same.
func FuzzInspect(f *testing.F) {
	for name := range testMessages {
		f.Add(bytes.Join(testMessages[name], nil), []byte{1, 0, 2, 3})
	}
	for _, smuggled := range []string{"a\n.\nb\r\n", "a\r.\rb\r\n", "a\n.\r\nb\r\n", "a\r\n.\nb\r\n", "\n", "\r", "\r\n", "\r\r\n"} {
		f.Add([]byte(smuggled), []byte{1, 1})
	}
	bare := regexp.MustCompile(`\r[^\n]|\r$|(^|[^\r])\n`)
	f.Fuzz(func(t *testing.T, msg, sizes []byte) {
		got := inspect(cut(msg, sizes))
		long := false
		for line := range strings.SplitSeq(string(msg), "\r\n") {
			long = long || len(line) > maxLine
		}
		fine := bytes.HasSuffix(msg, []byte("\r\n")) && !bare.Match(latin1(msg)) && !long
		if fine != (got.flaw == "") {
			t.Fatalf("%q in %v: %q", msg, sizes, got.flaw)
		}
		if !fine {
			return
		}
		if got.size != int64(len(msg)) || got.eightBit != bytes.ContainsFunc(latin1(msg), func(r rune) bool { return r >= 0x80 }) {
			t.Fatalf("%q: %+v", msg, got)
		}
	})
}

// latin1 makes of every byte a character, for what works on characters.
func latin1(b []byte) []byte {
	var out []byte
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}

// S4: wherever a message is cut into buffers, taking the dots off again yields it,
// and it ends at the one lone dot.
func FuzzDots(f *testing.F) {
	for _, m := range []string{".\r\n", "..\r\n.x\r\n", "a\r\n.\r\n", "\r\n.\r\n\r\n", "a.\r\n"} {
		f.Add([]byte(m), []byte{1, 0, 1, 2})
	}
	f.Fuzz(func(t *testing.T, msg, sizes []byte) {
		body := cut(msg, sizes)
		if inspect(body).flaw != "" {
			return
		}
		var sent bytes.Buffer
		w := writer{conn: sink{w: &sent}}
		w.start(1)
		w.dotted(&mail{body: body})
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(&sent)
		got, err := readDotted(in)
		if err != nil || !bytes.Equal(got, msg) || in.Buffered() > 0 {
			t.Fatalf("%q in %v arrives as %q, %v", msg, sizes, got, err)
		}
	})
}

func TestPaths(t *testing.T) {
	long := strings.Repeat("x", 64)
	for addr, fine := range map[string]bool{
		"a@b": true, "a+b=c@example.net": true, `"quoted"@example.net`: true, "müller@example.net": true,
		"a@[192.0.2.1]": true, long + "@example.net": true,
		"": false, "a": false, "@b": false, "a@": false, "a b@c": false, "a@b\r\nDATA": false, "<a@b>": false, "a>@b": false,
		`"x> ORCPT=admin"@h`: false, "a@b\x00": false, "a\u2028@b": false, "a\u0085@b": false, "a\x7f@b": false, "\xff@b": false, // X1
		"a@müller.example": false, long + "x@example.net": false, "a@" + strings.Repeat("x.", 130) + "y": false, // S6
	} {
		if flaw := checkPath(addr); (flaw == "") != fine {
			t.Errorf("%q: %q", addr, flaw)
		}
	}
}

// X1: an envelope that is let through is one command with nothing added.
func FuzzPaths(f *testing.F) {
	f.Add("a@b", "x@y", "id")
	f.Add(`"x> ORCPT=admin"@h`, "a@b\r\nDATA", "a+b=c")
	f.Fuzz(func(t *testing.T, from, to, id string) {
		if checkPath(from) != "" || checkPath(to) != "" || len(id) > 100 {
			return
		}
		m := &mail{env: Envelope{From: from, To: to, EnvelopeID: id, DSN: NotifyFailure}}
		offers := &Capabilities{DSN: true, Size: true}
		for line, most := range map[string]int{
			string(appendMail(nil, m, offers)): 3, // SIZE RET ENVID
			string(appendRcpt(nil, m, offers)): 2, // NOTIFY ORCPT
		} {
			command, ended := strings.CutSuffix(line, "\r\n")
			path, params, _ := strings.Cut(command, "> ")
			if !ended || strings.ContainsAny(command, "\r\n") || strings.Contains(path, ">") ||
				strings.Count(params, " ") >= most || len(line) > 1024 {
				t.Fatalf("%q", line)
			}
		}
	})
}
