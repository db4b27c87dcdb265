package message

import "strings"

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
	if r.CFBLAddress != "" {
		dst = append(append(dst, "CFBL-Address: "...), r.CFBLAddress...)
		dst = append(dst, ";\r\n report=arf\r\n"...)
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
