package message

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", name, got)
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var logo = []File{{Name: "logo.png", Data: []byte("\x89PNG")}}

// newsletter has everything a message can have.
func newsletter(t *testing.T) Source {
	return Source{
		From:          "Büro für Neues <news@example.org>",
		Subject:       "Grüße an {{ name | default: \"dich\" }}",
		Preheader:     "For {{ name }} & <all>",
		HTML:          testdata(t, "newsletter.html"),
		PostalAddress: "Example Ltd\n1 Road",
		Attachments: []File{
			{Name: `C:\files\Über uns.pdf`, Data: bytes.Repeat([]byte("pdf "), 100)},
			{Name: "../../" + strings.Repeat("長い名前", 12) + ".txt", Data: []byte("x")},
		},
		Inline: logo,
	}
}

var reader = map[string]any{"name": "Ann <Ö>", "city": "Zürich", "vip": true, "gold": false}

func TestNewsletter(t *testing.T) {
	raw := build(t, compile(t, newsletter(t), Options{ListName: "News", ListID: "news"}), recipient(reader))
	checkWire(t, raw)
	checkBody(t, raw)
	p := parse(t, raw)
	// M7: plain first, HTML last, images with the HTML, files at the end.
	if want := "mixed{alternative{text/plain,related{text/html,image/png:inline}},application/pdf:attachment,text/plain:attachment}"; p.tree != want {
		t.Errorf("tree\n%s, want\n%s", p.tree, want)
	}
	// M5
	if want := []string{"logo.png", "Über uns.pdf", strings.Repeat("長い名前", 12) + ".txt"}; !slices.Equal(p.names, want) {
		t.Errorf("names %q, want %q", p.names, want)
	}
	wantContains(t, "message", string(raw), "Content-Id: <logo.png@example.org>\r\n", `multipart/related; type="text/html";`)
	html := p.bodies["text/html"]
	wantContains(t, "html", html, `<img src="cid:logo.png@example.org"`,
		`<body bgcolor="#ffffff"><div style="display: none; max-height: 0; overflow: hidden; mso-hide: all;">For Ann &lt;Ö&gt; &amp; &lt;all&gt;&nbsp;`)
	golden(t, "newsletter.eml", raw)
	golden(t, "newsletter.txt", []byte(p.bodies["text/plain"]))
}

// checkBody is the byte scan of M6.
func checkBody(t testing.TB, raw []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 78 || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			t.Errorf("line of %d characters, or with a blank at its end: %q", len(line), line)
		}
		if b, ok := strings.CutPrefix(line, " boundary="); ok && len(b) > len(`""`)+70 {
			t.Errorf("long boundary %s", b)
		}
	}
	if types := strings.Count(string(raw), "Content-Type: text/"); types > strings.Count(strings.ToLower(string(raw)), "charset=utf-8") {
		t.Errorf("a text part without charset")
	}
}

func TestMarkdown(t *testing.T) {
	p := both(t, Source{Markdown: testdata(t, "letter.md"), Inline: logo}, map[string]any{
		"name": "Ann & Bo", "vip": true, "status": "<gold>", "id": 7, "city": "Zürich", "hour": "9:00"})
	golden(t, "letter.html", []byte(p.bodies["text/html"]))
	golden(t, "letter.txt", []byte(p.bodies["text/plain"]))
}

func TestTrees(t *testing.T) {
	file := []File{{Name: "a.pdf", Data: []byte("x")}}
	for want, src := range map[string]Source{
		"text/plain":                                                  {Text: "x"},
		"alternative{text/plain,text/html}":                           {HTML: "<p>x"},
		"mixed{text/plain,application/pdf:attachment}":                {Text: "x", Attachments: file},
		"alternative{text/plain,related{text/html,image/png:inline}}": {HTML: "<img src=\"cid:logo.png\">x", Inline: logo},
	} {
		if p := both(t, src, nil); p.tree != want {
			t.Errorf("tree %s, want %s", p.tree, want)
		}
	}
}

// The same, as Python's email package reads it.
func TestForeignParser(t *testing.T) {
	const script = `
import sys, json, email, email.policy
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
def tree(p):
    if p.is_multipart():
        return p.get_content_subtype() + "{" + ",".join(tree(c) for c in p.iter_parts()) + "}"
    return p.get_content_type() + ("=" + p.get_filename() if p.get_filename() else "")
print(json.dumps({
  "subject": m["subject"], "from": m["from"].addresses[0].display_name, "to": m["to"].addresses[0].addr_spec, "tree": tree(m),
  "text": m.get_body(("plain",)).get_content(), "html": m.get_body(("html",)).get_content(),
  "defects": [str(d) for p in m.walk() for d in p.defects] + [str(d) for h in m.values() for d in getattr(h, "defects", [])],
}))`
	raw := build(t, compile(t, newsletter(t), Options{ListName: "Grüße, alle", ListID: "news"}), recipient(reader))
	cmd := exec.CommandContext(t.Context(), "python3", "-c", script)
	cmd.Stdin = bytes.NewReader(raw)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	var got struct {
		Subject, From, To, Tree, Text, HTML string
		Defects                             []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Subject != "Grüße an Ann <Ö>" || got.From != "Büro für Neues" || got.To != "ann@example.com" {
		t.Errorf("header: %q, %q, %q", got.Subject, got.From, got.To)
	}
	want := "mixed{alternative{text/plain,related{text/html,image/png=logo.png}},application/pdf=Über uns.pdf,text/plain=" + strings.Repeat("長い名前", 12) + ".txt}"
	if got.Tree != want {
		t.Errorf("tree %s", got.Tree)
	}
	if len(got.Defects) > 0 {
		t.Errorf("defects: %q", got.Defects)
	}
	p := parse(t, raw)
	if lines(got.Text) != p.bodies["text/plain"] || lines(got.HTML) != p.bodies["text/html"] {
		t.Errorf("the bodies differ from Go's reading:\n%q", got.HTML)
	}
}
