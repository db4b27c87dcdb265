package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// compile compiles a source that has a sender and a subject unless it says otherwise.
func compile(t testing.TB, src Source, opt Options) *Content {
	t.Helper()
	c, err := Compile(withDefaults(src), opt)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return c
}

func withDefaults(src Source) Source {
	if src.From == "" {
		src.From = "Example News <news@example.org>"
	}
	if src.Subject == "" {
		src.Subject = "Hello"
	}
	return src
}

// recipient returns a complete recipient with the attributes.
func recipient(attributes map[string]any) *Recipient {
	if attributes == nil {
		attributes = map[string]any{}
	}
	data, err := json.Marshal(attributes)
	if err != nil {
		panic(err)
	}
	return &Recipient{
		Email:       "ann@example.com",
		Attributes:  data,
		MessageID:   "c1.r7@example.org",
		Date:        time.Date(2026, 3, 1, 9, 30, 0, 0, time.FixedZone("", 3600)),
		Unsubscribe: "https://example.org/u/abc?k=1",
		FeedbackID:  "7:news:bulk:example",
	}
}

func build(t testing.TB, c *Content, r *Recipient) []byte {
	t.Helper()
	raw, err := c.Append(nil, r)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return raw
}

// parsed is a message as Go's own parsers read it.
type parsed struct {
	header mail.Header
	tree   string            // multipart/mixed(…)
	bodies map[string]string // by media type, decoded; of files by name
	names  []string          // of files
}

func parse(t testing.TB, raw []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("not a message: %v\n%s", err, raw)
	}
	p := parsed{header: m.Header, bodies: map[string]string{}}
	p.tree = p.entity(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return p
}

func (p *parsed) entity(t testing.TB, contentType, encoding, disposition string, body io.Reader) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("Content-Type %q: %v", contentType, err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return kind + p.leaf(t, kind, encoding, disposition, body)
	}
	var children []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		h := part.Header
		children = append(children, p.entity(t, h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), part))
	}
	return strings.TrimPrefix(kind, "multipart/") + "{" + strings.Join(children, ",") + "}"
}

func (p *parsed) leaf(t testing.TB, kind, encoding, disposition string, body io.Reader) string {
	t.Helper()
	if encoding == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	if disposition == "" {
		p.bodies[kind] = strings.ReplaceAll(string(data), "\r\n", "\n")
		return ""
	}
	how, params, err := mime.ParseMediaType(disposition)
	if err != nil {
		t.Fatalf("Content-Disposition %q: %v", disposition, err)
	}
	p.names = append(p.names, params["filename"])
	p.bodies[params["filename"]] = string(data)
	return ":" + how
}

// checkWire checks what every message must hold whatever was merged into it.
func checkWire(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Errorf("the message does not end with CRLF")
	}
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for i, line := range bytes.SplitAfter(raw, []byte("\r\n")) {
		content := bytes.TrimSuffix(line, []byte("\r\n"))
		switch {
		case bytes.ContainsAny(content, "\r\n"):
			t.Errorf("line %d has a bare CR or LF: %q", i, line) // S5
		case len(content) > 998:
			t.Errorf("line %d has %d characters", i, len(content)) // S6, M3
		}
	}
	for _, c := range raw {
		if c >= 0x80 || c == 0 {
			t.Errorf("the message is not 7-bit") // S21
			break
		}
	}
	for _, name := range []string{"Date", "From", "To", "Message-ID", "Subject", "MIME-Version", "Content-Type"} {
		if n := countField(header, name); n != 1 {
			t.Errorf("%d %s fields", n, name) // M1
		}
	}
}

func countField(header []byte, name string) int {
	n := 0
	for line := range strings.SplitSeq(string(header), "\r\n") {
		if len(line) > len(name) && strings.EqualFold(line[:len(name)+1], name+":") {
			n++
		}
	}
	return n
}

// both renders a source for attributes and returns its decoded parts.
func both(t testing.TB, src Source, attributes map[string]any) parsed {
	t.Helper()
	raw := build(t, compile(t, src, Options{}), recipient(attributes))
	checkWire(t, raw)
	return parse(t, raw)
}

func mergeError(t testing.TB, err error) *MergeError {
	t.Helper()
	m, ok := errors.AsType[*MergeError](err)
	if !ok {
		t.Fatalf("got %v, want a MergeError", err)
	}
	return m
}

func wantContains(t testing.TB, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", what, want, got)
		}
	}
}
