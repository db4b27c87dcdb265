package reply

import (
	"strings"

	"broadside/campaign"
)

// Reason reads the reason of a refusal: code is its SMTP code (0 when none is known),
// enhanced its RFC 3463 code ("" for none), text the server's words. Without a clue
// it is ServerBusy for what is temporary and Refused for what is not.
func Reason(code int, enhanced, text string) campaign.Reason {
	said := strings.ToLower(enhanced + " " + text)
	for _, clues := range [...][]clue{wording, codes} {
		for _, c := range clues {
			for _, w := range c.words {
				if says(said, w) {
					return c.reason
				}
			}
		}
	}
	if code/100 == 4 || code == 0 && strings.HasPrefix(enhanced, "4.") {
		return campaign.ServerBusy
	}
	return campaign.Refused
}

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
