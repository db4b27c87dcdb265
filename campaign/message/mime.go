package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/wneessen/go-mail"
)

// The parts stand in the MIME structure as these words until the merge points are
// known. "_" occurs in no base64, and the rest of the structure is ours.
const (
	textMark = "_TEXT_PART_"
	htmlMark = "_HTML_PART_"
	nestMark = "_NESTED_PART_"
)

// structure is what a message's MIME tree is made of.
type structure struct {
	text, html          bool
	attachments, inline []File
	domain, boundary    string
}

// entity is a MIME entity: the lines of its header, and its body.
type entity struct {
	header, body []byte
}

// build returns mixed{ alternative{ text, related{ html, inline } }, attachments }
// (RFC 2046 §5.1.4, RFC 2387), without the levels that would hold one part.
//
// Boundaries begin with "=_", which quoted-printable and base64 cannot produce, so
// no merged value can contain one (RFC 2045 §6.7).
func (s structure) build() ([]byte, error) {
	var parts []entity
	if s.text {
		e, err := leaf(mail.TypeTextPlain, textMark)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	if s.html {
		e, err := leaf(mail.TypeTextHTML, htmlMark)
		if err == nil && len(s.inline) > 0 {
			e, err = s.level("related", "; type=\"text/html\"", []entity{e}, s.embed)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	whole, err := parts[0], error(nil)
	if len(parts) > 1 {
		whole, err = s.level("alternative", "", parts, nil)
	}
	if err == nil && len(s.attachments) > 0 {
		whole, err = s.level("mixed", "", []entity{whole}, s.attach)
	}
	if err != nil {
		return nil, err
	}
	out := append([]byte("MIME-Version: 1.0\r\n"), whole.header...)
	out = append(append(out, '\r', '\n'), whole.body...)
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, '\r', '\n')
	}
	return out, nil
}

// leaf makes a quoted-printable text part whose content is the mark.
func leaf(contentType mail.ContentType, mark string) (entity, error) {
	m := newMsg()
	m.SetBodyString(contentType, mark)
	return write(m)
}

// level makes a multipart of the children and the files that add adds.
func (s structure) level(kind, params string, children []entity, add func(*mail.Msg)) (entity, error) {
	boundary := "=_" + kind[:1] + s.boundary
	m := newMsg()
	m.SetBoundary(boundary)
	for range children {
		m.AddAlternativeString(mail.TypeTextPlain, nestMark)
	}
	if add != nil {
		add(m)
	}
	e, err := write(m)
	if err != nil {
		return entity{}, err
	}
	for _, child := range children {
		end := bytes.Index(e.body, []byte(nestMark))
		open := []byte("--" + boundary + "\r\n")
		start := bytes.LastIndex(e.body[:max(end, 0)], open)
		if end < 0 || start < 0 {
			return entity{}, fmt.Errorf("the MIME structure lacks its %s part", kind)
		}
		e.body = bytes.Join([][]byte{
			e.body[:start+len(open)], child.header, []byte("\r\n"), child.body, e.body[end+len(nestMark):]}, nil)
	}
	e.header = fmt.Appendf(nil, "Content-Type: multipart/%s%s;\r\n boundary=\"%s\"\r\n", kind, params, boundary)
	return e, nil
}

func (s structure) embed(m *mail.Msg) {
	for _, f := range s.inline {
		m.EmbedReadSeeker(f.Name, bytes.NewReader(f.Data), fileHeader(f, "inline", fmt.Sprintf("<%s@%s>", f.Name, s.domain)))
	}
}

func (s structure) attach(m *mail.Msg) {
	for _, f := range s.attachments {
		m.AttachReadSeeker(f.Name, bytes.NewReader(f.Data), fileHeader(f, "attachment", ""))
	}
}

// fileHeader sets a file's header fields, its name in RFC 2231's encoding.
func fileHeader(f File, kind, contentID string) mail.FileOption {
	return func(m *mail.File) {
		m.Header.Set("Content-Type", f.Type)
		m.Header.Set("Content-Disposition", disposition(kind, f.Name))
		if contentID != "" {
			m.Header.Set("Content-ID", contentID)
		}
	}
}

func newMsg() *mail.Msg {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	m.SetMessageIDWithValue("structure") // dropped; go-mail would ask the host for its name
	return m
}

var contentFields = regexp.MustCompile(`(?m)^Content-[^\n]*\n(?:[ \t][^\n]*\n)*`)

// write renders the message and keeps the header fields of its content.
func write(m *mail.Msg) (entity, error) {
	var buf bytes.Buffer
	if _, err := m.WriteTo(&buf); err != nil {
		return entity{}, fmt.Errorf("building the MIME structure: %w", err)
	}
	header, body, ok := bytes.Cut(buf.Bytes(), []byte("\r\n\r\n"))
	if !ok {
		return entity{}, fmt.Errorf("building the MIME structure: no end of the header")
	}
	header = append(bytes.Clone(header), '\r', '\n')
	return entity{bytes.Join(contentFields.FindAll(header, -1), nil), body}, nil
}

// boundaryOf makes a boundary that is the same for the same source.
func boundaryOf(src Source) string {
	h := sha256.New()
	for _, s := range []string{src.From, src.Subject, src.HTML, src.Markdown, src.Text} {
		fmt.Fprintf(h, "%d %s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
