package campaign

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Rendered is a message as a mail program would take it apart.
type Rendered struct {
	Contact    Contact
	From, To   string
	Subject    string
	Text, HTML string // the parts, decoded; "" for one that is not there
	// Files are the names of attachments and inline images.
	Files []string
	Bytes int // of the whole message
	// images are inline ones by their Content-ID, as data: URLs.
	images map[string]string
}

// ReadRendered takes a message apart.
func ReadRendered(msg []byte) (Rendered, error) {
	r := Rendered{Bytes: len(msg), images: map[string]string{}}
	m, err := mail.ReadMessage(bytes.NewReader(msg))
	if err != nil {
		return r, fmt.Errorf("reading the rendered message: %w", err)
	}
	var dec mime.WordDecoder
	for _, field := range []struct {
		name string
		to   *string
	}{{"From", &r.From}, {"To", &r.To}, {"Subject", &r.Subject}} {
		if *field.to, err = dec.DecodeHeader(m.Header.Get(field.name)); err != nil {
			*field.to = m.Header.Get(field.name)
		}
	}
	if err := r.part(m.Header.Get, m.Body); err != nil {
		return r, fmt.Errorf("reading the rendered message: %w", err)
	}
	for id, data := range r.images {
		r.HTML = strings.ReplaceAll(r.HTML, "cid:"+id, data)
	}
	return r, nil
}

func (r *Rendered) part(header func(string) string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := r.part(p.Header.Get, p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(header("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	disposition, file, _ := mime.ParseMediaType(header("Content-Disposition"))
	switch {
	case disposition == "" && kind == "text/plain" && r.Text == "":
		r.Text = string(data)
	case disposition == "" && kind == "text/html" && r.HTML == "":
		r.HTML = string(data)
	default:
		r.Files = append(r.Files, file["filename"])
		if id := strings.Trim(header("Content-ID"), "<>"); id != "" && strings.HasPrefix(kind, "image/") {
			r.images[id] = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data)
		}
	}
	return nil
}
