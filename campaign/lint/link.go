package lint

import (
	"strings"

	"golang.org/x/net/html"
)

// ShowsLink reports whether an HTML part shows a link that leads to a URL: one with
// text, or an image with alt text, in nothing that is hidden.
func ShowsLink(page, url string) bool {
	root, err := html.Parse(strings.NewReader(page))
	return err == nil && showsLink(root, url)
}

func showsLink(n *html.Node, url string) bool {
	if n.Type == html.ElementNode {
		if isHidden(n) || n.Data == "template" || n.Data == "head" {
			return false
		}
		if n.Data == "a" && attribute(n, "href") == url && readable(n) {
			return true
		}
	}
	for c := range n.ChildNodes() {
		if showsLink(c, url) {
			return true
		}
	}
	return false
}

// readable reports whether there is something to be read in an element.
func readable(n *html.Node) bool {
	if n.Type == html.TextNode {
		return strings.Trim(n.Data, " \t\r\n\u00a0\u200b\u200c") != ""
	}
	if n.Type == html.ElementNode && (isHidden(n) || n.Data == "img") {
		return !isHidden(n) && strings.TrimSpace(attribute(n, "alt")) != ""
	}
	for c := range n.ChildNodes() {
		if readable(c) {
			return true
		}
	}
	return false
}
