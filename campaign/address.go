package campaign

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest parts of an address in octets (RFC 5321 §4.5.3.1); the path counts
// the angle brackets around the address.
const (
	maxLocalPart = 64
	maxDomain    = 255
	maxPath      = 256
)

// Address is one person's address as a list file gives it.
type Address struct {
	Email string // normalised as Contact.Email
	Name  string // the display name of "Name <a@b>", or ""
}

// ParseAddress normalises one address: blanks and invisible characters around it go,
// "Name <a@b>" and "mailto:a@b" are accepted, the domain becomes lower-case A-labels
// (RFC 5890), a quoted local part is written without needless quotes. What could mean
// something else on the wire is refused: controls, blanks, angle brackets inside, a
// second address. Errors are words for the person who owns the list.
func ParseAddress(s string) (Address, error) {
	email, name, err := appendAddress(nil, []byte(s))
	if err != nil {
		return Address{}, err
	}
	return Address{Email: string(email), Name: name}, nil
}

// AddressKey is what two addresses of one mailbox have in common: the normalised
// address in lower case.
func AddressKey(email string) string { return strings.ToLower(email) }

var (
	errNoAddress = errors.New("no address")
	errNoAt      = errors.New("no @ sign")
	errTwo       = errors.New("more than one @ sign; one address per row")
	errNoLocal   = errors.New("nothing before the @ sign")
	errNoDomain  = errors.New("nothing after the @ sign")
	errNoDot     = errors.New("the domain has no dot")
	errNumeric   = errors.New("the domain is a number")
	errLongLocal = fmt.Errorf("longer than %d characters before the @ sign", maxLocalPart)
	errLong      = fmt.Errorf("longer than %d characters", maxPath-2)
	errLongHost  = fmt.Errorf("the domain is longer than %d characters", maxDomain)
)

// appendAddress appends the normalised address in s to dst. Its errors are those of
// ParseAddress; dst is then as it was.
func appendAddress(dst, s []byte) (email []byte, name string, err error) {
	s = trimInvisible(s)
	if len(s) > 0 && s[len(s)-1] == '>' {
		open := bytes.LastIndexByte(s, '<')
		if open < 0 {
			return dst, "", errors.New("a > without a <")
		}
		name = displayName(s[:open])
		s = trimInvisible(s[open+1 : len(s)-1])
	}
	if len(s) > 7 && bytes.EqualFold(s[:7], []byte("mailto:")) {
		s, _, _ = bytes.Cut(s[7:], []byte("?"))
		s = trimInvisible(s)
	}
	if len(s) == 0 {
		return dst, "", errNoAddress
	}
	email, err = appendMailbox(dst, s)
	if err != nil {
		return dst, "", err
	}
	return email, name, nil
}

// appendMailbox appends local part, at sign and domain.
func appendMailbox(dst, s []byte) ([]byte, error) {
	at := bytes.LastIndexByte(s, '@')
	switch {
	case len(s) > 8*maxPath: // none that is shorter in A-labels, and too long for an error
		return dst, errLong
	case at < 0:
		return dst, errNoAt
	case at == 0:
		return dst, errNoLocal
	case at == len(s)-1:
		return dst, errNoDomain
	}
	start := len(dst)
	var err error
	if s[0] == '"' {
		dst, err = appendQuotedLocal(dst, s[:at])
	} else {
		dst, err = appendLocal(dst, s[:at])
	}
	if err != nil {
		return dst[:start], err
	}
	if len(dst)-start > maxLocalPart {
		return dst[:start], errLongLocal
	}
	dst = append(dst, '@')
	host := len(dst)
	if dst, err = appendDomain(dst, s[at+1:]); err != nil {
		return dst[:start], err
	}
	if len(dst)-host > maxDomain {
		return dst[:start], errLongHost
	}
	if len(dst)-start > maxPath-2 {
		return dst[:start], errLong
	}
	return dst, nil
}

// atext marks the ASCII characters of a dot-atom (RFC 5322 §3.2.3), but the dot.
var atext = func() (t [utf8.RuneSelf]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~" {
		t[c] = true
	}
	return t
}()

// appendLocal appends a local part as given: a dot-atom, in which RFC 6532 §3.2
// allows characters beyond ASCII.
func appendLocal(dst, local []byte) ([]byte, error) {
	for i := 0; i < len(local); {
		c := local[i]
		if c == '.' {
			if i == 0 || i == len(local)-1 || local[i-1] == '.' {
				return dst, errors.New("a dot too many before the @ sign")
			}
			i++
			continue
		}
		if c < utf8.RuneSelf {
			if !atext[c] {
				return dst, badCharacter(rune(c), "before")
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(local[i:])
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return dst, badCharacter(r, "before")
		}
		i += n
	}
	return append(dst, local...), nil
}

// appendQuotedLocal appends a local part in quotation marks (RFC 5321 §4.1.2): bare
// when it can be, else quoted anew with no more escapes than needed. Blanks and angle
// brackets are allowed there by the RFC and refused by us: they serve only to smuggle
// parameters into commands (X1).
func appendQuotedLocal(dst, quoted []byte) ([]byte, error) {
	if len(quoted) < 3 || quoted[len(quoted)-1] != '"' {
		return dst, errors.New("a quotation mark that is not closed before the @ sign")
	}
	var text []byte
	inner := quoted[1 : len(quoted)-1]
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '\\' && i+1 < len(inner):
			i++
			text = append(text, inner[i])
		case c == '\\', c == '"':
			return dst, errors.New("a quotation mark or backslash too many before the @ sign")
		default:
			text = append(text, c)
		}
	}
	for p := text; len(p) > 0; {
		r, n := utf8.DecodeRune(p)
		if r <= ' ' || r == '<' || r == '>' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return dst, badCharacter(r, "before")
		}
		p = p[n:]
	}
	if bare, err := appendLocal(dst, text); err == nil {
		return bare, nil
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"'), nil
}

func badCharacter(r rune, where string) error {
	switch {
	case r == '@':
		return errTwo
	case r == ' ' || unicode.IsSpace(r):
		return fmt.Errorf("a blank %s the @ sign", where)
	case r == utf8.RuneError:
		return fmt.Errorf("a character that can't be read %s the @ sign", where)
	case !unicode.IsPrint(r):
		return fmt.Errorf("an invisible character (U+%04X) %s the @ sign", r, where)
	}
	return fmt.Errorf("the character %c is not allowed %s the @ sign", r, where)
}

// trimInvisible cuts blanks, controls and invisible characters off both ends: lists
// pasted from web pages are full of no-break spaces, zero-width characters and
// marks of direction.
func trimInvisible(s []byte) []byte {
	if n := len(s); n > 0 && s[0] > ' ' && s[0] < 0x7f && s[n-1] > ' ' && s[n-1] < 0x7f {
		return s
	}
	return bytes.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf)
	})
}

// displayName is the text before "<a@b>" without its quotation marks, on one line.
func displayName(s []byte) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(trimInvisible(s)), ""))
	name = strings.Join(strings.Fields(name), " ")
	if len(name) > 1 && name[0] == '"' && name[len(name)-1] == '"' {
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(name[1 : len(name)-1])
	}
	return strings.Trim(name, "'")
}
