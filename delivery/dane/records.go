package dane

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The usages that a mail server's records may have (RFC 7672 §3.1). PKIX-TA (0) and
// PKIX-EE (1) are unusable: nobody knows which authorities sender and receiver share.
const (
	daneTA = 2 // an authority of the domain's own
	daneEE = 3 // the server's certificate, or its key
)

// Record is the data of a TLSA record (RFC 6698 §2.1).
type Record struct {
	Usage    uint8
	Selector uint8 // 0 the certificate, 1 its public key
	Matching uint8 // 0 as it is, 1 its SHA-256, 2 its SHA-512
	Data     []byte
}

// String is the record as in a zone file.
func (r Record) String() string {
	return fmt.Sprintf("%d %d %d %s", r.Usage, r.Selector, r.Matching, hex.EncodeToString(r.Data))
}

// usable reports whether the record can match a certificate at all (RFC 7672 §3.1,
// RFC 7671 §4).
func (r Record) usable() bool {
	if r.Usage != daneTA && r.Usage != daneEE || r.Selector > 1 {
		return false
	}
	switch r.Matching {
	case 0:
		return r.parses()
	case 1:
		return len(r.Data) == sha256.Size
	case 2:
		return len(r.Data) == sha512.Size
	}
	return false
}

func (r Record) parses() bool {
	var err error
	if r.Selector == 0 {
		_, err = x509.ParseCertificate(r.Data)
	} else {
		_, err = x509.ParsePKIXPublicKey(r.Data)
	}
	return err == nil
}

func (r Record) matches(c *x509.Certificate) bool {
	content := c.Raw
	if r.Selector == 1 {
		content = c.RawSubjectPublicKeyInfo
	}
	switch r.Matching {
	case 1:
		sum := sha256.Sum256(content)
		content = sum[:]
	case 2:
		sum := sha512.Sum512(content)
		content = sum[:]
	}
	return bytes.Equal(content, r.Data)
}

// Records are the usable records of a host. They never change; a pointer to them is a
// smtp.Verifier.
type Records struct {
	names []string // of which the certificate must have one, where an authority vouches
	list  []Record
}

// newRecords keeps the usable records; nil when there is none. Of digests of the same
// thing only the strongest count (RFC 7671 §9).
func newRecords(names []string, all []Record) *Records {
	var list []Record
	for _, r := range all {
		stronger := func(o Record) bool {
			return o.usable() && o.Matching == 2 && o.Usage == r.Usage && o.Selector == r.Selector
		}
		if r.usable() && !(r.Matching == 1 && slices.ContainsFunc(all, stronger)) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return nil
	}
	// The server's own certificate is the cheaper one to check.
	slices.SortStableFunc(list, func(a, b Record) int { return cmp.Compare(b.Usage, a.Usage) })
	return &Records{names: names, list: list}
}

// For are the records as they hold for mail to a domain: a certificate that an
// authority vouches for may also be for the domain's name (RFC 7672 §3.2.3).
func (r *Records) For(domain string) *Records {
	if r.list[len(r.list)-1].Usage != daneTA || slices.Contains(r.names, domain) {
		return r
	}
	return &Records{names: append(slices.Clip(r.names), domain), list: r.list}
}

// errNoMatch is not about one record: none of them matches.
var errNoMatch = errors.New("no TLSA record matches the certificate")

// Verify reports whether one of the records matches a chain of certificates, the
// server's first. With DANE-EE neither names nor dates count (RFC 7672 §3.1.1); with
// DANE-TA both do.
func (r *Records) Verify(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("the server showed no certificate")
	}
	err := errNoMatch
	for _, record := range r.list {
		if record.Usage == daneEE {
			if record.matches(chain[0]) {
				return nil
			}
			continue
		}
		for _, anchor := range anchors(record, chain) {
			if err = r.verifyPath(chain, anchor); err == nil {
				return nil
			}
		}
	}
	return err
}

// anchors are the authorities that a record names: certificates that the server sent
// above its own, or the one in the record itself (RFC 7671 §5.2.2).
func anchors(record Record, chain []*x509.Certificate) []*x509.Certificate {
	var found []*x509.Certificate
	for _, c := range chain[1:] {
		if record.matches(c) {
			found = append(found, c)
		}
	}
	if len(found) == 0 && record.Selector == 0 && record.Matching == 0 {
		if c, err := x509.ParseCertificate(record.Data); err == nil {
			found = append(found, c)
		}
	}
	return found
}

// verifyPath verifies the server's certificate up to an authority, and its name.
func (r *Records) verifyPath(chain []*x509.Certificate, anchor *x509.Certificate) error {
	opts := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	opts.Roots.AddCert(anchor)
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(opts); err != nil {
		return err
	}
	err := chain[0].VerifyHostname(r.names[0])
	if slices.ContainsFunc(r.names[1:], func(name string) bool { return chain[0].VerifyHostname(name) == nil }) {
		return nil
	}
	return err
}

// Strings are the records as RFC 8460 §4.4 reports them.
func (r *Records) Strings() []string {
	lines := make([]string, len(r.list))
	for i, record := range r.list {
		lines[i] = record.String()
	}
	return lines
}

// normal is a name in lower case and without the final dot.
func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
