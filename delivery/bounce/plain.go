package bounce

import (
	"slices"
	"strings"

	"broadside/delivery/reply"
)

// plain reads a bounce that has words alone; false when it is in no known dialect.
// Words that any person might write decide nothing: an MTA's own phrases must be there,
// or its name as the sender together with a code.
func (c *content) plain() (Report, bool) {
	lines := noticeLines(c.text)
	for _, d := range dialects {
		top := lines[:min(len(lines), 25)]
		start := slices.IndexFunc(top, func(l string) bool { return begins(l, d.opening) })
		if start < 0 {
			continue
		}
		at := slices.IndexFunc(lines[start:], func(l string) bool { return finds(l, d.found) })
		if at >= 0 {
			return c.readNotice(lines, lines[start+at:]), true
		}
	}
	if !c.fromDaemon() || !c.subjectOfFailure() {
		return Report{}, false
	}
	for i, l := range lines {
		if code, enhanced := quotedCodes(l); code != 0 || enhanced != "" {
			return c.readNotice(lines, lines[max(i-1, 0):]), true
		}
	}
	return Report{}, false
}

// readNotice makes the report of a notice whose diagnostics begin at said.
func (c *content) readNotice(notice, said []string) Report {
	text := strings.Join(said[:min(len(said), 40)], " ")
	text = text[:min(len(text), maxValue)]
	recipient := failedRecipient(c.header, said)
	if recipient == "" {
		recipient = failedRecipient(c.header, notice)
	}
	r := Report{Kind: Failed, Recipient: line(recipient, 320)}
	r.Code, r.Status = quotedCodes(text)
	if c.delayed(notice) {
		r.Kind = Delayed
	}
	r.Diagnostic = line(text, 512)
	r.Reason = reply.Reason(r.Code, r.Status, text)
	if r.Status == "" && r.Code == 0 && r.Kind == Failed {
		r.Status = "5.0.0"
	}
	r.Reporter = line(c.header.get("from"), 255)
	return r
}

// noticeLines are the lines of a bounce's own text, before the message it returns.
func noticeLines(text string) []string {
	lines := make([]string, 0, 64)
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if begins(l, returned) || len(lines) == 200 {
			break
		}
		lines = append(lines, l)
	}
	return lines
}

func begins(line string, phrases []string) bool {
	line = strings.ToLower(line)
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.HasPrefix(line, p) })
}

// finds looks for phrases anywhere on a line, but for "<": an address begins its line.
func finds(line string, phrases []string) bool {
	line = strings.ToLower(line)
	return slices.ContainsFunc(phrases, func(p string) bool {
		return strings.HasPrefix(line, p) || p != "<" && strings.Contains(line, p)
	})
}

func (c *content) delayed(notice []string) bool {
	all := strings.ToLower(strings.Join(notice, " ") + " " + c.header.get("subject"))
	if slices.ContainsFunc(delays, func(d string) bool { return strings.Contains(all, d) }) {
		return true
	}
	subject := strings.ToLower(c.header.get("subject"))
	return strings.Contains(subject, "delay") || strings.HasPrefix(subject, "warning:")
}

// fromDaemon reports whether the sender calls itself an MTA.
func (c *content) fromDaemon() bool {
	from := strings.ToLower(c.header.get("from"))
	for _, name := range []string{"mailer-daemon", "postmaster", "mail delivery s", "mailer daemon"} {
		if strings.Contains(from, name) {
			return true
		}
	}
	return false
}

func (c *content) subjectOfFailure() bool {
	subject := strings.ToLower(decodeWords(c.header.get("subject")))
	for _, s := range []string{"undeliver", "returned mail", "failure notice", "delivery failure", "delivery status notification",
		"mail delivery failed", "delivery failed", "failure delivery", "returned to sender", "rejected:", "delivery problem"} {
		if strings.Contains(subject, s) {
			return true
		}
	}
	return false
}

// failedRecipient finds whom a notice is about.
func failedRecipient(header fields, said []string) string {
	if v := header.get("x-failed-recipients"); v != "" {
		return v
	}
	for _, l := range said {
		for word := range strings.FieldsSeq(l) {
			word = strings.TrimPrefix(strings.Trim(word, "<>()[]:;,\"'"), "SMTP:")
			if at := strings.IndexByte(word, '@'); at > 0 && at < len(word)-1 {
				return word
			}
		}
	}
	return ""
}
