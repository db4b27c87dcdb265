package message

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	ident tokenKind = iota
	str
	num
	punct
)

// token is a word of an expression; the text of a str is without its quotes.
type token struct {
	kind tokenKind
	text string
}

// lex cuts an expression into words.
func lex(src string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRuneInString(src[i:])
		switch {
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			i += size
		case r == '"' || r == '\'':
			end := i + 1
			for end < len(src) && src[end] != byte(r) {
				end++
			}
			if end == len(src) {
				return nil, errors.New("has a quote that is not closed")
			}
			tokens = append(tokens, token{str, src[i+1 : end]})
			i = end + 1
		case isDigit(r) || r == '-' && i+1 < len(src) && isDigit(rune(src[i+1])):
			end := numberEnd(src, i)
			tokens = append(tokens, token{num, src[i:end]})
			i = end
		case r == '_' || unicode.IsLetter(r):
			end := identEnd(src, i)
			tokens = append(tokens, token{ident, src[i:end]})
			i = end
		case r == '.' && i+1 < len(src) && src[i+1] == '.':
			tokens = append(tokens, token{punct, ".."})
			i += 2
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return nil, fmt.Errorf("has the character U+%04X", r)
		default:
			tokens = append(tokens, token{punct, src[i : i+size]})
			i += size
		}
	}
	return tokens, nil
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func numberEnd(src string, i int) int {
	i++
	for i < len(src) && isDigit(rune(src[i])) {
		i++
	}
	if i+1 < len(src) && src[i] == '.' && isDigit(rune(src[i+1])) {
		for i++; i < len(src) && isDigit(rune(src[i])); i++ {
		}
	}
	return i
}

func identEnd(src string, i int) int {
	for j, r := range src[i:] {
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i + j
		}
	}
	return len(src)
}

func isIdent(s string) bool {
	return s != "" && (s[0] == '_' || s[0] >= utf8.RuneSelf || unicode.IsLetter(rune(s[0]))) && identEnd(s, 0) == len(s)
}
