package bounce

import (
	"bytes"
	"html"
	"strings"
)

// content is what of a message may speak of a delivery.
type content struct {
	header fields
	status []byte // the first delivery status
	text   string // the first part for people, without the message it returns
	// receipt: a disposition notification (RFC 8098): somebody read or deleted a
	// message that therefore arrived.
	receipt bool
	// feedback: an abuse report (RFC 5965); what it quotes is our own message.
	feedback bool
	report   fields // the first feedback report
	original fields // the header of the first message that is quoted
}

func readContent(msg []byte) content {
	var c content
	header, body := cutFields(msg)
	c.header = header
	parts := 0
	c.walk(header, body, &parts, 0, false)
	return c
}

// walk reads a part and those within. Of a message that is quoted, such as the one
// returned, only a delivery status counts: gateways pack whole bounces into others.
func (c *content) walk(header fields, body []byte, parts *int, depth int, quoted bool) {
	if *parts++; depth > maxDepth || *parts > maxParts {
		return
	}
	media, params := mediaType(header.get("content-type"))
	encoding := header.get("content-transfer-encoding")
	switch {
	case strings.HasPrefix(media, "multipart/"):
		c.receipt = c.receipt || strings.EqualFold(params["report-type"], "disposition-notification")
		c.feedback = c.feedback || strings.EqualFold(params["report-type"], "feedback-report")
		within := splitParts(body, params["boundary"])
		if within == nil {
			c.leaf("text/plain", body, quoted)
		}
		for _, p := range within {
			h, b := cutFields(p)
			c.walk(h, b, parts, depth+1, quoted)
		}
	case media == "message/rfc822" || media == "message/global" || media == "text/rfc822-headers":
		h, b := cutFields(decode(body, encoding))
		if c.original == nil {
			c.original = h
		}
		c.walk(h, b, parts, depth+1, true)
	case media == "message/disposition-notification":
		c.receipt = true
	case media == "message/feedback-report":
		c.feedback = true
		if c.report == nil {
			c.report, _ = cutFields(bytes.TrimLeft(decode(body, encoding), "\r\n"))
		}
	default:
		c.leaf(media, decode(body, encoding), quoted)
	}
}

func (c *content) leaf(media string, body []byte, quoted bool) {
	switch media {
	case "message/delivery-status", "message/global-delivery-status":
		c.setStatus(body)
	case "text/plain", "", "text":
		if start := bytes.TrimLeft(body, "\r\n"); len(start) > 14 && bytes.EqualFold(start[:14], []byte("Reporting-MTA:")) {
			c.setStatus(body) // declared as text by some
		} else if !quoted && c.text == "" {
			c.text = string(body)
		}
	case "text/html":
		if !quoted && c.text == "" {
			c.text = stripTags(string(body))
		}
	}
}

func (c *content) setStatus(body []byte) {
	if c.status == nil {
		c.status = body
	}
}

// lineTags are the elements that end a line.
var lineTags = strings.NewReplacer("<br", "\n<br", "<p", "\n<p", "<div", "\n<div", "<tr", "\n<tr", "<BR", "\n<br", "<P", "\n<p")

// stripTags is enough to find fixed phrases in HTML.
func stripTags(s string) string {
	var b strings.Builder
	for text := range strings.SplitSeq(lineTags.Replace(s), "<") {
		if i := strings.IndexByte(text, '>'); i >= 0 {
			text = text[i+1:]
		}
		b.WriteString(text)
	}
	return html.UnescapeString(b.String())
}
