package campaign

import (
	"strings"
	"time"
	"unicode"

	"broadside/campaign/message"
)

// DefaultGiveUp is how long deferred recipients are tried when a campaign doesn't say.
const DefaultGiveUp = 72 * time.Hour

// MessageOptions are what a campaign's lists say in its messages: List-Id is stable
// as long as the first list keeps its name (RFC 2919 §3). What is for no list is a message
// that a program asked for.
func MessageOptions(s Spec) message.Options {
	if len(s.Lists) == 0 {
		return message.Options{Automatic: true}
	}
	return message.Options{ListName: s.Lists[0], ListID: listLabel(s.Lists[0])}
}

// listLabel makes a DNS label of a list's name.
func listLabel(name string) string {
	label := strings.Map(func(r rune) rune {
		switch {
		case r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			return unicode.ToLower(r)
		default:
			return '-'
		}
	}, name)
	label = strings.Trim(label[:min(len(label), 63)], "-")
	if label == "" {
		return "list"
	}
	return label
}
