package message

import (
	"bytes"
	"mime"
	"strings"
	"testing"
)

// headerOf returns a built message's header block and its lines.
func headerOf(t *testing.T, raw []byte) (string, []string) {
	t.Helper()
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	return string(header), strings.Split(string(header), "\r\n")
}

func TestHeader(t *testing.T) {
	src := Source{From: "Example News <news@EXAMPLE.org>", ReplyTo: "Büro <office@bücher.example>", Subject: "Hello", Text: "x {{ unsubscribe_url }}"}
	c := compile(t, src, Options{ListName: "Weekly, the", ListID: "weekly", Mailer: "Broadside 1"})
	r := recipient(nil)
	r.UnsubscribeMailto = "mailto:leave@example.org?subject=" + strings.Repeat("x", 40)
	raw := build(t, c, r)
	checkWire(t, raw)
	header, _ := headerOf(t, raw)
	want := strings.ReplaceAll(`Date: Sun, 01 Mar 2026 09:30:00 +0100
From: Example News <news@example.org>
Reply-To: =?UTF-8?B?QsO8cm8=?= <office@xn--bcher-kva.example>
To: ann@example.com
Message-ID: <c1.r7@example.org>
Subject: Hello
List-Id: "Weekly, the" <weekly.example.org>
List-Unsubscribe: <https://example.org/u/abc?k=1>,
 <mailto:leave@example.org?subject=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Feedback-ID: 7:news:bulk:example
Precedence: bulk
X-Mailer: Broadside 1
MIME-Version: 1.0
Content-Transfer-Encoding: quoted-printable
Content-Type: text/plain; charset=UTF-8`, "\n", "\r\n") // M1, M8, M9, M10, M16
	if header != want {
		t.Errorf("got\n%s\nwant\n%s", header, want)
	}
	if c.FromAddress() != "news@example.org" || c.FromDomain() != "example.org" {
		t.Errorf("from %q of %q", c.FromAddress(), c.FromDomain())
	}
	if n := c.Size(); n < 300 || n > len(raw) {
		t.Errorf("size %d of a message of %d", n, len(raw))
	}
}

func TestHeaderWithoutOptions(t *testing.T) {
	r := recipient(nil)
	r.Unsubscribe, r.FeedbackID = "", ""
	header, _ := headerOf(t, build(t, compile(t, Source{Text: "x"}, Options{}), r))
	for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Precedence", "Auto-Submitted", "X-Mailer", "User-Agent", "Return-Path"} {
		if countField([]byte(header), name) != 0 {
			t.Errorf("there is a %s field:\n%s", name, header)
		}
	}
}

// Mail that a program has made for one person is no bulk mail. M10
func TestHeaderOfAutomaticMail(t *testing.T) {
	header, _ := headerOf(t, build(t, compile(t, Source{Text: "x"}, Options{Automatic: true}), recipient(nil)))
	if !strings.Contains(header, "\r\nAuto-Submitted: auto-generated\r\n") || countField([]byte(header), "Precedence") != 0 {
		t.Errorf("the header is\n%s", header)
	}
}

// M3, M4
func TestSubjects(t *testing.T) {
	for _, subject := range []string{
		"plain", strings.Repeat("word ", 100) + "end", strings.Repeat("x", 500), "a  b", "=?UTF-8?Q?a?=", "a=?b", "trailing ?=",
		"für Anna", strings.Repeat("ü", 300), strings.Repeat("日本語", 90), strings.Repeat("👩‍👩‍👧", 40), strings.Repeat("a ü ", 80), "x_y=z? ü",
		strings.Repeat("a", 53) + "ü", strings.Repeat("a", 54) + "ü", strings.Repeat("a", 55) + "日", "_ü",
	} {
		c := compile(t, Source{Subject: "{{ s }}", Text: "x"}, Options{})
		raw := build(t, c, recipient(map[string]any{"s": subject}))
		checkWire(t, raw)
		if got := parse(t, raw).header.Get("Subject"); decodeHeader(t, got) != subject {
			t.Errorf("%q came back as %q", subject, decodeHeader(t, got))
		}
		_, lines := headerOf(t, raw)
		for _, line := range lines {
			checkEncodedLine(t, line)
		}
	}
}

func checkEncodedLine(t *testing.T, line string) {
	t.Helper()
	if len(line) > 78 {
		t.Errorf("a line of %d characters: %s", len(line), line)
	}
	if strings.TrimSpace(line) == "" {
		t.Error("a line of blanks")
	}
	for word := range strings.FieldsSeq(line) {
		if !strings.HasPrefix(word, "=?UTF-8?") {
			continue
		}
		if len(word) > 75 || len(line) > 76 {
			t.Errorf("an encoded-word of %d in a line of %d", len(word), len(line))
		}
		if text, err := new(mime.WordDecoder).Decode(word); err != nil || strings.ContainsRune(text, '\uFFFD') {
			t.Errorf("%s splits a character: %q, %v", word, text, err)
		}
	}
}

