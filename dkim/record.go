package dkim

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// maxString is the longest character-string of a TXT record (RFC 1035 §3.3).
const maxString = 255

// Record is the TXT record to publish (RFC 6376 §3.6.1): its name without a final
// dot, and its value, which is over 255 bytes for RSA and so several strings on the
// wire; see ZoneLine.
func (k *Key) Record() (name, txt string) {
	name = k.Selector + "._domainkey." + k.Domain
	switch public := k.private.Public().(type) {
	case ed25519.PublicKey:
		// The bare 32 bytes, not a SubjectPublicKeyInfo (RFC 8463 §4).
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			panic("an RSA public key can always be encoded: " + err.Error())
		}
		return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	}
	panic("newKey admits RSA and Ed25519 only")
}

// ZoneLine is the record as one line of a zone file, its value cut into strings of
// at most 255 bytes.
func (k *Key) ZoneLine() string {
	name, txt := k.Record()
	var line strings.Builder
	line.WriteString(name + ". IN TXT (")
	for len(txt) > 0 {
		n := min(len(txt), maxString)
		line.WriteString(` "` + txt[:n] + `"`)
		txt = txt[n:]
	}
	line.WriteString(" )")
	return line.String()
}
