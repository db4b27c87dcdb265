package message

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"html"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// counted are the options of a message that counts its readers.
var counted = Options{Links: true, Pixel: true}

const pixelURL = "https://t.example/o/abc"

// tracking makes a recipient who is counted: their links say which they are, and what
// differs.
func tracking(r *Recipient) *Recipient {
	r.Pixel = pixelURL
	r.Link = func(dst []byte, link int, rest []byte) []byte {
		return fmt.Appendf(dst, "https://t.example/c/%d-%x", link, rest)
	}
	return r
}

var trackedURL = regexp.MustCompile(`https://t\.example/c/(\d+)-([0-9a-f]*)`)

// led puts the addresses that counted links lead to in their places.
func led(t testing.TB, c *Content, s string) string {
	t.Helper()
	return trackedURL.ReplaceAllStringFunc(s, func(u string) string {
		m := trackedURL.FindStringSubmatch(u)
		n, err := strconv.Atoi(m[1])
		if err != nil || n >= len(c.Links()) {
			t.Fatalf("there is no link %s", m[1])
		}
		rest, err := hex.DecodeString(m[2])
		if err != nil {
			t.Fatal(err)
		}
		l := c.Links()[n]
		return l.Target[:l.Fixed] + string(rest)
	})
}

func TestLinks(t *testing.T) {
	attributes := map[string]any{"name": "Ann & <Bo>", "id": 7, "vip": true, "site": "https://evil.example/", "host": "evil.example"}
	for _, test := range []struct {
		name  string
		src   Source
		links []string // with what is fixed before a bar
		wants []string // of html and text
	}{
		{"plain", Source{HTML: `<a href="https://a.example/x?b=1&amp;c=2">go</a>`}, []string{"https://a.example/x?b=1&c=2|"},
			[]string{`<a href="https://t.example/c/0-">go</a>`, "go (https://t.example/c/0-)"}},
		{"the same address twice is one link", Source{HTML: `<a href="https://a.example/">A</a><a href='https://a.example/'>B</a>`}, []string{"https://a.example/|"},
			[]string{`<a href="https://t.example/c/0-">A</a><a href='https://t.example/c/0-'>B</a>`}},
		{"whose text is the address", Source{HTML: `<a href="https://a.example/">https://a.example/</a>`}, []string{"https://a.example/|"},
			[]string{`<a href="https://t.example/c/0-">https://a.example/</a>`, "\nhttps://t.example/c/0-\n"}},
		{"personal", Source{HTML: `<a href="https://a.example/?n={{ name }}&amp;v={{ id }}">go</a>`}, []string{"https://a.example/?n=|{{ name }}&v={{ id }}"},
			[]string{`<a href="https://t.example/c/0-` + hex.EncodeToString([]byte("Ann%20%26%20%3CBo%3E&v=7")) + `">`}},
		{"in a block", Source{HTML: `{% if vip %}<a href="https://a.example/{{ id }}">go</a>{% else %}<a href="https://b.example/">no</a>{% endif %}`}, []string{"https://a.example/|{{ id }}", "https://b.example/|"},
			[]string{`<a href="https://t.example/c/0-37">go</a>`}},
		{"after a variable", Source{HTML: `{% assign k = id %}<a href="https://a.example/{{ k }}">go</a>`}, []string{"https://a.example/|{{ k }}"},
			[]string{`https://t.example/c/0-37`}},
		{"a button of Outlook, an area, no quotes", Source{HTML: `<!--[if mso]><v:roundrect href="https://a.example/1"></v:roundrect><![endif]--><map><area href=https://a.example/2></map>`}, []string{"https://a.example/1|", "https://a.example/2|"},
			[]string{`<v:roundrect href="https://t.example/c/0-">`, `<area href=https://t.example/c/1->`}},
		{"in text", Source{Text: "See https://a.example/x (or https://a.example/y_(z)). Write to https://a.example/{{ id }}, {{ name }}!"}, []string{"https://a.example/x|", "https://a.example/y_(z)|", "https://a.example/|{{ id }}"},
			[]string{"See https://t.example/c/0- (or https://t.example/c/1-). Write to https://t.example/c/2-37, Ann"}},
		{"markdown", Source{Markdown: "[go](https://a.example/{{ id }})\n\nhttps://b.example/"}, []string{"https://a.example/|{{ id }}", "https://b.example/|"}, nil},
		{"a host of another script", Source{HTML: `<a href=" HTTPS://bücher.example:8443/ü ">go</a>`}, []string{"https://xn--bcher-kva.example:8443/ü|"}, nil},
		// X7: whoever may not choose where it leads, does not.
		{"merged host", Source{HTML: `<a href="{{ site }}">a</a><a href="https://{{ host }}/">b</a><a href="https://a.example{{ host }}">c</a><a href="https://a.example@{{ host }}/">d</a>`}, nil, nil},
		{"no web links", Source{HTML: `<a href="mailto:a@b.example">a</a><a href="#top">b</a><a href="tel:+4930">c</a><a href="/x">d</a><a href="ftp://a.example/">e</a><a href="https://">f</a><a>g</a><a href="https://u:p@a.example/">h</a>`}, nil, nil},
		{"no links to click", Source{HTML: `<link href="https://a.example/s.css"><img src="https://a.example/i.png" alt="I">`}, nil, nil},
		{"ways out", Source{HTML: `<a href="{{ unsubscribe_url }}">a</a>`, Text: "Out: {{ unsubscribe_url }}"}, nil, []string{"Out: https://example.org/u/abc?k=1"}},
		{"tags inside", Source{HTML: `<a href="https://a.example/{% if vip %}v{% endif %}">go</a>`}, nil, nil},
		{"captured", Source{HTML: `{% capture x %}<a href="https://a.example/">go</a>{% endcapture %}{{ x }}`}, []string{"https://a.example/|"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := compile(t, test.src, counted)
			var links []string
			for _, l := range c.Links() {
				links = append(links, l.Target[:l.Fixed]+"|"+l.Target[l.Fixed:])
			}
			if got, want := fmt.Sprint(links), fmt.Sprint(test.links); got != want {
				t.Errorf("links %s, want %s", got, want)
			}
			raw := build(t, c, tracking(recipient(attributes)))
			checkWire(t, raw)
			p := parse(t, raw)
			all := p.bodies["text/html"] + "\n" + p.bodies["text/plain"]
			wantContains(t, "the message", all, test.wants...)
			differsInNothingElse(t, test.src, attributes)
		})
	}
}

