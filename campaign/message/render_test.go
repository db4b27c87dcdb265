package message

import (
	"strings"
	"testing"
)

func TestMergedParts(t *testing.T) {
	p := both(t, Source{
		Subject:       `Hi {{ name | default: "there" }}`,
		HTML:          "<html><body>\n<h1>Hello {{ name }}!</h1><p>It is <a href=\"https://example.org/?n={{ name }}\">here</a>.</p></body></html>",
		PostalAddress: "Example Ltd\n1 Road",
	}, map[string]any{"name": "Ann <b>"})
	if got, want := p.header.Get("Subject"), "Hi Ann <b>"; got != want {
		t.Errorf("Subject %q, want %q", got, want)
	}
	if want := "alternative{text/plain,text/html}"; p.tree != want { // M7
		t.Errorf("tree %s, want %s", p.tree, want)
	}
	wantContains(t, "html", p.bodies["text/html"],
		"<h1>Hello Ann &lt;b&gt;!</h1>", `href="https://example.org/?n=Ann%20%3Cb%3E"`,
		`<a href="https://example.org/u/abc?k=1"`, "Example Ltd<br>1 Road</div>\n</body></html>")
	wantContains(t, "text", p.bodies["text/plain"],
		"Hello Ann <b>!\n\nIt is here (https://example.org/?n=Ann%20%3Cb%3E).\n",
		"Unsubscribe: https://example.org/u/abc?k=1\nExample Ltd\n1 Road\n")
}

var person = map[string]any{
	"name": "ann o'neil", "city": "Zürich", "age": "42", "n": 3, "big": 1e21, "half": 0.5, "vip": true, "off": false,
	"empty": "", "null": nil, "tags": "a,b,c", "joined": "2026-01-31", "html": `<script>alert("x")</script>`,
	"liquid": "{{ city }}{% include 'x' %}", "long": strings.Repeat("ü", 100), "list": []int{1}, "lines": "a\nb \n",
}

// renderText returns the text part of a template for person.
func renderText(t *testing.T, template string) (string, error) {
	t.Helper()
	c, err := Compile(withDefaults(Source{Text: template}), Options{})
	if err != nil {
		t.Fatalf("%s: %v", template, err)
	}
	r := recipient(person)
	r.Unsubscribe = ""
	raw, err := c.Append(nil, r)
	if err != nil {
		return "", err
	}
	checkWire(t, raw)
	return strings.TrimSuffix(parse(t, raw).bodies["text/plain"], "\n"), nil
}

