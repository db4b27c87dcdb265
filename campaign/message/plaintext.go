package message

import (
	"html"
	"strconv"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
)

// linearText makes the text part from a marked HTML document: readable, with the
// links' addresses, and with every construct of the visible text.
func linearText(doc *marked) []piece {
	w := &textWriter{doc: doc}
	z := xhtml.NewTokenizer(strings.NewReader(doc.text))
	for {
		switch kind := z.Next(); kind {
		case xhtml.ErrorToken:
			return doc.cut(w.String())
		case xhtml.TextToken:
			w.text(string(z.Raw()))
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			raw := string(z.Raw())
			w.start(tagName(raw), raw)
		case xhtml.EndTagToken:
			w.end(tagName(string(z.Raw())))
		}
	}
}

// textWriter writes text as it comes out of a linear reading of HTML.
type textWriter struct {
	doc *marked
	out strings.Builder

	started  bool // something visible was written
	newlines int  // line breaks owed before the next word
	space    bool // a blank owed before the next word
	hidden   string
	depth    int  // of tags named hidden, while in one
	pre      int  // depth of <pre>
	cell     bool // a table cell ended on this line
	lists    []int
	links    []link
}

// link is an open <a>: where its text begins and where it leads.
type link struct {
	href  string
	start int
}

func (w *textWriter) String() string {
	if !w.started {
		return w.out.String()
	}
	return w.out.String() + "\n"
}

var hiddenTags = map[string]bool{"head": true, "style": true, "title": true, "script": true, "template": true}

// blockBreaks says how many line breaks stand before and after a block.
var blockBreaks = map[string]int{
	"p": 2, "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "table": 2, "blockquote": 2, "pre": 2,
	"hr": 2, "ul": 2, "ol": 2, "dl": 2, "figure": 2,
	"div": 1, "tr": 1, "li": 1, "dt": 1, "dd": 1, "section": 1, "article": 1, "header": 1, "footer": 1,
	"center": 1, "caption": 1, "address": 1, "main": 1, "body": 1, "figcaption": 1,
}

func (w *textWriter) start(name, raw string) {
	if w.hidden != "" {
		if name == w.hidden {
			w.depth++
		}
		w.keepTags(raw)
		return
	}
	if hiddenTags[name] || isHiddenStyle(raw) && !voidTags[name] {
		w.hidden, w.depth = name, 1
		return
	}
	n := blockBreaks[name]
	if len(w.lists) > 0 && (name == "ul" || name == "ol") {
		n = 1
	}
	w.lineBreak(n)
	switch name {
	case "br":
		w.newlines++
	case "pre":
		w.pre++
	case "hr":
		w.word("----------------------------------------")
		w.lineBreak(2)
	case "ul":
		w.lists = append(w.lists, 0)
	case "ol":
		w.lists = append(w.lists, 1)
	case "li":
		w.bullet()
	case "td", "th":
		if w.cell && w.newlines == 0 {
			w.space = false
			w.put(" | ")
		}
		w.cell = false
	case "img":
		if alt := strings.TrimSpace(unescapeMarked(attributeOf(raw, "alt"))); alt != "" {
			w.word("[" + alt + "]")
		}
	case "a":
		w.links = append(w.links, link{attributeOf(raw, "href"), w.out.Len()})
	}
}

func (w *textWriter) end(name string) {
	if w.hidden != "" {
		if name == w.hidden {
			if w.depth--; w.depth == 0 {
				w.hidden = ""
			}
		}
		return
	}
	switch name {
	case "a":
		w.endLink()
	case "pre":
		w.pre = max(0, w.pre-1)
	case "td", "th":
		w.cell = w.newlines == 0
		return
	case "ul", "ol":
		if len(w.lists) > 0 {
			w.lists = w.lists[:len(w.lists)-1]
		}
		if len(w.lists) > 0 {
			w.lineBreak(1)
			return
		}
	}
	w.lineBreak(blockBreaks[name])
}

