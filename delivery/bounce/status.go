package bounce

import (
	"strings"
	"unicode"

	"broadside/delivery/reply"
)

// parseStatus reads a delivery status (RFC 3464 §2, RFC 6533 §3). Of several
// recipients the mildest report counts: an address that is passed on to others is
// gone when all of them are.
func parseStatus(body []byte) (Report, bool) {
	var found []Report
	reporter := ""
	for _, g := range groups(body) {
		if v := g.get("reporting-mta"); v != "" && reporter == "" {
			reporter = typed(v)
		}
		if r, ok := parseRecipient(g); ok {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return Report{}, false
	}
	mildest := found[0]
	for _, r := range found[1:] {
		if r.mild() < mildest.mild() {
			mildest = r
		}
	}
	mildest.Reporter = line(reporter, 255)
	return mildest, true
}

// groups cuts a delivery status at its blank lines, and where another recipient's
// fields begin without one.
func groups(body []byte) []fields {
	var list []fields
	for len(body) > 0 && len(list) < maxParts {
		f, rest := cutFields(body)
		if len(rest) == len(body) {
			_, rest = cutLine(rest) // a line that is no field
		}
		body = rest
		start, finals := 0, 0
		for i, x := range f {
			if x.name != "final-recipient" {
				continue
			}
			if finals++; finals > 1 {
				list = append(list, f[start:i])
				start = i
			}
		}
		if start < len(f) {
			list = append(list, f[start:])
		}
	}
	return list
}

// parseRecipient reads the fields of one recipient; false when they are not.
func parseRecipient(f fields) (Report, bool) {
	action, status := firstWord(f.get("action")), firstWord(f.get("status"))
	if !isEnhanced(status) {
		status = ""
	}
	r := Report{
		Recipient:  line(typed(f.get("final-recipient")), 320),
		Diagnostic: line(typed(f.get("diagnostic-code")), 512),
	}
	if r.Recipient == "" {
		r.Recipient = line(typed(f.get("original-recipient")), 320)
	}
	switch strings.ToLower(action) {
	case "failed", "failure":
		r.Kind = Failed
	case "delayed":
		r.Kind = Delayed
	case "delivered", "relayed", "expanded":
		r.Kind = Delivered
	default:
		if action == "" && status == "" {
			return Report{}, false
		}
		r.Kind = kindOf(status)
	}
	var enhanced string
	r.Code, enhanced = quotedCodes(r.Diagnostic)
	r.Status = tellingStatus(status, enhanced)
	if r.Status == "" && r.Kind == Failed {
		r.Status = "5.0.0"
	}
	if r.Kind == Failed || r.Kind == Delayed {
		r.Reason = reply.Reason(r.Code, r.Status, r.Diagnostic)
	}
	return r, true
}

// kindOf reads a recipient's fate from its status alone.
func kindOf(status string) Kind {
	switch {
	case strings.HasPrefix(status, "5."):
		return Failed
	case strings.HasPrefix(status, "4."):
		return Delayed
	case strings.HasPrefix(status, "2."):
		return Delivered
	}
	return Unrecognised
}

// tellingStatus chooses between the reporter's status and the one that the refusing
// server gave: the reporter's, unless it says nothing or the server speaks of policy.
func tellingStatus(reported, said string) string {
	generic := reported == "" || strings.HasSuffix(reported, ".0.0")
	if said != "" && (generic || strings.HasPrefix(said[1:], ".7.")) {
		return said
	}
	return reported
}

// typed takes the type off a value such as "rfc822; ann@example.org".
func typed(value string) string {
	kind, rest, found := strings.Cut(value, ";")
	if !found || strings.ContainsAny(strings.TrimSpace(kind), " <@") {
		return strings.TrimSpace(value)
	}
	return strings.TrimSpace(rest)
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return strings.Trim(word, "();,")
}

// line makes what a stranger wrote safe to log and to store: printable, on one line,
// at most size bytes.
func line(s string, size int) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "?") {
		if r <= ' ' || r == 0x7f {
			space = b.Len() > 0
			continue
		}
		if !unicode.IsPrint(r) {
			r = '?'
		}
		if b.Len()+5 > size {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