// differsInNothingElse renders a source for somebody who is counted, for somebody who is
// not, and without any counting.
func differsInNothingElse(t testing.TB, src Source, attributes map[string]any) {
	t.Helper()
	c := compile(t, src, counted)
	plain := build(t, compile(t, src, Options{}), recipient(attributes))
	uncounted := build(t, c, recipient(attributes))
	tracked := build(t, c, tracking(recipient(attributes)))
	want := parse(t, plain)
	for who, raw := range map[string][]byte{"not counted": uncounted, "counted": tracked} {
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if wanted, _, _ := bytes.Cut(plain, []byte("\r\n\r\n")); !bytes.Equal(head, wanted) {
			t.Errorf("%s: the header is\n%s, not\n%s", who, head, wanted)
		}
		got := parse(t, raw)
		if got.tree != want.tree {
			t.Errorf("%s: the message is %s, not %s", who, got.tree, want.tree)
		}
		if who == "counted" {
			const pixel = `<img src="` + pixelURL + `" width="1" height="1" alt="">`
			if n := strings.Count(got.bodies["text/html"], pixel); got.bodies["text/html"] != "" && n != 1 {
				t.Errorf("%d pixels", n)
			}
			got.bodies["text/html"] = html.UnescapeString(led(t, c, strings.Replace(got.bodies["text/html"], pixel, "", 1)))
			got.bodies["text/plain"] = led(t, c, got.bodies["text/plain"])
		}
		wanted := maps.Clone(want.bodies)
		if who == "counted" {
			wanted["text/html"] = asLed(html.UnescapeString(wanted["text/html"]))
			wanted["text/plain"] = asLed(wanted["text/plain"])
		}
		if got.bodies["text/html"] == "" {
			delete(got.bodies, "text/html")
		}
		if wanted["text/html"] == "" {
			delete(wanted, "text/html")
		}
		if !maps.Equal(got.bodies, wanted) {
			t.Errorf("%s:\n%q, not\n%q", who, got.bodies, wanted)
		}
	}
}

