package message

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// place is where a merged value lands, which decides what it may do there.
type place uint8

const (
	// inText is the plain text part: the value stands as it is.
	inText place = iota
	// inHTML is HTML text or a quoted attribute.
	inHTML
	// inURLStart is a URL attribute whose scheme the value may decide.
	inURLStart
	// inURL is a URL attribute after static text that decided the scheme.
	inURL
	// inQuery is a URL's query: the value is one component.
	inQuery
	// inCSS is a style sheet or attribute: the value is a word or a number.
	inCSS
	// inHeader is the subject.
	inHeader
)

// escaping is how a value is made safe. html tells the HTML part from the text part,
// where URLs occur too.
type escaping struct {
	place place
	html  bool
}

// append appends v, made safe for its place. It returns what is wrong with the
// value when it cannot be.
func (e escaping) append(dst, v []byte) (out []byte, problem string) {
	switch e.place {
	case inHTML:
		return appendHTML(dst, v), ""
	case inURLStart:
		v = bytes.TrimSpace(v)
		if scheme := badScheme(v); scheme != "" {
			return dst, fmt.Sprintf("begins a link with %q; only http, https, mailto, tel and sms may", scheme)
		}
		return e.appendURL(dst, v, isURLByte), ""
	case inURL:
		return e.appendURL(dst, v, isURLByte), ""
	case inQuery:
		return e.appendURL(dst, v, isUnreserved), ""
	case inCSS:
		if i := bytes.IndexFunc(v, func(r rune) bool { return !isCSSRune(r) }); i >= 0 {
			return dst, fmt.Sprintf("has the character %q, which a style must not be given", v[i])
		}
		return append(dst, v...), ""
	case inHeader:
		return append(dst, v...), headerProblem(v)
	}
	return append(dst, v...), ""
}

// appendHTML escapes what could end an attribute or begin a tag or an entity.
func appendHTML(dst, v []byte) []byte {
	last := 0
	for i, c := range v {
		var entity string
		switch c {
		case '&':
			entity = "&amp;"
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;"
		case '"':
			entity = "&#34;"
		case '\'':
			entity = "&#39;"
		case 0:
			entity = "\uFFFD"
		default:
			continue
		}
		dst = append(append(dst, v[last:i]...), entity...)
		last = i + 1
	}
	return append(dst, v[last:]...)
}

// appendURL percent-encodes the bytes that keep refuses (RFC 3986 §2.1).
func (e escaping) appendURL(dst, v []byte, keep func(byte) bool) []byte {
	for _, c := range v {
		switch {
		case !keep(c):
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		case c == '&' && e.html:
			dst = append(dst, "&amp;"...)
		case c == '\'' && e.html:
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// isUnreserved is RFC 3986 §2.3.
func isUnreserved(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// isURLByte reports whether c may stand in a URL: unreserved, reserved, or the "%"
// of an encoding that is there already.
func isURLByte(c byte) bool {
	return isUnreserved(c) || c < utf8.RuneSelf && strings.IndexByte("%:/?#[]@!$&'()*+,;=", c) >= 0
}

// badScheme returns the scheme of a URL that a message must not link to, "" when
// the URL is relative or its scheme is allowed.
func badScheme(url []byte) string {
	i := bytes.IndexAny(url, ":/?#")
	if i < 0 || url[i] != ':' {
		return ""
	}
	switch scheme := strings.ToLower(string(url[:i])); scheme {
	case "http", "https", "mailto", "tel", "sms", "cid":
		return ""
	default:
		return scheme + ":"
	}
}

// isScriptURL reports whether an attribute's static value runs code when opened.
func isScriptURL(value string) bool {
	s := strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, strings.ToLower(html.UnescapeString(value)))
	for _, scheme := range []string{"javascript:", "vbscript:", "data:text/", "data:application/"} {
		if strings.HasPrefix(s, scheme) {
			return true
		}
	}
	return false
}

func isCSSRune(r rune) bool {
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
		return true
	}
	return strings.ContainsRune(" #%.,-_", r)
}

// outsideHTML is the escaping of the same output in the generated text part: a URL
// stays a URL, all else is text.
func (e escaping) outsideHTML() escaping {
	switch e.place {
	case inURLStart, inURL, inQuery:
		return escaping{e.place, false}
	}
	return escaping{place: inText}
}
