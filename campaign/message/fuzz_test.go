package message

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"
	"testing"
)

// FuzzAppend merges any value into every place there is: the message always parses,
// has each field once, and the value comes back unchanged where it is plain text.
func FuzzAppend(f *testing.F) {
	src := Source{
		Subject:   "Hi {{ v }}",
		Preheader: "{{ v }}",
		HTML: `<html><body style="color: {{ w | default: "red" }}"><a href="https://e.org/{{ v }}?q={{ v }}" title='{{ v }}'>{{ v }}</a>` +
			`{% if v %}<b>{{ v | strip }}</b>{% endif %}</body></html>`,
		Text: "{{ v }}",
	}
	c := compile(f, src, Options{ListName: "News", ListID: "news"})
	plain := compile(f, Source{Text: "before {{ v }} after {{ unsubscribe_url }}"}, Options{})
	for _, v := range []string{"", "Ann", "a\r\nBcc: x", "\r\n.\r\n", "=_", "\x00\xff", "ü\u2028", `"><script>`, strings.Repeat(" x", 100), strings.Repeat("é", 60), "--=_a\r\n"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		r := recipient(map[string]any{"v": v})
		raw, err := c.Append(nil, r)
		if err == nil {
			checkWire(t, raw)
			if p := parse(t, raw); p.tree != "alternative{text/plain,text/html}" {
				t.Errorf("tree %s", p.tree)
			}
		} else {
			mergeError(t, err)
		}
		raw = build(t, plain, r)
		checkWire(t, raw)
		var sent map[string]string // as JSON keeps it: bytes that are not UTF-8 are replaced
		if err := json.Unmarshal(r.Attributes, &sent); err != nil {
			t.Fatal(err)
		}
		want := lines("before " + sent["v"] + " after " + r.Unsubscribe + "\n")
		if got := parse(t, raw).bodies["text/plain"]; got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}

// FuzzScanAttributes compares with encoding/json.
func FuzzScanAttributes(f *testing.F) {
	f.Add(`{"a":"x","b":-1.5e3,"a":true,"city":null,"n":{"a":[1,"]}"]}}`)
	f.Add(` { "\u0061" : "\u00e9\ud800\\" , "b":false } `)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, data string) {
		names := []string{"a", "b", "city", "n", ""}
		vals := make([]value, len(names))
		err := scanAttributes([]byte(data), names, vals)
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(data), &want) != nil || want == nil {
			return // only no panic is promised
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		for i, name := range names {
			checkValue(t, data, vals[i], want[name])
		}
	})
}

func checkValue(t *testing.T, data string, got value, raw json.RawMessage) {
	t.Helper()
	var want any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) > 0 && d.Decode(&want) != nil {
		t.Fatalf("%q: %s", data, raw)
	}
	switch want := want.(type) {
	case nil:
		if got.kind != missing {
			t.Errorf("%q: %+v is not missing", data, got)
		}
	case string:
		if string(got.text()) != want || got.empty() != (want == "") {
			t.Errorf("%q: %q, want %q", data, got.text(), want)
		}
	case bool:
		if got.kind != boolean || string(got.text()) != strconv.FormatBool(want) {
			t.Errorf("%q: %+v, want %v", data, got, want)
		}
	case json.Number:
		a, _ := strconv.ParseFloat(string(got.text()), 64)
		b, _ := want.Float64()
		if got.kind != number || a != b {
			t.Errorf("%q: %s, want %s", data, got.text(), want)
		}
	default:
		if got.kind != composite {
			t.Errorf("%q: %+v, want a composite", data, got)
		}
	}
}

// FuzzCompile compiles anything, and what compiles must make a message or a
// MergeError, within bounds.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`<p>{{ a | default: "x" }}</p>`, `{% for i in (1..9) %}{{ i | plus: a }}{% endfor %}`, `<a href="{{ a }}`, `{% assign a = "x" | split: "" %}{{ a | join }}`,
		`{% case a %}{% when 1 %}{% else %}{% endcase %}`, `{%- raw -%}{{{%- endraw -%}`, `<!--[if x]>{{ a }}<![endif]-->`, `{{ "now" | date: "%-" }}`, "# x\n\n- {{ a }}\n",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, html, markdown string) {
		for _, src := range []Source{{HTML: html}, {Markdown: markdown}, {Text: html}, {Subject: html, Text: "x"}} {
			c, err := Compile(withDefaults(src), Options{})
			if err != nil {
				continue
			}
			raw, err := c.Append(nil, recipient(map[string]any{"a": "x y", "i": 3}))
			if err != nil {
				mergeError(t, err)
				continue
			}
			checkWire(t, raw)
			parse(t, raw)
		}
	})
}

// FuzzQuotedPrintable compares with the standard library's reader (M6).
func FuzzQuotedPrintable(f *testing.F) {
	f.Add("a b \n\t\r\nü=.", "x", true)
	f.Add(strings.Repeat("y ", 80), "", false)
	f.Fuzz(func(t *testing.T, a, b string, last bool) {
		encoded, col := appendQP(nil, []byte(a), 0, false)
		encoded = endQP(encoded, col)
		encoded, col = appendQP(encoded, []byte(b), 0, last)
		if !last {
			encoded = endQP(encoded, col)
		}
		for line := range strings.SplitSeq(string(encoded), "\r\n") {
			if len(line) > 76 || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") || strings.ContainsAny(line, "\r\n") {
				t.Errorf("bad line %q", line)
			}
		}
		got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(encoded)))
		if err != nil {
			t.Fatal(err)
		}
		if want := lines(a) + lines(b); strings.ReplaceAll(string(got), "\r\n", "\n") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// lines is text with its line ends as LF.
func lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
