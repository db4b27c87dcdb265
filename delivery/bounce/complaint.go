package bounce

import (
	"cmp"
	"slices"
	"strings"

	"broadside/campaign"
	"broadside/campaign/token"
)

// complaintTypes are the feedback types that say "I do not want this". Others say the
// opposite (not-spam), or are about authentication (auth-failure, RFC 6591).
var complaintTypes = []string{"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized"}

// complaint reads a feedback report (RFC 5965 §3), or the form that Microsoft's
// junk-mail reports had before they were that; false when it is neither, or no
// complaint.
func (c *content) complaint() (Report, bool) {
	kind := strings.ToLower(firstWord(c.report.get("feedback-type")))
	switch {
	case c.feedback && !slices.Contains(complaintTypes, kind):
		return Report{}, false
	case !c.feedback && c.original.get("x-hmxmroriginalrecipient") == "":
		return Report{}, false
	case !c.feedback:
		kind = "abuse"
	}
	r := Report{
		Kind:      Complained,
		Complaint: kind,
		Recipient: line(strings.Trim(cmp.Or(c.report.get("original-rcpt-to"), c.report.get("removal-recipient"), c.original.get("x-hmxmroriginalrecipient")), "<>"), 320),
		Reporter:  line(cmp.Or(c.header.get("from"), c.report.get("user-agent")), 255),
	}
	return r, true
}

// tracesOf are the fields in which a message, or a report about it, has a token of ours.
// Providers blacken some of them, never all.
var tracesOf = struct{ report, original []string }{
	report:   []string{"original-mail-from", "original-envelope-id", "removal-recipient"},
	original: []string{"cfbl-address", "message-id", "return-path", "list-unsubscribe", "x-hmxmroriginalmailfrom"},
}

const (
	minToken  = 20 // characters; a token of ours has an HMAC of 16 and two numbers
	maxTokens = 32 // looked at in one report
)

// named finds whom a complaint is about by a token of ours in the report or in the
// message that it quotes; false when there is none: the complaint is about a stranger's
// mail, or an invention.
func (c *content) named(tokens *token.Maker) (target, bool) {
	left := maxTokens
	for _, name := range tracesOf.report {
		if t, ok := findToken(tokens, c.report.get(name), &left); ok {
			return t, true
		}
	}
	for _, name := range tracesOf.original {
		if t, ok := findToken(tokens, c.original.get(name), &left); ok {
			return t, true
		}
	}
	return target{}, false
}

// findToken looks through the words of a text.
func findToken(tokens *token.Maker, text string, left *int) (target, bool) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !letterOrDigit(r) }) {
		if len(word) < minToken {
			continue
		}
		for _, p := range []token.Purpose{token.Bounce, token.Complaint, token.MessageID, token.Unsubscribe} {
			if *left--; *left < 0 {
				return target{}, false
			}
			if run, contact, err := tokens.Read(p, word); err == nil {
				return target{campaign.RunID(run), campaign.ContactID(contact)}, true
			}
		}
	}
	return target{}, false
}

func letterOrDigit(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
