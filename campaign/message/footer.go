package message

import (
	"html"
	"slices"
	"strings"
)

const (
	unsubscribeField = "unsubscribe_url"
	postalField      = "postal_address"
)

// preheaderHTML is the hidden text that mailbox lists show after the subject. The
// blanks after it keep the body's first words from being shown there too.
func preheaderHTML(pieces []piece) []piece {
	out := []piece{{text: `<div style="display: none; max-height: 0; overflow: hidden; mso-hide: all;">`}}
	for _, p := range pieces {
		if p.c == nil {
			p.text = html.EscapeString(p.text)
		}
		p.esc = escaping{inHTML, true}
		out = append(out, p)
	}
	return append(out, piece{text: strings.Repeat("&nbsp;&zwnj;", 40) + "</div>\n"})
}

// footer is what a part lacks of what every bulk message must show: a link to leave
// the list, and the sender's postal address.
type footer struct {
	link    bool
	address string
}

// footerFor looks at a part's pieces: what the writer put there is not repeated.
func footerFor(pieces []piece, address string) footer {
	f := footer{link: true, address: strings.TrimSpace(address)}
	for _, p := range pieces {
		if p.c == nil {
			if f.address != "" && strings.Contains(p.text, f.address) {
				f.address = ""
			}
			continue
		}
		for _, name := range namesOf(p.c) {
			switch name {
			case unsubscribeField:
				f.link = false
			case postalField:
				f.address = ""
			}
		}
	}
	return f
}

const (
	footerOpen = `<div style="padding: 16px; text-align: center; font: 12px/1.5 Arial, sans-serif; color: #6b7280;">`
	linkStyle  = `style="color: #6b7280; text-decoration: underline;"`
)

func (f footer) html() []piece {
	link := []piece{{text: `<a href="`}, unsubscribeURL(escaping{inURLStart, true}), {text: `" ` + linkStyle + `>Unsubscribe</a>`}}
	address := strings.ReplaceAll(html.EscapeString(f.address), "\n", "<br>")
	return f.pieces("\n"+footerOpen, link, "<br>", address, "</div>\n")
}

func (f footer) text() []piece {
	link := []piece{{text: "Unsubscribe: "}, unsubscribeURL(escaping{}), {text: "\n"}}
	address := f.address
	if address != "" {
		address += "\n"
	}
	return f.pieces("\n-- \n", link, "", address, "")
}

// pieces puts a footer together; all of it that a recipient without an unsubscribe
// URL has no use for is left out for them.
func (f footer) pieces(open string, link []piece, between, address, end string) []piece {
	switch {
	case !f.link && f.address == "":
		return nil
	case !f.link:
		return []piece{{text: open + address + end}}
	case f.address == "":
		return ifUnsubscribe(slices.Concat([]piece{{text: open}}, link, []piece{{text: end}}))
	}
	return slices.Concat([]piece{{text: open}}, ifUnsubscribe(append(link, piece{text: between})), []piece{{text: address + end}})
}

// ifUnsubscribe makes pieces that are there only for recipients with a link.
func ifUnsubscribe(inner []piece) []piece {
	out := []piece{{c: &construct{field: "footer", tag: "if", args: unsubscribeField}}}
	out = append(out, inner...)
	return append(out, piece{c: &construct{field: "footer", tag: "endif"}})
}

func unsubscribeURL(esc escaping) piece {
	out := &output{head: operand{path: []string{unsubscribeField}}}
	return piece{c: &construct{field: "footer", out: out}, esc: esc}
}
