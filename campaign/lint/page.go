package lint

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is what the checks need to know of an HTML part.
type page struct {
	text          string // that readers see, blanks collapsed
	linked        int    // bytes of it that stand in links
	images, noAlt int
	hidden        int // hidden texts, a short one at the beginning not counted
	links         []link
	refused       []string // tags that mail programs refuse
}

type link struct{ href, text string }

// preheader is how long a hidden text at the beginning may be.
const preheader = 250

func readPage(src string) page {
	doc, err := html.Parse(strings.NewReader(src))
	if err != nil {
		return page{} // the parser takes anything; only a reader fails
	}
	r := &pageReader{}
	r.walk(doc, nil)
	r.page.text = strings.Join(strings.Fields(r.text.String()), " ")
	return r.page
}

type pageReader struct {
	page page
	text strings.Builder
	// begun: the one hidden text that may be there was there.
	begun bool
}

func (r *pageReader) walk(n *html.Node, in *link) {
	switch n.Type {
	case html.TextNode:
		r.text.WriteString(n.Data)
		if in != nil {
			in.text += n.Data
			r.page.linked += len(strings.TrimSpace(n.Data))
		}
	case html.ElementNode:
		if r.element(n) {
			return
		}
		if n.Data == "a" {
			l := link{href: attribute(n, "href")}
			for child := range n.ChildNodes() {
				r.walk(child, &l)
			}
			l.text = strings.TrimSpace(l.text)
			r.page.links = append(r.page.links, l)
			return
		}
		r.text.WriteByte(' ')
	}
	for child := range n.ChildNodes() {
		r.walk(child, in)
	}
}

// element looks at a tag; true when readers see nothing of what is in it.
func (r *pageReader) element(n *html.Node) bool {
	switch n.Data {
	case "script", "form", "iframe", "object", "embed", "video", "audio", "input", "button":
		if !slices.Contains(r.page.refused, n.Data) {
			r.page.refused = append(r.page.refused, n.Data)
		}
		return n.Data == "script"
	case "head", "style", "template":
		return true
	case "img":
		r.page.images++
		if !hasAttribute(n, "alt") {
			r.page.noAlt++
		}
	}
	if !isHidden(n) {
		return false
	}
	text := strings.Join(strings.Fields(allText(n)), " ")
	if text == "" {
		return true
	}
	if first := strings.TrimSpace(r.text.String()) == "" && !r.begun; !first || len(text) > preheader*2 {
		r.page.hidden++
	}
	r.begun = true
	return true
}

func isHidden(n *html.Node) bool {
	style := strings.ToLower(strings.ReplaceAll(attribute(n, "style"), " ", ""))
	return hasAttribute(n, "hidden") || strings.Contains(style, "display:none") || strings.Contains(style, "font-size:0;") || strings.Contains(style, "visibility:hidden")
}

func allText(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(strings.Trim(d.Data, "\u00a0\u200c\u200b"))
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// shownHost is the host that a link's text claims to lead to, "" when it claims none.
func shownHost(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	rest, found := strings.CutPrefix(text, "https://")
	if !found {
		if rest, found = strings.CutPrefix(text, "http://"); !found {
			rest, found = text, strings.HasPrefix(text, "www.")
		}
	}
	if !found || strings.ContainsAny(rest, " \t\n") {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// sameSite compares hosts without what is before their last two labels.
func sameSite(a, b string) bool { return lastTwo(a) == lastTwo(b) }

func lastTwo(host string) string {
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
