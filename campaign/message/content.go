package message

import "sync"

// Options come from the deployment and the list, not from the writer.
type Options struct {
	// ListName and ListID make "List-Id: ListName <ListID.domain of From>" (RFC 2919),
	// which must stay the same for a list; there is none when either is empty. ListID
	// is a label of letters, digits and hyphens.
	ListName, ListID string
	// Automatic: a program has it made for one person, who is on no list for it.
	Automatic bool
	// Mailer is the X-Mailer field; none when empty.
	Mailer string
	// Links makes the addresses of the source's links places that a recipient's Link
	// writes, Pixel the end of the HTML part the place of their Pixel.
	Links, Pixel bool
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
	links   []Link
	writers sync.Pool // of *writer
}

// FromAddress is the address of the From field, its domain in lower-case A-labels.
func (c *Content) FromAddress() string { return c.from.addr() }

// FromDomain is the domain of FromAddress.
func (c *Content) FromDomain() string { return c.from.domain }

// Fields returns the merge fields used, one for each name and part.
func (c *Content) Fields() []Field { return c.fields }

// Links returns the links that are counted, when Options.Links asked for it, each once.
func (c *Content) Links() []Link { return c.links }

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