func decodeHeader(t *testing.T, v string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSenderNames(t *testing.T) {
	for _, name := range []string{
		"News", "News & More", "Doe, Jane", `The "Best"`, `back\slash`, "Büro", strings.Repeat("Grüße ", 20) + "!", strings.Repeat("word ", 30) + "end",
		"日本語ニュースレター配信", strings.Repeat("x", 90), "a.b", "(paren)", "a@b",
	} {
		from := strings.TrimPrefix(string(appendMailbox(nil, "X", mailbox{name, "news", "example.org"})), "X: ")
		c := compile(t, Source{From: strings.ReplaceAll(from, "\r\n", ""), Text: "x"}, Options{ListName: name, ListID: "l"})
		raw := build(t, c, recipient(nil))
		checkWire(t, raw)
		got, err := parse(t, raw).header.AddressList("From")
		if err != nil || len(got) != 1 || got[0].Name != name || got[0].Address != "news@example.org" {
			t.Errorf("%q came back as %v, %v", name, got, err)
		}
		_, lines := headerOf(t, raw)
		for _, line := range lines {
			checkEncodedLine(t, line)
		}
	}
}

// M14: nothing that is merged adds a header or a line.
func TestHeaderInjection(t *testing.T) {
	c := compile(t, Source{Subject: "Hi {{ v }}", Text: "x"}, Options{})
	block := compile(t, Source{Subject: "Hi {% if v %}{{ v }}{% endif %}", Text: "x"}, Options{})
	for _, attack := range []string{
		"x\r\nBcc: evil@example.net", "x\nBcc: e", "x\rBcc: e", "x\r\n\r\nbody", "x\x00y", "x\x0by", "x\x1by", "x\x7fy", "x\ty",
		"x\u0085y", "x\u2028y", "x\u2029y",
	} {
		for _, c := range []*Content{c, block} {
			dst := []byte("before")
			out, err := c.Append(dst, recipient(map[string]any{"v": attack}))
			if err == nil {
				t.Errorf("%q is taken:\n%.300s", attack, out)
				continue
			}
			mergeError(t, err)
			if string(out) != "before" {
				t.Errorf("%q: %d bytes are left", attack, len(out))
			}
		}
	}
	for _, harmless := range []string{"=0D=0ABcc: e", "%0d%0a", "=?UTF-8?Q?=0D=0ABcc:_e?=", `\r\n`} {
		raw := build(t, c, recipient(map[string]any{"v": harmless}))
		checkWire(t, raw)
		if got := parse(t, raw).header.Get("Subject"); decodeHeader(t, got) != "Hi "+harmless {
			t.Errorf("%q came back as %q", harmless, decodeHeader(t, got))
		}
	}
}

func TestRecipientInjection(t *testing.T) {
	c := compile(t, Source{Text: "x"}, Options{})
	for name, change := range map[string]func(*Recipient){
		"no at":             func(r *Recipient) { r.Email = "ann" },
		"no local part":     func(r *Recipient) { r.Email = "@example.com" },
		"two recipients":    func(r *Recipient) { r.Email = "a@example.com, b@example.com" },
		"CRLF":              func(r *Recipient) { r.Email = "a@example.com\r\nBcc: e@example.com" },
		"X1":                func(r *Recipient) { r.Email = `"x> ORCPT=admin"@example.com` },
		"NUL":               func(r *Recipient) { r.Email = "a\x00@example.com" },
		"U+2028":            func(r *Recipient) { r.Email = "a\u2028b@example.com" },
		"a blank":           func(r *Recipient) { r.Email = "a b@example.com" },
		"U-label":           func(r *Recipient) { r.Email = "a@bücher.example" },
		"long local part":   func(r *Recipient) { r.Email = strings.Repeat("a", 65) + "@example.com" },
		"Message-ID":        func(r *Recipient) { r.MessageID = "a@b>\r\nBcc: e" },
		"no Message-ID":     func(r *Recipient) { r.MessageID = "" },
		"plain HTTP":        func(r *Recipient) { r.Unsubscribe = "http://example.org/u" },
		"URL injects":       func(r *Recipient) { r.Unsubscribe = "https://example.org/>\r\nBcc: e" },
		"a second URL":      func(r *Recipient) { r.Unsubscribe = "https://example.org/,https://evil.example" },
		"URL too long":      func(r *Recipient) { r.Unsubscribe = "https://example.org/" + strings.Repeat("x", 1000) },
		"mailto is a URL":   func(r *Recipient) { r.UnsubscribeMailto = "https://example.org/" },
		"Feedback-ID":       func(r *Recipient) { r.FeedbackID = "a\nb" },
		"attributes":        func(r *Recipient) { r.Attributes = []byte(`[1]`) },
		"broken attributes": func(r *Recipient) { r.Attributes = []byte(`{"a":`) },
	} {
		r := recipient(nil)
		change(r)
		if out, err := c.Append(nil, r); err == nil {
			t.Errorf("%s: taken:\n%s", name, out)
		} else {
			mergeError(t, err)
		}
	}
	r := recipient(nil)
	r.Unsubscribe = "https://example.org/" + strings.Repeat("x", 850) // M3
	checkWire(t, build(t, c, r))
}

// S21
func TestNeedsUTF8(t *testing.T) {
	for email, want := range map[string]bool{"ann@example.com": false, "jürgen@example.com": true, `"a.b"@example.com`: false} {
		if NeedsUTF8(email) != want {
			t.Errorf("NeedsUTF8(%q) = %v", email, !want)
		}
		r := recipient(nil)
		r.Email = email
		header, _ := headerOf(t, build(t, compile(t, Source{Text: "{{ email }}"}, Options{}), r))
		wantContains(t, "header", header, "\r\nTo: "+email+"\r\n")
	}
}
