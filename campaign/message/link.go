package message

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Link is an address in a source that can be counted: an http or https link whose host
// the writer chose. One that begins with a merged value, as {{ unsubscribe_url }} does,
// is never counted, and neither is one with a tag inside.
type Link struct {
	Target string // as it was written; what differs by recipient stands there as {{ name }}
	// Fixed is how many bytes of Target are the same for everybody: all of them, or the
	// scheme and host at least.
	Fixed int
}

// linkMaker makes the counted links of a source's parts.
type linkMaker struct {
	links []Link
}

// html puts links into the places of a document.
func (m *linkMaker) html(doc *marked, places []span) []edit {
	var edits []edit
	for _, at := range places {
		plain := doc.cut(doc.text[at.start:at.end])
		if t := m.tracked(plain, html.UnescapeString); t != nil {
			edits = append(edits, edit{at, []piece{{tracked: t}}})
		}
	}
	return edits
}

// textLink is a candidate in plain text, with the marks of what is merged into it.
var textLink = regexp.MustCompile(`(?i)https?://[^\s<>"]+`)

// text puts links into the text part.
func (m *linkMaker) text(pieces []piece) []piece {
	doc := newMarked(pieces)
	var edits []edit
	for _, found := range textLink.FindAllStringIndex(doc.text, -1) {
		at := span{found[0], found[0] + len(doc.linkText(doc.text[found[0]:found[1]]))}
		plain := doc.cut(doc.text[at.start:at.end])
		if t := m.tracked(plain, func(s string) string { return s }); t != nil {
			edits = append(edits, edit{at, []piece{{tracked: t}}})
		}
	}
	doc.apply(edits)
	return doc.pieces()
}

// linkText ends a link where a reader would: before a bracket that it did not open, and
// before the punctuation that is the sentence's. A link in whose middle there is a tag
// has no end, and "" is returned.
func (m *marked) linkText(s string) string {
	open := 0
	for i, r := range s {
		switch {
		case r == '(':
			open++
		case r == ')' && open == 0:
			return m.linkText(s[:i])
		case r == ')':
			open--
		case isMark(r) && m.construct(r).out == nil:
			if strings.TrimFunc(s[i:], isMark) != "" {
				return ""
			}
			return m.linkText(s[:i])
		}
	}
	return strings.TrimRight(s, ".,;:!?'*_]}")
}

// tracked makes a link of its pieces, nil when it is not one that is counted. decode
// takes the escaping of static text away.
func (m *linkMaker) tracked(plain []piece, decode func(string) string) *tracked {
	if len(plain) == 0 || plain[0].c != nil {
		return nil
	}
	fixed, ok := linkStart(decode(plain[0].text), len(plain) == 1)
	if !ok {
		return nil
	}
	l, t := Link{Target: fixed, Fixed: len(fixed)}, &tracked{plain: plain}
	for _, p := range plain[1:] {
		switch {
		case p.c == nil:
			p.text = decode(p.text)
			l.Target += p.text
		case p.c.out == nil:
			return nil
		default:
			l.Target += "{{ " + p.c.out.name() + " }}"
			if p.esc = p.esc.outsideHTML(); p.esc.place == inText {
				p.esc.place = inURL
			}
		}
		t.rest = append(t.rest, p)
	}
	t.link = m.number(l)
	return t
}

// number is the link's index among those of the content.
func (m *linkMaker) number(l Link) int {
	for i, known := range m.links {
		if known == l {
			return i
		}
	}
	m.links = append(m.links, l)
	return len(m.links) - 1
}

// linkStart returns the part of an address that is the same for everybody, its host in
// A-labels; false unless it has a whole host. whole says that nothing follows.
func linkStart(s string, whole bool) (string, bool) {
	s = strings.TrimLeft(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s), " ")
	if whole {
		s = strings.TrimRight(s, " ")
	}
	scheme, after, ok := strings.Cut(s, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" || !utf8.ValidString(s) {
		return "", false
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		if end = len(after); !whole {
			return "", false // what is merged would say where it leads
		}
	}
	u, err := url.Parse(scheme + "://" + after[:end])
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(after[:end], `\ `) {
		return "", false
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return "", false
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return scheme + "://" + host + after[end:], true
}