// asLed writes an address as a counted link leads to it.
func asLed(s string) string {
	return strings.NewReplacer(`" HTTPS://bücher.example:8443/ü "`, `"https://xn--bcher-kva.example:8443/ü"`, "HTTPS://bücher.example:8443/ü", "https://xn--bcher-kva.example:8443/ü").Replace(s)
}

// A tracked message differs from one that is not in its links and its pixel alone.
func TestTrackedNewsletter(t *testing.T) {
	differsInNothingElse(t, newsletter(t), reader)
	differsInNothingElse(t, Source{Markdown: testdata(t, "letter.md"), Inline: logo}, map[string]any{"name": "Ann", "city": "Zürich", "status": "gold", "hour": "9:00"})
}

// FuzzLinks: whatever is written, who is not counted gets what everybody gets without
// counting, and links lead nowhere but to the host that was written.
func FuzzLinks(f *testing.F) {
	for _, s := range []string{
		`<a href="https://a.example/{{ a }}?x=1&amp;y={{ i }}#{{ a }}">x</a>`, `<a href="https://{{ a }}">`, `{% for k in (1..3) %}<a href="http://a.example/{{ k }}">{{ k }}</a>{% endfor %}`,
		`{% assign b = a %}<a href='https://a.example'>https://a.example</a>`, `{% capture c %}<a href="https://x.example/">{% endcapture %}{{ c }}`, `https://a.example/).`, `<a href=https://a.example/?a={{ a }}>`,
		"<body><a href=\"https://\x00@a\">", `{% if unsubscribe_url %}<a href="https://a.example/">x</a>{% endif %}`, `<!--[if x]><v:rect href="https://a.example/{{ a }}"><![endif]--></body>`,
	} {
		f.Add(s)
	}
	attributes := map[string]any{"a": "x y@evil.example/\\", "i": 3}
	f.Fuzz(func(t *testing.T, s string) {
		for _, src := range []Source{{HTML: s}, {Markdown: s}, {Text: s}} {
			plain, err := Compile(withDefaults(src), Options{})
			if err != nil {
				continue
			}
			c := compile(t, src, counted)
			want, err := plain.Append(nil, recipient(attributes))
			got, gotErr := c.Append(nil, recipient(attributes))
			if (err == nil) != (gotErr == nil) {
				t.Fatalf("%v, without counting %v", gotErr, err)
			}
			if err != nil {
				continue
			}
			checkWire(t, got)
			if a, b := parse(t, got), parse(t, want); a.tree != b.tree || !maps.Equal(a.bodies, b.bodies) {
				t.Errorf("not counted:\n%q, not\n%q", a.bodies, b.bodies)
			}
			for _, l := range c.Links() {
				if !strings.HasPrefix(l.Target, "http") || l.Fixed < len("http://a") || l.Fixed > len(l.Target) || l.Fixed < len(l.Target) && !strings.ContainsAny(l.Target[len("https://"):l.Fixed], "/?#") {
					t.Errorf("link %+v", l)
				}
			}
			tracked, err := c.Append(nil, tracking(recipient(attributes)))
			if err != nil {
				mergeError(t, err)
				continue
			}
			checkWire(t, tracked)
			parse(t, tracked)
		}
	})
}
