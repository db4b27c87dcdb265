package mx

import (
	"context"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// LookupTXTTTL returns the TXT records of a name, each in one piece, and how long the
// answer holds, errors too.
func (d *DNS) LookupTXTTTL(ctx context.Context, name string) ([]string, time.Duration, error) {
	rrs, ttl, err := d.lookup(ctx, name, dns.TypeTXT)
	var texts []string
	for _, rr := range rrs {
		if txt, ok := rr.(*dns.TXT); ok {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	return texts, ttl, err
}
