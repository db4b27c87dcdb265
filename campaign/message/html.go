package message

import (
	"strings"

	"golang.org/x/net/html"
)

// refusedTags is what mailbox providers drop or punish: scripts, forms, and what
// loads other pages.
var refusedTags = map[string]string{
	"script": "scripts", "noscript": "scripts", "base": "base URLs",
	"form": "forms", "input": "forms", "button": "forms", "select": "forms", "textarea": "forms",
	"iframe": "embedded pages", "frame": "embedded pages", "frameset": "embedded pages", "object": "embedded pages",
	"embed": "embedded pages", "applet": "embedded pages", "portal": "embedded pages",
	"noembed": "embedded pages", "noframes": "embedded pages", "plaintext": "plaintext", "xmp": "xmp",
}

var urlAttributes = map[string]bool{
	"href": true, "src": true, "srcset": true, "action": true, "formaction": true, "background": true,
	"poster": true, "cite": true, "data": true, "longdesc": true, "xlink:href": true, "dynsrc": true, "lowsrc": true,
}

// htmlReader goes through an HTML template once: it finds where each output lands,
// what a message must not hold, and where the preheader and the footer go.
type htmlReader struct {
	field string
	doc   *marked
	errs  []error
	seen  []bool // by construct: its place is known

	bodyStart, bodyEnd int // offsets to insert at
	links              []span
	inStyle            bool
}

// readHTML sets the escaping of the document's outputs.
func readHTML(field string, doc *marked) (*htmlReader, []error) {
	r := &htmlReader{field: field, doc: doc, seen: make([]bool, len(doc.constructs)), bodyEnd: len(doc.text)}
	r.read(doc.text, 0, false)
	if r.bodyEnd < r.bodyStart {
		r.bodyEnd = len(doc.text)
	}
	for i, seen := range r.seen {
		if c := doc.constructs[i].c; !seen && c.out != nil {
			r.errs = append(r.errs, problemf(c.field, c.line, "{{ %s }} stands in a tag that is not closed; add the missing > or quote", c.out.name()))
		}
	}
	return r, r.errs
}

func (r *htmlReader) read(text string, base int, nested bool) {
	z := html.NewTokenizer(strings.NewReader(text))
	for pos := 0; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		raw := string(z.Raw())
		at := base + pos
		pos += len(raw)
		switch kind {
		case html.TextToken:
			r.place(raw, r.textPlace())
		case html.CommentToken:
			r.comment(raw, at)
		case html.StartTagToken, html.SelfClosingTagToken:
			name := tagName(raw)
			r.tag(name, raw, at)
			r.inStyle = name == "style"
			if !nested {
				r.opened(name, at, at+len(raw))
			}
		case html.EndTagToken:
			r.inStyle = false
			name := tagName(raw)
			if !nested && (name == "body" || name == "html" && r.bodyEnd == len(r.doc.text)) {
				r.bodyEnd = at
			}
			r.place(raw, inHTML)
		case html.DoctypeToken:
			r.place(raw, inHTML)
			r.bodyStart = max(r.bodyStart, at+len(raw))
		}
	}
}

func (r *htmlReader) textPlace() place {
	if r.inStyle {
		return inCSS
	}
	return inHTML
}

// opened notes where the visible part may begin: after <body>, or, without one,
// after the head.
func (r *htmlReader) opened(name string, start, end int) {
	switch name {
	case "body", "html":
		r.bodyStart = end
	case "head", "meta", "title", "style", "link":
		if i := strings.Index(r.doc.text[start:], "</head>"); i >= 0 {
			r.bodyStart = start + i + len("</head>")
		}
	}
}

// comment reads a comment, and what Outlook reads inside a conditional one.
func (r *htmlReader) comment(raw string, at int) {
	start := strings.Index(raw, "]>")
	end := strings.LastIndex(raw, "<![endif]")
	if !strings.HasPrefix(raw, "<!--[if") || start < 0 || end < start {
		r.place(raw, inHTML)
		return
	}
	r.place(raw[:start], inHTML)
	r.read(raw[start+2:end], at+start+2, true)
}

func (r *htmlReader) fail(at int, format string, a ...any) {
	r.errs = append(r.errs, problemf(r.field, r.doc.lineAt(at), format, a...))
}

// place gives every output in text the place.
func (r *htmlReader) place(text string, p place) {
	for _, c := range text {
		if isMark(c) {
			r.set(c, p)
		}
	}
}

func (r *htmlReader) set(mark rune, p place) {
	r.seen[mark-markFirst] = true
	r.doc.constructs[mark-markFirst].esc = escaping{p, true}
}

func (r *htmlReader) tag(name, raw string, at int) {
	if what, refused := refusedTags[withoutMarks(name)]; refused {
		r.fail(at, "<%s> is refused: mail must have no %s; remove it", withoutMarks(name), what)
	}
	r.bare(name, at)
	refresh := false
	for a := range attributesOf(raw) {
		r.bare(a.name, at+a.at)
		r.attribute(a, at+a.at)
		if withoutMarks(a.name) == "href" && leads(withoutMarks(name)) {
			r.links = append(r.links, span{at + a.valueAt, at + a.valueAt + len(a.value)})
		}
		refresh = refresh || withoutMarks(a.name) == "http-equiv" && strings.EqualFold(strings.TrimSpace(a.value), "refresh")
	}
	if name == "meta" && refresh {
		r.fail(at, `<meta http-equiv="refresh"> is refused: mail must not lead elsewhere by itself; remove it`)
	}
}

