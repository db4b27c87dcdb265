package message

import (
	"fmt"
	"strings"
	"time"
)

// Recipient is what differs between the messages of a campaign. Append keeps none
// of it.
type Recipient struct {
	// Email is the To field and {{ email }}: the domain in A-labels.
	Email string
	// Attributes is a JSON object; its top-level members are merge fields. Empty is
	// an object without members.
	Attributes []byte
	// MessageID has no angle brackets; the caller makes it, unique to the recipient
	// and the same on every attempt (RFC 5322 §3.6.4).
	MessageID string
	// Date is when the message is sent, not when it was planned.
	Date time.Time
	// Unsubscribe is the absolute HTTPS URL of List-Unsubscribe (RFC 8058) and
	// {{ unsubscribe_url }}. Neither header nor footer has one when it is empty.
	Unsubscribe string
	// UnsubscribeMailto is a mailto: URL beside it; none when empty.
	UnsubscribeMailto string
	// FeedbackID is the Feedback-ID field; none when empty.
	FeedbackID string
	// CFBLAddress is where mailbox providers report complaints about this message, the
	// address of CFBL-Address (RFC 9477 §3.1); none when empty.
	CFBLAddress string
	// Link appends the URL that counts a click and leads where the link of that index
	// among Content.Links does, followed by what differs for this recipient. It is plain
	// ASCII without what HTML escapes. nil: links stay as they were written.
	Link func(dst []byte, link int, rest []byte) []byte
	// Pixel is the URL of the image whose loading counts as an opening; none when empty.
	Pixel string
}

// MergeError is why one recipient's message cannot be made; the campaign's other
// recipients are not concerned.
type MergeError struct {
	Field   string // the merge field, or "email" and the like; "" when no field is to blame
	Where   string // the part of the source it stands in: "subject", "html", …; "" for headers
	Problem string // what is wrong, after the field's name: "has no value and no default"
}

func (e *MergeError) Error() string {
	s := e.Problem
	if e.Field != "" {
		s = e.Field + " " + s
	}
	if e.Where != "" {
		s = fmt.Sprintf("%s: %s", e.Where, s)
	}
	return s
}

// maxURL keeps a URL's header line below the 998 characters of RFC 5322 §2.1.1.
const maxURL = 900

// checkRecipient refuses what would break the header (M14).
func checkRecipient(r *Recipient) error {
	if problem := recipientProblem(r.Email); problem != "" {
		return &MergeError{Field: "email", Problem: problem}
	}
	checks := []struct {
		field, v string
		max      int
		ok       bool
	}{
		{"Message-ID", r.MessageID, 250, strings.IndexByte(r.MessageID, '@') > 0},
		{"unsubscribe URL", r.Unsubscribe, maxURL, r.Unsubscribe == "" || strings.HasPrefix(r.Unsubscribe, "https://")},
		{"unsubscribe mailto", r.UnsubscribeMailto, maxURL, r.UnsubscribeMailto == "" || strings.HasPrefix(r.UnsubscribeMailto, "mailto:")},
		{"Feedback-ID", r.FeedbackID, 200, true},
		{"CFBL-Address", r.CFBLAddress, 320, r.CFBLAddress == "" || strings.IndexByte(r.CFBLAddress, '@') > 0},
	}
	for i := range checks {
		if c := &checks[i]; !c.ok || len(c.v) > c.max || !isToken(c.v) {
			return &MergeError{Field: c.field, Problem: "is not what its header takes: it must be short ASCII without blanks and angle brackets"}
		}
	}
	return nil
}

// isToken reports whether s is visible ASCII without what delimits it in a header.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '<' || c == '>' || c == '"' || c == ',' {
			return false
		}
	}
	return true
}