func TestTemplates(t *testing.T) {
	for template, want := range map[string]string{
		// Simple outputs.
		`{{ name }}`: "ann o'neil", `a{{n}}b`: "a3b", `{{ big }}`: "1000000000000000000000", `{{ half }}`: "0.5", `{{ vip }}`: "true", `{{ off }}`: "false",
		`{{ email }}`: "ann@example.com", `{{ city }} {{ city }}`: "Zürich Zürich", `{{ long }}`: strings.Repeat("ü", 100), `{{ lines }}|`: "a\nb \n|",
		`{{ liquid }}`:                       "{{ city }}{% include 'x' %}", // X5: never parsed again
		`{{ now | date: "%Y-%m-%d %H:%M" }}`: "2026-03-01 09:30", `{{ "now" | date: "%-d %B" }}`: "1 March",
		// Defaults.
		`{{ x | default: "there" }}`: "there", `{{ null | default: 'a"b' }}`: `a"b`, `{{ empty | default: 7 }}`: "7", `{{ off | default: "no" }}`: "no",
		`{{ name | default: "x" }}`: "ann o'neil", `{{ empty }}`: "", `{{ x | default: name }}`: "ann o'neil", `{{ x | default: "" }}`: "",
		// Filters.
		`{{ name | capitalize }}`: "Ann o'neil", `{{ name | upcase | downcase }}`: "ann o'neil", `{{ city | upcase }}`: "ZÜRICH", `{{ name | escape }}`: "ann o'neil",
		`{{ x | capitalize | default: "you" }}`: "you", `{{ " a " | strip }}`: "a", `[{{ " a " | lstrip }}]`: "[a ]", `[{{ " a " | rstrip }}]`: "[ a]",
		`{{ name | append: "!" | prepend: "¡" }}`: "¡ann o'neil!", `{{ name | remove: "n" }}`: "a o'eil", `{{ name | replace: "n", "mm" }}`: "ammmm o'mmeil",
		`{{ name | truncate: 6 }}`: "ann...", `{{ name | truncate: 6, "…" }}`: "ann o…", `{{ name | truncatewords: 1 }}`: "ann...", `{{ name | size }}`: "10", `{{ x | size }}`: "0",
		`{{ tags | split: "," | join: " + " }}`: "a + b + c", `{{ tags | split: "," | first }}`: "a", `{{ tags | split: "," | last }}`: "c", `{{ lines | strip_newlines }}`: "ab ",
		`{{ age | plus: 1 }}`: "43", `{{ age | minus: 2 | times: 2 | divided_by: 3 | round: 2 }}`: "26.67", `{{ age | modulo: 5 }}`: "2", `{{ -1.5 | abs | ceil }}`: "2",
		`{{ 2.5 | floor }}`: "2", `{{ joined | date: "%d.%m.%y %A %j %%" }}`: "31.01.26 Saturday 031 %", `{{ "a b&c" | url_encode }}`: "a+b%26c",
		// Blocks.
		`{% if vip %}yes{% else %}no{% endif %}`: "yes", `{% if x %}yes{% endif %}-`: "-", `{% unless x %}no{% endunless %}`: "no", `{% if name == "ann o'neil" and n > 2 %}{{ city }}{% endif %}`: "Zürich",
		`{% if x %}a{% elsif n == 3 %}b{% else %}c{% endif %}`: "b", `{% case city %}{% when "Bern", "Zürich" %}CH{% else %}?{% endcase %}`: "CH",
		`{% for i in (1..3) %}{{ i }}{% if i == 2 %}{% break %}{% endif %},{% endfor %}`: "1,2", `{% assign l = tags | split: "," %}{% for x in l %}{{ forloop.index }}{{ x }}{% endfor %}{{ l | size }}`: "1a2b3c3",
		`{% for i in (1..4) %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}`: "134", `{% for t in x %}a{% else %}b{% endfor %}.`: ".",
		`{% assign a = age | plus: 0 %}{% if a > 30 %}old{% endif %}{{ a }}`: "old42", `{% capture c %}<{{ name }}>{% endcapture %}{{ c | upcase }}`: "<ANN O'NEIL>",
		`{% if vip %}{% assign y = 1 %}{% endif %}{{ y }}`: "1", `{% if city contains "ür" %}{{ x | default: "d" }}{% endif %}`: "d", "{%\nif\nvip\n%}a{% endif %}": "a",
		`{% if unsubscribe_url %}leave{% endif %}stay`: "stay", `{% if unsubscribe_url %}{% if vip %}leave{% endif %}{% endif %}stay`: "stay",
		// Not evaluated.
		`{% raw %}{{ x }}{% if %}{% endraw %}`: "{{ x }}{% if %}", `{% if vip %}{% raw %}{{{% endraw %}{ {{ n }}}{% endif %}`: "{{{ 3}", `a{% comment %}{{ | }}{% if %}{% endcomment %}b`: "ab",
		// White space control.
		"a \n {{- n -}} \n b": "a3b", "a {%- if vip -%} b {%- endif -%} c": "abc",
	} {
		got, err := renderText(t, template)
		if err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", template, got, err, want)
		}
	}
}

func TestMergeErrors(t *testing.T) {
	for template, want := range map[string]MergeError{
		`{{ x }}`:                           {"x", "text", "has no value and no default"},
		`{{ null }}`:                        {"null", "text", "has no value and no default"},
		`{{ x | upcase }}`:                  {"x", "text", "has no value and no default"},
		`{% if vip %}{{ x }}{% endif %}`:    {"x", "text", "has no value and no default"},
		`{{ unsubscribe_url }}`:             {"unsubscribe_url", "text", "has no value and no default"},
		`{{ list }}`:                        {"list", "text", "holds a list or an object; only text, numbers and true or false can be merged"},
		`{{ name | plus: 1 }}`:              {"name", "text", `fails in the filter plus: "ann o'neil" is not a number`},
		`{{ age | divided_by: 0 }}`:         {"age", "text", "fails in the filter divided_by: the divisor is 0"},
		`{{ name | date: "%Y" }}`:           {"name", "text", `fails in the filter date: "ann o'neil" is not a date like 2026-01-31`},
		"\n{% assign a = name | plus: 1 %}": {"", "text", `the block that begins in line 2: fails in the filter plus: "ann o'neil" is not a number`},
	} {
		_, err := renderText(t, template)
		if err == nil {
			t.Errorf("%s: no error", template)
			continue
		}
		if got := mergeError(t, err); *got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", template, *got, want)
		}
	}
}

// X5: whoever writes templates can cost a message, not the machine.
func TestTemplateBounds(t *testing.T) {
	for name, template := range map[string]string{
		"loops in loops":  `{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}`,
		"doubling":        `{% assign s = "aaaaaaaa" %}{% for i in (1..100) %}{% assign s = s | append: s %}{% endfor %}`,
		"much text":       `{% for i in (1..900) %}` + strings.Repeat("x", 1000) + `{% endfor %}`,
		"much captured":   `{% capture s %}{% for i in (1..900) %}` + strings.Repeat("x", 1000) + `{% endfor %}{% endcapture %}`,
		"replace":         `{% assign s = "aaaaaaaaaaaaaaaa" %}{% for i in (1..100) %}{% assign s = s | replace: "a", s %}{% endfor %}`,
		"split and join":  `{% assign s = tags %}{% for i in (1..100) %}{% assign s = s | split: "" | join: "aaaaaaaa" %}{% endfor %}`,
		"a cycle of maps": `{% for i in (1..1000) %}{% for j in forloop %}{% for k in forloop %}{% endfor %}{% endfor %}{% endfor %}`,
	} {
		_, err := renderText(t, template)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		mergeError(t, err)
	}
}

