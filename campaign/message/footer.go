package message

import (
	"html"
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

func (f footer) empty() bool { return !f.link && f.address == "" }

const (
	footerOpen = `<div style="padding: 16px; text-align: center; font: 12px/1.5 Arial, sans-serif; color: #6b7280;">`
	linkStyle  = `style="color: #6b7280; text-decoration: underline;"`
)

func (f footer) html() []piece {
	if f.empty() {
		return nil
	}
	out := []piece{{text: "\n" + footerOpen}}
	if f.link {
		out = append(out, ifUnsubscribe(
			piece{text: `<a href="`}, unsubscribeURL(escaping{inURLStart, true}), piece{text: `" ` + linkStyle + `>Unsubscribe</a>`})...)
	}
	if f.link && f.address != "" {
		out = append(out, piece{text: "<br>"})
	}
	if f.address != "" {
		out = append(out, piece{text: strings.ReplaceAll(html.EscapeString(f.address), "\n", "<br>")})
	}
	return append(out, piece{text: "</div>\n"})
}

func (f footer) text() []piece {
	if f.empty() {
		return nil
	}
	out := []piece{{text: "\n-- \n"}}
	if f.link {
		out = append(out, ifUnsubscribe(piece{text: "Unsubscribe: "}, unsubscribeURL(escaping{}), piece{text: "\n"})...)
	}
	if f.address != "" {
		out = append(out, piece{text: f.address + "\n"})
	}
	return out
}

// ifUnsubscribe makes pieces that are there only for recipients with a link.
func ifUnsubscribe(inner ...piece) []piece {
	out := []piece{{c: &construct{field: "footer", tag: "if", args: unsubscribeField}}}
	out = append(out, inner...)
	return append(out, piece{c: &construct{field: "footer", tag: "endif"}})
}

func unsubscribeURL(esc escaping) piece {
	out := &output{head: operand{path: []string{unsubscribeField}}}
	return piece{c: &construct{field: "footer", out: out}, esc: esc}
}
