package message

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxTemplate = 1 << 20 // bytes of one template
	maxSubject  = 2000    // bytes of a subject
)

// Compile checks a source and builds everything of its messages that is the same
// for all recipients. Its errors, joined, name the field, the line, and what to do.
func Compile(src Source, opt Options) (*Content, error) {
	b := &compiler{opt: opt}
	c := &Content{postal: strings.TrimSpace(src.PostalAddress)}
	c.writers.New = c.newWriter
	b.header(c, src, opt)
	attachments, inline, errs := checkFiles(src)
	b.errs = append(b.errs, errs...)
	subject := b.subject(src.Subject)
	parts := b.parts(src, c.from.domain, inline)
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}

	c.subject = b.template(subject, false)
	s := structure{
		text: parts.text != nil, html: parts.html != nil,
		attachments: attachments, inline: inline,
		domain: c.from.domain, boundary: boundaryOf(src),
	}
	skeleton, err := s.build()
	if err != nil {
		return nil, err
	}
	c.body = b.body(skeleton, parts)
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	c.names, c.fields, c.links = b.names, b.fields, b.counted.links
	return c, nil
}

func (b *compiler) fail(field string, format string, a ...any) {
	b.errs = append(b.errs, problemf(field, 0, format, a...))
}

// header encodes the fields that are the same for everyone.
func (b *compiler) header(c *Content, src Source, opt Options) {
	var err error
	if c.from, err = parseMailbox(src.From); err != nil {
		b.fail("from", "%v", err)
		return
	}
	c.sender = appendMailbox(nil, "From", c.from)
	if src.ReplyTo != "" {
		reply, err := parseMailbox(src.ReplyTo)
		if err != nil {
			b.fail("reply_to", "%v", err)
		}
		c.sender = appendMailbox(c.sender, "Reply-To", reply)
	}
	if opt.ListName != "" && opt.ListID != "" {
		id := opt.ListID + "." + c.from.domain
		if problem := headerProblem([]byte(opt.ListName)); problem != "" || !isDotAtom(id) || len(id) > 255 {
			b.fail("list", "the list %q with the id %q cannot be a List-Id; use letters, digits and hyphens for the id", opt.ListName, opt.ListID)
		}
		c.list = appendNamed([]byte("List-Id: "), opt.ListName, id, len("List-Id: "))
	}
	// By message class: mail to a list says so to vacation programs that look for nothing
	// newer, and what a program made for one person says that nobody wrote it (RFC 3834 §5).
	if len(c.list) > 0 {
		c.fixed = []byte("Precedence: bulk\r\n")
	}
	if opt.Automatic {
		c.fixed = append(c.fixed, "Auto-Submitted: auto-generated\r\n"...)
	}
	if opt.Mailer != "" {
		if problem := headerProblem([]byte(opt.Mailer)); problem != "" {
			b.fail("mailer", "%s", problem)
		}
		c.fixed = appendUnstructured(c.fixed, "X-Mailer", []byte(opt.Mailer))
	}
}

// scan reads a template and reports its problems.
func (b *compiler) scan(field, src string) []piece {
	switch {
	case len(src) > maxTemplate:
		b.fail(field, "has %d KB; at most %d KB can be sent", len(src)>>10, maxTemplate>>10)
		return nil
	case !utf8.ValidString(src):
		b.fail(field, "is not valid UTF-8; save it as UTF-8")
		return nil
	}
	if err := checkMarks(field, src); err != nil {
		b.errs = append(b.errs, err)
		return nil
	}
	pieces, errs := scan(field, src)
	b.errs = append(b.errs, errs...)
	return pieces
}

func (b *compiler) subject(src string) []piece {
	if strings.TrimSpace(src) == "" {
		b.fail("subject", "is empty; write one")
		return nil
	}
	if len(src) > maxSubject {
		b.fail("subject", "has %d bytes; at most %d can be sent", len(src), maxSubject)
		return nil
	}
	pieces := b.scan("subject", src)
	for i, p := range pieces {
		if p.c == nil {
			if problem := headerProblem([]byte(p.text)); problem != "" {
				b.fail("subject", "%s; write it on one line", problem)
			}
			continue
		}
		pieces[i].esc = escaping{place: inHeader}
	}
	return pieces
}