func TestEscaping(t *testing.T) {
	attack := `"><script>alert('x')</script>&amp;` + "\x00"
	for html, want := range map[string]string{
		`<p>{{ v }}</p>`:                                          `<p>&#34;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;` + "\uFFFD</p>",
		`<p title="{{ v }}">`:                                     `<p title="&#34;&gt;&lt;script`,
		`<p title='{{ v | escape }}'>`:                            `<p title='&#34;&gt;&lt;script`,
		`<p>{{ x | default: "<b>" }}</p>`:                         `<p>&lt;b&gt;</p>`,
		`<p>{{ v | upcase }}</p>`:                                 `<p>&#34;&gt;&lt;SCRIPT&gt;`,
		`{% if v %}<i>{{ v }}</i>{% endif %}`:                     `<i>&#34;&gt;&lt;script&gt;`,
		`{% assign w = v %}<i>{{ w }}</i>`:                        `<i>&#34;&gt;&lt;script&gt;`,
		`{% capture w %}<b>{{ v }}{% endcapture %}<i>{{ w }}</i>`: `<i>&lt;b&gt;&#34;&gt;&lt;script&gt;`,
		`<a href="https://e.org/{{ v }}">`:                        `<a href="https://e.org/%22%3E%3Cscript%3Ealert(&#39;x&#39;)%3C/script%3E&amp;amp;%00">`,
		`<a href="https://e.org/?q={{ v }}">`:                     `<a href="https://e.org/?q=%22%3E%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E%26amp%3B%00">`,
		`<a href="https://e.org/?q={{ v | url_encode }}">`:        `?q=%22%3E%3Cscript%3Ealert%28%27x%27%29`,
		`<a href="{{ url }}">`:                                    `<a href="https://e.org/?a=1&amp;b=2">`,
		`<a href="{{ path }}">`:                                   `<a href="a/b?c=d:e">`,
		`<a href="{% if vip %}{{ url }}{% endif %}">`:             `<a href="https://e.org/?a=1&amp;b=2">`,
		`<td style="width: {{ width }}">`:                         `<td style="width: 50%">`,
		`<style>p { color: {{ color }} }</style>`:                 `color: #fff }`,
		`<!-- {{ v }} -->`:                                        `<!-- &#34;&gt;&lt;script`,
		`<!--[if mso]><a href="{{ url }}"><![endif]-->`:           `<a href="https://e.org/?a=1&amp;b=2">`,
		`<td {% if vip %}colspan="2"{% endif %}>x`:                `<td colspan="2">x`,
	} {
		p := both(t, Source{HTML: html}, map[string]any{
			"v": attack, "url": " https://e.org/?a=1&b=2 ", "path": "a/b?c=d:e", "vip": true, "width": "50%", "color": "#fff"})
		wantContains(t, html, p.bodies["text/html"], want)
	}
}

func TestRefusedValues(t *testing.T) {
	for html, value := range map[string]string{
		`<a href="{{ v }}">`:                               "javascript:alert(1)",
		`<a href='{{ v }}'>`:                               " JavaScript:alert(1)",
		`<a href="{{ v | downcase }}">`:                    "JAVASCRIPT:alert(1)",
		`<img src="{{ v }}">`:                              "data:text/html,x",
		`<a href="java{{ v }}">`:                           "script:alert(1)",
		`<a href="{{ w }}{{ v }}">`:                        "script:alert(1)",
		`<a href="{% if w %}{{ v }}{% endif %}">`:          "vbscript:x",
		`<a href="{% if no %}https://{% endif %}{{ v }}">`: "javascript:alert(1)",
		`<!--[if mso]><a href="{{ v }}"><![endif]-->`:      "javascript:alert(1)",
		`<p style="color: {{ v }}">`:                       "red; background: url(x)",
		`<style>p { color: {{ v }} }</style>`:              "red } * { display: none",
		`{% assign u = v %}<a href="{{ u }}">`:             "javascript:alert(1)",
	} {
		c := compile(t, Source{HTML: html, Text: "-"}, Options{})
		_, err := c.Append(nil, recipient(map[string]any{"v": value, "w": "java"}))
		if err == nil {
			t.Errorf("%s takes %q", html, value)
			continue
		}
		mergeError(t, err)
	}
}
