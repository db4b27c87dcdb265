package reply

import (
	"regexp"
	"strings"

	"broadside/campaign"
)

// Meaning is what a refusal says.
type Meaning struct {
	Reason campaign.Reason
	Scope  Scope
}

// Read reads a refusal: provider names whose server it is ("" when it is nobody that
// is known, or has not been asked), code is its SMTP code (0 when none is known),
// enhanced its RFC 3463 code ("" for none), text the server's words. Without a clue
// the reason is ServerBusy for what is temporary and Refused for what is not.
//
// The words come first: providers put enhanced codes on whatever they refuse, and
// mean by them what they please (Gmail's 4.7.27 is another thing than IANA's).
func Read(provider string, code int, enhanced, text string) Meaning {
	m := Meaning{Reason: campaign.Refused}
	temporary := code/100 == 4 || code == 0 && strings.HasPrefix(enhanced, "4.")
	if temporary {
		m.Reason = campaign.ServerBusy
	}
	if code == 421 || code == 521 { // the server has hung up, whatever it was asked (RFC 5321 §3.8, RFC 7504 §3)
		m.Scope = Host
	}
	said := strings.ToLower(enhanced + " " + text)
	if strings.Contains(said, "ofr") || strings.Contains(said, "lpn") {
		said = frenchCode.ReplaceAllString(said, "ofr_$1")
	}
	c, ok := findClue(provider, said)
	if !ok {
		return m
	}
	if c.reason != campaign.ServerBusy || temporary || code == 0 { // nothing is busy for good
		m.Reason = c.reason
	}
	if c.scope != Unsaid {
		m.Scope = c.scope
	}
	return m
}

// findClue returns the first clue in what was said: words before codes.
func findClue(provider, said string) (clue, bool) {
	for _, clues := range [...][]clue{wording, codes} {
		for _, c := range clues {
			if c.at != "" && c.at != provider {
				continue
			}
			for _, w := range c.words {
				if says(said, w) {
					return c, true
				}
			}
		}
	}
	return clue{}, false
}

// Reason is the reason alone, of a refusal that a bounce quotes.
func Reason(code int, enhanced, text string) campaign.Reason {
	return Read("", code, enhanced, text).Reason
}

// frenchCode is how Orange (OFR) and La Poste (LPN) number what they say, alike: the
// last three digits count.
var frenchCode = regexp.MustCompile(`\b(?:ofr|lpn)[a-z]{0,3}[0-9]{0,3}[-_]?([0-9]{3})\b`)

// says reports whether text contains a clue as a word of its own or the beginning of
// one: "5.1.1" is neither in 185.1.1.20 nor in 5.1.10, and "spf" not in a token.
func says(text, clue string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], clue)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(clue)
		if !joins(text[:start], clue) && !continues(text[end:], clue) {
			return true
		}
		from = start + 1
	}
}

// joins reports that a clue continues the word before it.
func joins(before, clue string) bool {
	if before == "" || !letterOrDigit(clue[0]) {
		return false
	}
	last := before[len(before)-1]
	return letterOrDigit(last) || digit(clue[0]) && last == '.'
}

// continues reports that the number which ends a clue goes on after it.
func continues(after, clue string) bool {
	last := clue[len(clue)-1]
	if after == "" || !digit(last) || !strings.Contains(clue, ".") {
		return false
	}
	return digit(after[0]) || after[0] == '.' && len(after) > 1 && digit(after[1])
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letterOrDigit(c byte) bool { return digit(c) || 'a' <= c && c <= 'z' }

// Gone reports whether a refusal says that the mailbox or its domain is no more: a
// hard bounce, which suppresses the address. It must be permanent by both of its
// codes, as far as they are known, and a code of the policy class (X.7.y) is about
// the sender, whatever the words.
func Gone(reason campaign.Reason, code int, enhanced string) bool {
	if reason != campaign.UserUnknown && reason != campaign.DomainUnknown {
		return false
	}
	if code == 0 && enhanced == "" {
		return false
	}
	permanent := (code == 0 || code/100 == 5) && (enhanced == "" || enhanced[0] == '5')
	return permanent && !strings.HasPrefix(enhanced, "5.7.")
}
