package dkim

import "strings"

// Published reports whether one of a name's TXT records, each in one piece, is the
// key's: the same public key, for the same algorithm (RFC 6376
// §3.6.1).
func (k *Key) Published(txts []string) bool {
	_, own := k.Record()
	want := tagsOf(own)
	for _, txt := range txts {
		got := tagsOf(txt)
		if got["k"] == "" {
			got["k"] = "rsa"
		}
		if got["p"] == want["p"] && got["k"] == want["k"] && (got["v"] == "" || got["v"] == "DKIM1") {
			return true
		}
	}
	return false
}

// tagsOf reads a tag list (RFC 6376 §3.2); blanks within values mean nothing in those
// that are compared here.
func tagsOf(txt string) map[string]string {
	tags := map[string]string{}
	for part := range strings.SplitSeq(txt, ";") {
		name, value, ok := strings.Cut(part, "=")
		if ok {
			tags[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
		}
	}
	return tags
}
