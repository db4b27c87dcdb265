package campaign

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// appendDomain appends the domain in lower-case A-labels.
func appendDomain(dst, domain []byte) ([]byte, error) {
	start := len(dst)
	label := 0 // length of the label so far
	dots, digits := 0, true
	for i, c := range domain {
		switch {
		case c >= 'a' && c <= 'z':
			digits = false
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
			digits = false
		case c >= '0' && c <= '9':
		case c == '-':
			if label == 0 || i+1 == len(domain) || domain[i+1] == '.' {
				return dst[:start], errors.New("a part of the domain begins or ends with a hyphen")
			}
			if label == 3 && domain[i-1] == '-' { // xn-- and its reserved kin
				return appendInternational(dst[:start], domain)
			}
			digits = false
		case c == '.':
			if label == 0 || i+1 == len(domain) {
				return dst[:start], errors.New("a dot too many in the domain")
			}
			dst = append(dst, c)
			label, digits = 0, true
			dots++
			continue
		case c >= utf8.RuneSelf:
			return appendInternational(dst[:start], domain)
		case c == '[':
			return dst[:start], errNumeric
		default:
			return dst[:start], badCharacter(rune(c), "after")
		}
		if label++; label > 63 {
			return dst[:start], errors.New("a part of the domain is longer than 63 characters")
		}
		dst = append(dst, c)
	}
	switch {
	case dots == 0:
		return dst[:start], errNoDot
	case digits:
		return dst[:start], errNumeric
	}
	return dst, nil
}

// idn is the profile for looking names up (RFC 5891 §5), strict about what host
// names may contain.
var idn = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// appendInternational appends a domain that has, or claims to have, characters beyond
// ASCII.
func appendInternational(dst, domain []byte) ([]byte, error) {
	ascii, err := idn.ToASCII(string(domain))
	// The library repairs some names that it doesn't accept: what it made must be one.
	again, errAgain := idn.ToASCII(ascii)
	if err != nil || errAgain != nil || again != ascii || !utf8.Valid(domain) {
		return dst, fmt.Errorf("%q is not a valid international domain", domain)
	}
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	switch {
	case len(last) == len(ascii):
		return dst, errNoDot
	case strings.Trim(last, "0123456789") == "":
		return dst, errNumeric
	}
	return append(dst, ascii...), nil
}