// endLink writes the address after a link's text, unless the text is the address.
func (w *textWriter) endLink() {
	if len(w.links) == 0 {
		return
	}
	l := w.links[len(w.links)-1]
	w.links = w.links[:len(w.links)-1]
	href := strings.TrimSpace(unescapeMarked(l.href))
	text := strings.TrimSpace(w.out.String()[l.start:])
	short := strings.TrimPrefix(href, "mailto:")
	if href == "" || strings.HasPrefix(href, "#") || text == href || text == short {
		return
	}
	if text == "" {
		w.word(short)
		return
	}
	w.space = true
	w.word("(" + short + ")")
}

func (w *textWriter) bullet() {
	indent := strings.Repeat("  ", max(0, len(w.lists)-1))
	mark := "- "
	if n := len(w.lists); n > 0 && w.lists[n-1] > 0 {
		mark = strconv.Itoa(w.lists[n-1]) + ". "
		w.lists[n-1]++
	}
	w.put(indent + mark)
}

// text writes a text node: white space collapsed outside of <pre>.
func (w *textWriter) text(raw string) {
	if w.hidden != "" {
		w.keepTags(raw)
		return
	}
	text := unescapeMarked(raw)
	if w.pre > 0 {
		w.put(text)
		return
	}
	for text != "" {
		i := strings.IndexFunc(text, isBreaking)
		if i != 0 {
			if i < 0 {
				i = len(text)
			}
			w.visible(text[:i])
			text = text[i:]
			continue
		}
		w.space = true
		text = strings.TrimLeftFunc(text, isBreaking)
	}
}

// visible writes a word. Tags alone show nothing: they leave the blanks and breaks
// that are owed to the word that follows, be it inside of their block or after.
func (w *textWriter) visible(word string) {
	for _, r := range word {
		if !isMark(r) || w.doc.construct(r).out != nil {
			w.word(word)
			return
		}
	}
	w.out.WriteString(word)
}

func isBreaking(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' }

// keepTags keeps the tags of what is not shown, so that an {% assign %} in the head
// still counts in the body.
func (w *textWriter) keepTags(raw string) {
	for _, r := range raw {
		if isMark(r) && w.doc.construct(r).out == nil {
			w.out.WriteRune(r)
		}
	}
}

// unescapeMarked decodes entities between the marks; none may decode to a mark.
func unescapeMarked(raw string) string {
	var b strings.Builder
	for raw != "" {
		i := strings.IndexFunc(raw, isMark)
		if i < 0 {
			i = len(raw)
		}
		b.WriteString(cleanText(raw[:i]))
		raw = raw[i:]
		if raw != "" {
			n := len(string(rune(markFirst)))
			b.WriteString(raw[:n])
			raw = raw[n:]
		}
	}
	return b.String()
}

// cleanText decodes the entities of text that has no marks.
func cleanText(raw string) string {
	return withoutMarks(invisible.Replace(html.UnescapeString(raw)))
}

// invisible drops the invisible characters that preheaders are padded with.
var invisible = strings.NewReplacer("\u200b", "", "\u200c", "", "\u034f", "", "\u00ad", "", "\ufeff", "", "\u00a0", " ")

func (w *textWriter) lineBreak(n int) {
	if n > 0 {
		w.newlines = max(w.newlines, n)
		w.space, w.cell = false, false
	}
}

func (w *textWriter) word(s string) {
	space := w.space && w.newlines == 0 && w.started
	w.space = false
	if space {
		s = " " + s
	}
	w.put(s)
}

func (w *textWriter) put(s string) {
	if s == "" {
		return
	}
	if w.started {
		w.out.WriteString(strings.Repeat("\n", min(w.newlines, 3)))
	}
	w.newlines = 0
	w.started = true
	w.out.WriteString(s)
}

var voidTags = map[string]bool{"img": true, "br": true, "hr": true, "meta": true, "link": true, "col": true, "wbr": true, "area": true}

func isHiddenStyle(raw string) bool {
	style := strings.ToLower(strings.ReplaceAll(attributeOf(raw, "style"), " ", ""))
	return strings.Contains(style, "display:none")
}

func attributeOf(raw, name string) string {
	for a := range attributesOf(raw) {
		if a.name == name {
			return a.value
		}
	}
	return ""
}
