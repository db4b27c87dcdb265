package message

import (
	"strings"
	"sync"
	"time"
)

// Options come from the deployment and the list, not from the writer.
type Options struct {
	// ListName and ListID make "List-Id: ListName <ListID.domain of From>" (RFC 2919),
	// which must stay the same for a list; there is none when either is empty. ListID
	// is a label of letters, digits and hyphens.
	ListName, ListID string
	// Mailer is the X-Mailer field; none when empty.
	Mailer string
}

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
}

// Field is a merge field that a source uses. Built-in fields are not listed.
type Field struct {
	Name  string
	Where string // "subject", "preheader", "html", "markdown" or "text"
	// HasDefault: no use of the field there needs a value.
	HasDefault bool
}

// Content is a compiled Source: everything that is the same for all recipients,
// encoded, and the places where they differ. It is safe for concurrent use.
type Content struct {
	from    mailbox
	postal  string
	sender  []byte // From and Reply-To
	list    []byte // List-Id
	fixed   []byte // the other fields that are the same for everyone
	subject template
	body    template // from MIME-Version to the end
	names   []string
	fields  []Field
	writers sync.Pool // of *writer
}

// FromAddress is the address of the From field, its domain in lower-case A-labels.
func (c *Content) FromAddress() string { return c.from.addr() }

// FromDomain is the domain of FromAddress.
func (c *Content) FromDomain() string { return c.from.domain }

// Fields returns the merge fields used, one for each name and part.
func (c *Content) Fields() []Field { return c.fields }

// Size returns the bytes of a message without its merged values and without the
// fields of its recipient: an estimate for SIZE (RFC 1870).
func (c *Content) Size() int {
	n := len(c.sender) + len(c.list) + len(c.fixed)
	for _, o := range append(c.subject.ops[:len(c.subject.ops):len(c.subject.ops)], c.body.ops...) {
		n += len(o.lit)
	}
	return n
}

// Append appends the whole message for a recipient to dst: CRLF line ends, and
// ASCII only unless NeedsUTF8(r.Email). There is no signature and no Return-Path.
// On a *MergeError dst is returned with the length it had.
func (c *Content) Append(dst []byte, r *Recipient) ([]byte, error) {
	w := c.writers.Get().(*writer)
	defer c.release(w)
	w.r = r
	out, err := w.message(dst)
	if err != nil {
		return out[:len(dst)], err
	}
	return out, nil
}

func (c *Content) newWriter() any {
	return &writer{c: c, vals: make([]value, len(c.names))}
}

// release gives back a writer without the recipient's data.
func (c *Content) release(w *writer) {
	clear(w.vals)
	w.r, w.vars = nil, nil
	c.writers.Put(w)
}

func (w *writer) message(dst []byte) ([]byte, error) {
	if err := checkRecipient(w.r); err != nil {
		return dst, err
	}
	if err := scanAttributes(w.r.Attributes, w.c.names, w.vals); err != nil {
		return dst, &MergeError{Problem: err.Error()}
	}
	dst, err := w.header(dst)
	if err != nil {
		return dst, err
	}
	return w.append(dst, w.c.body)
}

// header appends every field but those of MIME, each once (RFC 5322 §3.6).
func (w *writer) header(dst []byte) ([]byte, error) {
	c, r := w.c, w.r
	dst = append(dst, "Date: "...)
	dst = r.Date.AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 -0700\r\n")
	dst = append(dst, c.sender...)
	dst = appendField(dst, "To", r.Email)
	dst = append(dst, "Message-ID: <"...)
	dst = append(dst, r.MessageID...)
	dst = append(dst, '>', '\r', '\n')
	dst, err := w.subject(dst)
	if err != nil {
		return dst, err
	}
	dst = append(dst, c.list...)
	dst = appendUnsubscribe(dst, r)
	if r.FeedbackID != "" {
		dst = appendField(dst, "Feedback-ID", r.FeedbackID)
	}
	return append(dst, c.fixed...), nil
}

func (w *writer) subject(dst []byte) ([]byte, error) {
	text, err := w.append(w.line[:0], w.c.subject)
	w.line = text
	if err != nil {
		return dst, err
	}
	if strings.TrimSpace(string(text)) == "" {
		return dst, &MergeError{Field: "subject", Problem: "is empty for this recipient"}
	}
	// Blocks are not checked value by value.
	if problem := headerProblem(text); problem != "" {
		return dst, &MergeError{Field: "subject", Problem: problem}
	}
	if len(text) > maxSubject {
		return dst, &MergeError{Field: "subject", Problem: "is too long for this recipient"}
	}
	return appendUnstructured(dst, "Subject", text), nil
}

func appendField(dst []byte, name, v string) []byte {
	dst = append(append(dst, name...), ':', ' ')
	return append(append(dst, v...), '\r', '\n')
}

// appendUnsubscribe appends List-Unsubscribe with its one HTTPS URL, and the field
// that makes it one click (RFC 8058 §3.1).
func appendUnsubscribe(dst []byte, r *Recipient) []byte {
	if r.Unsubscribe == "" && r.UnsubscribeMailto == "" {
		return dst
	}
	dst = append(dst, "List-Unsubscribe:"...)
	col := len("List-Unsubscribe:")
	for i, url := range [...]string{r.Unsubscribe, r.UnsubscribeMailto} {
		if url == "" {
			continue
		}
		if i > 0 && r.Unsubscribe != "" {
			dst = append(dst, ',')
			col++
		}
		if col+len(" <>,")+len(url) > foldAt && i > 0 {
			dst = append(dst, '\r', '\n')
			col = 0
		}
		dst = append(append(append(dst, ' ', '<'), url...), '>')
		col += len(url) + 3
	}
	dst = append(dst, '\r', '\n')
	if r.Unsubscribe != "" {
		dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	}
	return dst
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
