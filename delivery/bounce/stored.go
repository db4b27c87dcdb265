package bounce

import (
	"context"
	"strings"
)

// stored takes a message out of a mailbox, where it has no envelope any more. handled
// is false for one that is neither a bounce nor a complaint nor an automatic reply, and
// so perhaps a person's. An error says that it is to be taken again.
func (r *Receiver) stored(ctx context.Context, head []byte, size int64) (handled bool, err error) {
	header, _ := cutFields(head)
	m := received{
		from: strings.Trim(header.get("return-path"), "<> "), remote: "a mailbox", stored: true,
		targets: r.addressed(header), head: head, size: size,
	}
	kind, err := r.take(ctx, m)
	return kind != Unrecognised, err
}

// addressFields say whom a message was delivered to, the surest first: what servers
// write, each under its own name, then what its sender wrote.
var addressFields = []string{"delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to", "to", "cc"}

// addressed finds whom of ours a message was delivered to.
func (r *Receiver) addressed(header fields) []target {
	for _, name := range addressFields {
		for word := range strings.FieldsFuncSeq(header.get(name), func(c rune) bool { return strings.ContainsRune(" \t,;<>\"", c) }) {
			local, _, _ := strings.Cut(word, "@")
			if t, ok := r.target(local); ok {
				return []target{t}
			}
		}
	}
	return nil
}