// leads reports whether a tag's href is followed by a click; Outlook draws buttons as
// shapes of VML.
func leads(tag string) bool { return tag == "a" || tag == "area" || strings.HasPrefix(tag, "v:") }

// bare refuses outputs in the name of a tag or an attribute. Tags may stand there:
// <td {% if wide %}colspan="2"{% endif %}>.
func (r *htmlReader) bare(name string, at int) {
	for _, c := range name {
		if !isMark(c) {
			continue
		}
		if out := r.doc.construct(c).out; out != nil {
			r.fail(at, "{{ %s }} stands inside a tag; put it into the quotes of an attribute", out.name())
		}
		r.set(c, inHTML)
	}
}

func (r *htmlReader) attribute(a attribute, at int) {
	name := withoutMarks(a.name)
	switch {
	case strings.HasPrefix(name, "on"):
		r.fail(at, "%s= is refused: mail must have no event handlers; remove it", name)
	case urlAttributes[name] && isScriptURL(withoutMarks(a.value)):
		r.fail(at, "%s=%q is refused: mail must have no scripts; link to a page instead", name, withoutMarks(a.value))
	}
	for i, c := range a.value {
		if !isMark(c) {
			continue
		}
		out := r.doc.construct(c).out
		if out != nil && !a.quoted {
			r.fail(at, `{{ %s }} is the value of %s without quotes; write %s="…"`, out.name(), name, name)
		}
		switch {
		case name == "style":
			r.set(c, inCSS)
		case urlAttributes[name] && out != nil:
			r.set(c, r.urlPlace(a.value[:i], out))
		default:
			r.set(c, inHTML)
		}
	}
}

// urlPlace decides by the attribute's text before an output whether its value could
// choose the scheme. Text in an {% if %} may be absent, so it decides nothing.
func (r *htmlReader) urlPlace(before string, out *output) place {
	for _, c := range before {
		if isMark(c) && r.doc.construct(c).out == nil {
			return inURLStart
		}
	}
	switch {
	case strings.Contains(before, "?") && !out.hasFilter("url_encode"):
		return inQuery
	case strings.ContainsAny(before, ":/?#"):
		return inURL
	}
	return inURLStart
}

// attribute is one of a tag's; its name is in lower case.
type attribute struct {
	name, value string
	quoted      bool
	at, valueAt int
}

// attributesOf yields the attributes of a start tag as written, entities and all.
func attributesOf(raw string) func(yield func(attribute) bool) {
	return func(yield func(attribute) bool) {
		raw := strings.TrimSuffix(strings.TrimSuffix(raw, ">"), "/")
		i := 1 + len(tagName(raw))
		for {
			for i < len(raw) && (isHTMLSpace(raw[i]) || raw[i] == '/') {
				i++
			}
			if i >= len(raw) {
				return
			}
			a := attribute{at: i}
			start := i
			for i++; i < len(raw) && !isHTMLSpace(raw[i]) && raw[i] != '/' && raw[i] != '='; i++ {
			}
			a.name = asciiLower(raw[start:i])
			after := i
			for after < len(raw) && isHTMLSpace(raw[after]) {
				after++
			}
			if after < len(raw) && raw[after] == '=' {
				a.value, a.quoted, a.valueAt, i = attributeValue(raw, after+1)
			}
			if !yield(a) {
				return
			}
		}
	}
}

// attributeValue reads the value after the =, and returns where it begins and the index
// after it.
func attributeValue(raw string, i int) (value string, quoted bool, start, end int) {
	for i < len(raw) && isHTMLSpace(raw[i]) {
		i++
	}
	if i == len(raw) {
		return "", false, i, i
	}
	if q := raw[i]; q == '"' || q == '\'' {
		n := strings.IndexByte(raw[i+1:], q)
		if n < 0 {
			return raw[i+1:], true, i + 1, len(raw)
		}
		return raw[i+1 : i+1+n], true, i + 1, i + n + 2
	}
	start = i
	for i < len(raw) && !isHTMLSpace(raw[i]) {
		i++
	}
	return raw[start:i], false, start, i
}

func isHTMLSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
}

// tagName returns the lower-case name of a start or end tag.
func tagName(raw string) string {
	raw = strings.TrimLeft(raw, "</")
	end := strings.IndexFunc(raw, func(c rune) bool { return c == '>' || c == '/' || c < 0x80 && isHTMLSpace(byte(c)) })
	if end < 0 {
		end = len(raw)
	}
	return asciiLower(raw[:end])
}

// asciiLower is strings.ToLower without the letters whose length it changes.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// checkMarks refuses a template that has the characters of the marks itself.
func checkMarks(field, src string) error {
	if i := strings.IndexFunc(src, isMark); i >= 0 {
		line := 1 + strings.Count(src[:i], "\n")
		return problemf(field, line, "has a private-use character (plane 15); remove it")
	}
	return nil
}
