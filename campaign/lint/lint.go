// Package lint looks at a rendered message with the eyes of mailbox providers and of
// readers, and says what to mend. It keeps nothing and knows no campaign.
package lint

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// Mail is a message as a recipient has it.
type Mail struct {
	Subject, HTML, Text string
	// Unsubscribe is the link that both parts must show; not looked for when empty.
	Unsubscribe string
}

// Finding is one thing to mend. Findings that block are about messages that providers
// cut or refuse.
type Finding struct {
	Blocks bool
	Where  string // "subject", "html" or "text"
	What   string
	Fix    string
}

// The sizes at which Gmail begins to be near its limit, and cuts a message.
const (
	nearClip = 90 << 10
	clip     = 102 << 10
)

// Check returns what is to be mended, in the order of the message.
func Check(m Mail) []Finding {
	c := &checker{mail: m}
	c.subject()
	if m.HTML != "" {
		c.html()
	}
	c.text()
	return c.findings
}

type checker struct {
	mail     Mail
	findings []Finding
}

func (c *checker) block(where, what, fix string) {
	c.findings = append(c.findings, Finding{true, where, what, fix})
}

func (c *checker) warn(where, what, fix string) {
	c.findings = append(c.findings, Finding{false, where, what, fix})
}

// triggers are words that spam filters count in a subject.
var triggers = []string{"100% free", "act now", "buy now", "cash bonus", "click here", "congratulations", "double your", "earn money", "free money", "guaranteed", "limited time", "lose weight", "make money", "no obligation", "once in a lifetime", "order now", "risk free", "risk-free", "urgent", "winner", "you have won"}

func (c *checker) subject() {
	s := strings.TrimSpace(c.mail.Subject)
	low := strings.ToLower(s)
	for _, fake := range []string{"re:", "fw:", "fwd:", "aw:", "wg:"} {
		if strings.HasPrefix(low, fake) {
			c.warn("subject", fmt.Sprintf("begins with %q as if it were an answer", s[:len(fake)]), "take it off: readers feel tricked, and filters notice")
		}
	}
	for _, t := range triggers {
		if strings.Contains(low, t) {
			c.warn("subject", fmt.Sprintf("says %q, which spam filters count", t), "say it in other words")
		}
	}
	if letters, upper := countLetters(s); letters >= 8 && upper*10 > letters*7 {
		c.warn("subject", "is in capitals", "write it as a sentence")
	}
	if n := strings.Count(s, "!"); n > 1 {
		c.warn("subject", fmt.Sprintf("has %d exclamation marks", n), "keep one at most")
	}
	if n := len([]rune(s)); n > 90 {
		c.warn("subject", fmt.Sprintf("has %d characters; phones show about 40", n), "say the main thing first, and shorten it")
	}
}

func countLetters(s string) (letters, upper int) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			letters++
			if unicode.IsUpper(r) {
				upper++
			}
		}
	}
	return letters, upper
}

func (c *checker) html() {
	if n := len(c.mail.HTML); n > clip {
		c.block("html", fmt.Sprintf("has %d KB; Gmail cuts it at %d KB, and the unsubscribe link with it", n>>10, clip>>10), "shorten it, or take out styles that nothing uses")
	} else if n > nearClip {
		c.warn("html", fmt.Sprintf("has %d KB; Gmail cuts messages at %d KB", n>>10, clip>>10), "shorten it")
	}
	p := readPage(c.mail.HTML)
	for _, tag := range p.refused {
		c.block("html", fmt.Sprintf("has a <%s>, which mail programs refuse or remove", tag), "link to a page that has it")
	}
	if p.noAlt > 0 {
		c.warn("html", fmt.Sprintf("%d of %d images have no alt text", p.noAlt, p.images), `describe each: alt="…"; many readers see no images`)
	}
	if p.images > 0 && len(strings.Fields(p.text)) < 20 {
		c.warn("html", "is little else than images, which spam senders do too", "write the message as text, and keep images for what they show")
	}
	if p.hidden > 0 {
		c.warn("html", "has hidden text beside the preheader", "take it out: filters take it for a trick")
	}
	if total := len(p.text); total > 200 && p.linked*10 > total*3 {
		c.warn("html", fmt.Sprintf("%d %% of its text are links", 100*p.linked/total), "keep it under 30 %")
	}
	seen := map[string]bool{}
	for _, l := range p.links {
		c.link(l, seen)
	}
	if u := c.mail.Unsubscribe; u != "" && !strings.Contains(html.UnescapeString(c.mail.HTML), u) {
		c.block("html", "shows no unsubscribe link", "put one in: {{ unsubscribe_url }}")
	}
}

// shorteners hide where a link leads, which is why senders of spam use them.
var shorteners = map[string]bool{"bit.ly": true, "tinyurl.com": true, "t.co": true, "goo.gl": true, "ow.ly": true, "is.gd": true, "buff.ly": true, "rebrand.ly": true, "cutt.ly": true, "t.ly": true}

func (c *checker) link(l link, seen map[string]bool) {
	if seen[l.href] {
		return
	}
	seen[l.href] = true
	u, err := url.Parse(strings.TrimSpace(l.href))
	switch {
	case err != nil:
		c.warn("html", fmt.Sprintf("the link %q can't be read", l.href), "correct it")
		return
	case l.href == "" || l.href == "#":
		c.warn("html", fmt.Sprintf("the link %q leads nowhere", l.text), "give it its address")
		return
	case u.Scheme == "mailto" || u.Scheme == "tel":
		return
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(l.href, "#"):
		return
	case u.Scheme == "":
		c.warn("html", fmt.Sprintf("the link %q has no https:// and leads nowhere in a mail", l.href), "write the whole address")
		return
	case u.Scheme != "https":
		c.warn("html", fmt.Sprintf("the link %s is not https", l.href), "use the https:// address")
	}
	host := strings.ToLower(u.Hostname())
	if shorteners[host] {
		c.warn("html", fmt.Sprintf("the link %s hides where it leads", l.href), "link to the page itself")
	}
	if isAddress(host) {
		c.warn("html", fmt.Sprintf("the link %s names a number instead of a host", l.href), "use the host's name")
	}
	if shown := shownHost(l.text); shown != "" && !sameSite(shown, host) {
		c.warn("html", fmt.Sprintf("the text says %s, and the link leads to %s", shown, host), "let the text say where it leads, or nothing of it: this is what phishing looks like")
	}
}

func (c *checker) text() {
	if strings.TrimSpace(c.mail.Text) == "" {
		c.warn("text", "there is no plain-text part", "leave it empty and it is made from the HTML")
		return
	}
	if u := c.mail.Unsubscribe; u != "" && !strings.Contains(c.mail.Text, u) {
		c.block("text", "shows no unsubscribe link", "put one in: {{ unsubscribe_url }}")
	}
}
