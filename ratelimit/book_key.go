package ratelimit

import (
	"fmt"
	"net/url"
	"strings"
)

// name is the key in the bucket: kind/value/site, where all but letters, digits, -, _
// and single dots within a part is written =XX, as bytes in hex.
func (k Key) name() string {
	return k.Kind.String() + "/" + encodePart(k.Value) + "/" + encodePart(k.Site)
}

func encodePart(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		dot := c == '.' && i > 0 && s[i-1] != '.' && i < len(s)-1
		if dot || c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// parseKey reads what name wrote.
func parseKey(name string) (Key, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("key %q of bucket %s: not kind/value/site", name, sitesBucket)
	}
	var k Key
	if err := k.Kind.UnmarshalText([]byte(parts[0])); err != nil {
		return Key{}, err
	}
	for i, to := range []*string{&k.Value, &k.Site} {
		s, err := url.PathUnescape(strings.ReplaceAll(parts[i+1], "=", "%"))
		if err != nil {
			return Key{}, fmt.Errorf("key %q of bucket %s: %w", name, sitesBucket, err)
		}
		*to = s
	}
	return k, nil
}
