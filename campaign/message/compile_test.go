package message

import (
	"slices"
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	for name, test := range map[string]struct {
		src  Source
		want string
	}{
		// Fields.
		"no sender":      {Source{From: "x"}, `from: "x" is not one mailbox`},
		"two senders":    {Source{From: "a@example.org, b@example.org"}, "from: "},
		"utf-8 sender":   {Source{From: "ö@example.org"}, "from: "},
		"sender injects": {Source{From: "=?utf-8?q?a=0D=0ABcc:_x?= <a@example.org>"}, "from: "}, // M14
		"sender lines":   {Source{From: "\"a\u2028b\" <a@example.org>"}, "from: the display name has the line or control character U+2028"},
		"reply to":       {Source{ReplyTo: "a b"}, `reply_to: "a b" is not one mailbox`},
		"subject lines":  {Source{Subject: "a\nb"}, "subject: has the control character U+000A"},
		"subject U+2028": {Source{Subject: "a\u2028b"}, "U+2028"},
		"subject long":   {Source{Subject: strings.Repeat("x", 3000)}, "subject: has 3000 bytes"},
		"nothing":        {Source{HTML: " "}, "html: there is no content"},
		"two contents":   {Source{HTML: "a", Markdown: "b"}, "markdown: there is html too"},
		"not utf-8":      {Source{HTML: "a\xff"}, "html: is not valid UTF-8"},
		"private use":    {Source{HTML: "a\n\U000F0000"}, "html, line 2: has a private-use character"},
		"large":          {Source{HTML: strings.Repeat("x", maxTemplate+1)}, "html: has 1024 KB"},
		"preheader":      {Source{Preheader: "{{ x", HTML: "x"}, "preheader, line 1: {{ is not closed"},
		// Templates.
		"unclosed output":  {Source{HTML: "a\nb {{ name"}, "html, line 2: {{ is not closed by }}"},
		"unclosed quote":   {Source{HTML: `{{ name | default: "x }}`}, "line 1: {{ is not closed"},
		"unknown filter":   {Source{HTML: "\n\n{{ name | shout }}"}, `html, line 3: {{ name | shout }} has the unknown filter "shout"; the filters are abs, `},
		"too few args":     {Source{HTML: "{{ name | default }}"}, "takes 1 to 1"},
		"no pipe":          {Source{HTML: "{{ name default: 1 }}"}, `has "default" where a | or the end is expected`},
		"empty":            {Source{HTML: "{{ }}"}, "is empty; name a field"},
		"dots":             {Source{HTML: "{{ contact.name }}"}, "write {{ name }}"},
		"unknown tag":      {Source{HTML: "a\n{% includ 'x' %}"}, "html, line 2: unknown tag {% includ %}; the tags are"},
		"include":          {Source{HTML: `{% include "/etc/passwd" %}`}, "unknown tag {% include %}"}, // X5
		"render":           {Source{HTML: `{% render "x" %}`}, "unknown tag {% render %}"},
		"not closed":       {Source{HTML: "a\n{% if x %}\n{% if y %}{% endif %}"}, "html, line 2: {% if %} is not closed; add {% endif %}"},
		"wrong end":        {Source{HTML: "{% if x %}\n{% endfor %}"}, "html, line 2: {% endfor %} does not stand in a {% for %} block"},
		"else alone":       {Source{HTML: "{% else %}"}, "does not stand in"},
		"break alone":      {Source{HTML: "{% if x %}{% break %}{% endif %}"}, "{% break %} does not stand in a {% for %} block"},
		"condition":        {Source{HTML: "\n{% if x = 1 %}{% endif %}"}, "html, line 2: {% if x = 1 %} is not understood"},
		"no condition":     {Source{HTML: "{% if %}{% endif %}"}, "needs arguments"},
		"blank":            {Source{HTML: "{% if x != blank %}{% endif %}"}, "does not know blank"},
		"large number":     {Source{HTML: "{% if x > 99999999999999999999999 %}{% endif %}"}, "is not understood"},
		"long range":       {Source{HTML: "{% for i in (1..100000) %}{% endfor %}"}, "may use a range only"},
		"range of fields":  {Source{HTML: "{% for i in (1..n) %}{% endfor %}"}, "may use a range only"},
		"filter in a tag":  {Source{HTML: `{% assign x = y | map: "z" %}`}, `unknown filter "map"`},
		"statement in tag": {Source{HTML: "{% if %assign x = y %}{% endif %}"}, "must not contain %"},
		"raw not closed":   {Source{HTML: "{% raw %}"}, "the block is not closed"},
		"style default":    {Source{HTML: `<p style="{{ x | default: "a;b" }}">`}, "the default of {{ x }} has the character ';'"},
		// HTML (§8: scripts, forms refused).
		"script":            {Source{HTML: "<p>\n<SCRIPT>x</SCRIPT>"}, "html, line 2: <script> is refused: mail must have no scripts"},
		"script in a block": {Source{HTML: "{% if x %}\n<script>{% endif %}"}, "html, line 2: <script> is refused"},
		"form":              {Source{HTML: "<form>"}, "<form> is refused: mail must have no forms"},
		"iframe":            {Source{HTML: "<iframe src=x>"}, "no embedded pages"},
		"handler":           {Source{HTML: "<p>\n<img src=x OnError = 'x'>"}, "html, line 2: onerror= is refused: mail must have no event handlers"},
		"handler, slash":    {Source{HTML: "<img/onerror=x>"}, "onerror= is refused"},
		"script link":       {Source{HTML: `<a href=" java&#115;cript:x">`}, "href=\" java&#115;cript:x\" is refused"},
		"refresh":           {Source{HTML: `<meta http-equiv="Refresh" content="0">`}, "is refused"},
		"in a comment":      {Source{HTML: "<!--[if mso]>\n<script><![endif]-->"}, "html, line 2: <script> is refused"},
		"script, markdown":  {Source{Markdown: "# A\n\n<script>x</script>"}, "markdown, line 3: <script> is refused"},
		"bare attribute":    {Source{HTML: "<td width={{ w }}>"}, `{{ w }} is the value of width without quotes`},
		"in a tag":          {Source{HTML: "<td {{ w }}>"}, "{{ w }} stands inside a tag"},
		"as a tag":          {Source{HTML: "<{{ w }}>"}, ""}, // text to every parser
		"half a tag":        {Source{HTML: `<a href="{{ w }}>x`}, "stands in a tag that is not closed"},
		"no such image":     {Source{HTML: "\n<img src=\"cid:x.png\">"}, "html, line 2: cid:x.png names no inline file"},
		// Files.
		"no file name":   {Source{HTML: "x", Attachments: []File{{Name: "../"}}}, "attachments[0]: has no name"},
		"media type":     {Source{HTML: "x", Attachments: []File{{Name: "x", Type: "x\r\ny"}}}, "is not the media type"},
		"inline name":    {Source{HTML: "x", Inline: []File{{Name: "a b"}}}, "must be letters, digits"},
		"inline twice":   {Source{HTML: "x", Inline: []File{{Name: "a"}, {Name: "a"}}}, "is there twice"},
		"files together": {Source{HTML: "x", Attachments: []File{{Name: "a", Data: make([]byte, maxFiles+1)}}}, "at most 25 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(withDefaults(test.src), Options{})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}

func TestCompileTellsEverything(t *testing.T) {
	_, err := Compile(Source{From: "x", Subject: "{{ a | b }}", HTML: "{{ c | d }}\n{{ e | f }}"}, Options{})
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four problems", err)
	}
}

func TestOptions(t *testing.T) {
	for _, opt := range []Options{{ListName: "a\nb", ListID: "x"}, {ListName: "News", ListID: "a b"}, {Mailer: "a\r\nBcc: x"}} {
		if _, err := Compile(withDefaults(Source{Text: "x"}), opt); err == nil {
			t.Errorf("%+v is taken", opt)
		}
	}
}

func TestFields(t *testing.T) {
	c := compile(t, Source{
		Subject:   `{{ name | default: "x" }}`,
		Preheader: `{{ city }}`,
		HTML: `{{ name }}{{ name | default: other }}{{ email }}{% if vip and plan == "gold" %}{{ perk }}{% endif %}
			{% assign local = age | plus: bonus %}{{ local }}{% for t in tags %}{{ t }}{{ forloop.index }}{% endfor %}`,
	}, Options{})
	want := []Field{
		{"name", "subject", true}, {"name", "html", false}, {"other", "html", true}, {"vip", "html", true}, {"plan", "html", true},
		{"perk", "html", false}, {"age", "html", true}, {"bonus", "html", true}, {"tags", "html", true}, {"city", "preheader", false},
	}
	if got := c.Fields(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
