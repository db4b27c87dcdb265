package message

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// mailbox is one sender's address: the domain in lower-case A-labels.
type mailbox struct {
	name, local, domain string
}

func (m mailbox) addr() string { return m.local + "@" + m.domain }

// parseMailbox reads "Name <local@domain>" or a bare address. The local part must be
// ASCII: a campaign goes to servers without SMTPUTF8 too (RFC 6531 §3.2).
func parseMailbox(s string) (mailbox, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return mailbox{}, fmt.Errorf("%q is not one mailbox; write it like News <news@example.org>", s)
	}
	if problem := headerProblem([]byte(a.Name)); problem != "" {
		return mailbox{}, errors.New("the display name " + problem)
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	if !isDotAtom(local) || len(local) > 64 {
		return mailbox{}, fmt.Errorf("the part before the @ of %q must be at most 64 letters, digits and dots", s)
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDotAtom(ascii) || len(ascii) > 255 {
		return mailbox{}, fmt.Errorf("%q is not a domain name", domain)
	}
	return mailbox{name: strings.TrimSpace(a.Name), local: local, domain: strings.ToLower(ascii)}, nil
}

// NeedsUTF8 reports whether a message to email needs a server with SMTPUTF8,
// because its local part, and with it the To field, is not ASCII (RFC 6531 §3).
func NeedsUTF8(email string) bool {
	for i := range len(email) {
		if email[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// recipientProblem says why an address cannot stand in the To field. It holds what
// the header's safety needs; whether the address is a good one is the import's
// business.
func recipientProblem(email string) string {
	at := strings.LastIndexByte(email, '@')
	switch {
	case at < 1 || at == len(email)-1:
		return "is not local@domain"
	case at > 64:
		return "has more than 64 bytes before the @"
	case len(email)-at-1 > 255:
		return "has a domain of more than 255 bytes"
	case !isDotAtom(email[at+1:]):
		return "has a domain that is not letters, digits, dots and hyphens"
	case !utf8.ValidString(email):
		return "is not valid UTF-8"
	}
	local := email[:at]
	if len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"' {
		local = local[1 : len(local)-1]
	}
	for _, r := range local {
		if r < utf8.RuneSelf && r != '.' && !isAtext(byte(r)) ||
			r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return fmt.Sprintf("has the character %q before the @", r)
		}
	}
	return ""
}

// isDotAtom reports whether s is RFC 5322 dot-atom-text.
func isDotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if s[i] != '.' && !isAtext(s[i]) {
			return false
		}
	}
	return true
}

// isAtext reports whether c is RFC 5322 §3.2.3 atext.
func isAtext(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}