// bodyParts are the pieces of the text and the HTML part; nil when there is none.
type bodyParts struct {
	text, html []piece
}

func (b *compiler) parts(src Source, domain string, inline []File) bodyParts {
	var parts bodyParts
	preheader := b.scan("preheader", src.Preheader)
	if src.HTML != "" && src.Markdown != "" {
		b.fail("markdown", "there is html too; keep one of them")
		return parts
	}
	if doc, field := b.document(src); doc != nil {
		parts.text, parts.html = b.html(field, doc, src, preheader, domain, inline)
	}
	if strings.TrimSpace(src.Text) != "" {
		parts.text = b.scan("text", src.Text)
	}
	if len(b.errs) > 0 {
		return parts
	}
	if len(parts.text) == 0 && parts.html == nil {
		b.fail("html", "there is no content; write html, markdown or text")
		return parts
	}
	foot := footerFor(parts.text, src.PostalAddress).text()
	if b.opt.Links {
		parts.text = b.counted.text(parts.text)
	}
	parts.text = append(parts.text, foot...)
	return parts
}

// document reads the HTML or the Markdown; nil when there is neither or it has
// problems.
func (b *compiler) document(src Source) (doc *marked, field string) {
	problems := len(b.errs)
	switch {
	case strings.TrimSpace(src.HTML) != "":
		pieces := b.scan("html", src.HTML)
		doc, field = newMarked(pieces), "html"
	case strings.TrimSpace(src.Markdown) != "":
		pieces := b.scan("markdown", src.Markdown)
		var err error
		if doc, err = markdownHTML(pieces); err != nil {
			b.errs = append(b.errs, err)
		}
		field = "markdown"
	}
	if len(b.errs) > problems {
		return nil, field
	}
	return doc, field
}

// html makes the HTML part of a document, and the text part that is generated from
// it.
func (b *compiler) html(field string, doc *marked, src Source, preheader []piece, domain string, inline []File) (text, html []piece) {
	where, errs := readHTML(field, doc)
	b.errs = append(b.errs, errs...)
	b.errs = append(b.errs, cidProblems(field, doc, inline)...)
	text = linearText(doc)
	for i := range text {
		text[i].esc = text[i].esc.outsideHTML()
	}
	end := footerFor(doc.pieces(), src.PostalAddress).html()
	if b.opt.Pixel {
		end = append(end, piece{tracked: &tracked{pixel: true}})
	}
	var edits []edit
	if len(preheader) > 0 {
		edits = append(edits, edit{span{where.bodyStart, where.bodyStart}, preheaderHTML(preheader)})
	}
	edits = append(edits, edit{span{where.bodyEnd, where.bodyEnd}, end})
	if b.opt.Links && len(b.errs) == 0 {
		edits = append(edits, b.counted.html(doc, where.links)...)
	}
	doc.apply(edits)
	if len(inline) > 0 {
		doc.text = linkFiles(doc.text, domain)
	}
	return text, doc.pieces()
}

// body compiles the parts and puts them into the MIME structure.
func (b *compiler) body(skeleton []byte, parts bodyParts) template {
	t := template{qp: true}
	for _, part := range []struct {
		mark   string
		pieces []piece
	}{{textMark, parts.text}, {htmlMark, parts.html}} {
		if part.pieces == nil {
			continue
		}
		before, after, _ := bytes.Cut(skeleton, []byte(part.mark))
		t.ops = append(t.ops, op{lit: slices.Clip(before)})
		t.ops = append(t.ops, b.template(part.pieces, true).ops...)
		skeleton = after
	}
	t.ops = joinLiterals(append(t.ops, op{lit: skeleton}))
	return t
}
