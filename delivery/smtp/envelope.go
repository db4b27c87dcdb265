package smtp

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Envelope is what a transaction says about a message.
type Envelope struct {
	// From is the return path without angle brackets; "" is the null sender.
	From string
	// To is the recipient without angle brackets, its domain in A-labels.
	To string
	// Size is declared by SIZE= and held against the server's limit; 0 takes the
	// message's own length, which is what counts if it is larger.
	Size int64
	// UTF8 tells that the message's header needs SMTPUTF8. Addresses that need it
	// are seen without it.
	UTF8 bool
	// EnvelopeID is ENVID of RFC 3461 §4.4, at most 100 bytes; sent when DSN is offered.
	EnvelopeID string
	// DSN says which reports are wanted; sent when DSN is offered. The zero value
	// leaves it to the server.
	DSN DSN
}

// DSN is a set of the reports a sender wants (NOTIFY of RFC 3461 §4.1).
type DSN uint8

// The reports.
const (
	NotifyNever DSN = 1 << iota // excludes all others
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// checkPath returns why an address can't stand between angle brackets, "" if it
// can: whatever is let through here can add nothing to the command. The limits are
// those of RFC 5321 §4.5.3.1.
func checkPath(addr string) string {
	local, domain, ok := cutLast(addr, '@')
	switch {
	case !ok || local == "" || domain == "":
		return "not an address"
	case len(local) > 64:
		return "local part of more than 64 octets"
	case len(domain) > 255 || len(addr) > 254:
		return "address of more than 254 octets"
	case !utf8.ValidString(addr):
		return "address is not UTF-8"
	case !ascii(domain):
		return "domain is not in A-labels"
	}
	for _, r := range addr {
		if r <= ' ' || r == '<' || r == '>' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return fmt.Sprintf("address with %q", r)
		}
	}
	return ""
}

// appendMail appends the MAIL command. A parameter goes only to a server that
// offers its extension.
func appendMail(b []byte, m *mail, c *Capabilities) []byte {
	b = append(b, "MAIL FROM:<"...)
	b = append(b, m.env.From...)
	b = append(b, '>')
	if c.Size {
		b = append(b, " SIZE="...)
		b = strconv.AppendInt(b, m.declared, 10)
	}
	if m.eightBit && c.EightBitMIME {
		b = append(b, " BODY=8BITMIME"...)
	}
	if m.utf8 {
		b = append(b, " SMTPUTF8"...)
	}
	if c.DSN && m.env.EnvelopeID != "" {
		b = append(b, " RET=HDRS ENVID="...)
		b = appendXtext(b, m.env.EnvelopeID)
	}
	return append(b, "\r\n"...)
}

// appendRcpt appends the RCPT command.
func appendRcpt(b []byte, m *mail, c *Capabilities) []byte {
	b = append(b, "RCPT TO:<"...)
	b = append(b, m.env.To...)
	b = append(b, '>')
	if c.DSN && m.env.DSN != 0 {
		b = append(b, " NOTIFY="...)
		b = appendNotify(b, m.env.DSN)
		// A UTF-8 address would need the address type of RFC 6533; the report names
		// the recipient anyway.
		if ascii(m.env.To) {
			b = append(b, " ORCPT=rfc822;"...)
			b = appendXtext(b, m.env.To)
		}
	}
	return append(b, "\r\n"...)
}

func appendNotify(b []byte, d DSN) []byte {
	if d&NotifyNever != 0 {
		return append(b, "NEVER"...)
	}
	for i, name := range [...]string{"SUCCESS,", "FAILURE,", "DELAY,"} {
		if d&(NotifySuccess<<i) != 0 {
			b = append(b, name...)
		}
	}
	return b[:len(b)-1]
}

// appendXtext appends s in the encoding of RFC 3461 §4.
func appendXtext(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '+' || c == '=' {
			b = fmt.Appendf(b, "+%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
