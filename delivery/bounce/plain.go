package bounce

import (
	"slices"
	"strings"

	"broadside/delivery/reply"
)

// dialect is how an MTA words bounces that have no delivery status, in lower case.
type dialect struct {
	opening []string // begins a line near the top
	found   []string // on the line where what the refusing server said begins
}

var dialects = []dialect{
	{ // Exim
		opening: []string{"this message was created automatically by mail delivery software", "this message was created automatically by the smtp relay"},
		found:   []string{"the following address failed", "the following address(es) failed", "the address to which the message has not yet been delivered", "the addresses to which the message has not yet been delivered"},
	},
	{ // qmail (the QSBMF paragraphs), and what Yahoo made of it
		opening: []string{"hi. this is the qmail-send program", "hi. this is the deliver program", "sorry, we were unable to deliver your message to the following address"},
		found:   []string{"<"},
	},
	{ // Postfix
		opening: []string{"this is the postfix program at host", "this is the postfix mail system at host", "this is the mail system at host"},
		found:   []string{"<"},
	},
	{ // Sendmail
		opening: []string{"the original message was received at"},
		found:   []string{"----- the following addresses had", "----- transcript of session follows"},
	},
	{ // Exchange 5.5
		opening: []string{"your message"},
		found:   []string{"did not reach the following recipient(s)"},
	},
	{ // Exchange and Microsoft 365, when a gateway has thrown the delivery status away
		opening: []string{"delivery has failed to these recipients or groups", "delivery has failed to these recipients or distribution lists", "your message to ", "your message wasn't delivered", "your message couldn't be delivered"},
		found:   []string{"diagnostic information for administrators", "remote server returned"},
	},
	{ // Gmail
		opening: []string{"delivery to the following recipient failed permanently", "delivery to the following recipients failed permanently", "delivery to the following recipient has been delayed", "delivery incomplete", "** address not found **", "** message blocked **", "address not found", "message not delivered"},
		found:   []string{"technical details of permanent failure", "technical details of temporary failure", "the response from the remote server was", "the response was"},
	},
	{ // Courier
		opening: []string{"this is a delivery status notification from", "this is a delivery status notification,"},
		found:   []string{"<", "unable to deliver"},
	},
}

// delays say that the message is still being tried.
var delays = []string{
	"this is a warning only", "this is a warning message only", "this message is a warning", "has not yet been delivered",
	"it will be retried", "delivery has been delayed", "failed has been delayed", "recipient has been delayed",
	"delivery incomplete", "will retry for", "delivery attempts will continue", "you do not need to resend",
	"this is a temporary problem",
}

// returned begin the message that follows a bounce's own text.
var returned = []string{
	"--- below this line is a copy", "--- below the next line is a copy", "------ this is a copy of", "----- original message",
	"----- message header follows", "----- unsent message follows", "--- original message follows", "--- the header of the original",
	"original message headers", "original message follows", "the mts-id of the original message", "return-path:",
}

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
			return c.read(lines, lines[start+at:]), true
		}
	}
	if !c.fromDaemon() || !c.subjectOfFailure() {
		return Report{}, false
	}
	for i, l := range lines {
		if code, enhanced := quotedCodes(l); code != 0 || enhanced != "" {
			return c.read(lines, lines[max(i-1, 0):]), true
		}
	}
	return Report{}, false
}

// read makes the report of a notice whose diagnostics begin at said.
func (c *content) read(notice, said []string) Report {
	text := strings.Join(said[:min(len(said), 40)], " ")
	text = text[:min(len(text), maxValue)]
	r := Report{Kind: Failed, Recipient: line(failedRecipient(c.header, said), 320)}
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
			word = strings.Trim(word, "<>():;,\"'")
			if at := strings.IndexByte(word, '@'); at > 0 && at < len(word)-1 {
				return word
			}
		}
	}
	return ""
}
