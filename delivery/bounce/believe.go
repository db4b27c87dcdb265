package bounce

import (
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
)

// Trust says whose complaints are believed, once they name one of our recipients by a
// token of ours.
type Trust struct {
	// Signers returns the domains whose DKIM signatures of a message are valid; an error
	// when that cannot be told now.
	Signers func(msg []byte) ([]string, error)
	// Reporters are networks that complaints may come from unsigned, such as a
	// provider's own or a relay of ours.
	Reporters []netip.Prefix
}

// believes reports whether a complaint is authentic: it comes from a reporter that is
// known, or it is signed by the domain that it is from (RFC 9477 §3). why says why
// not; an error asks for another time.
func (t Trust) believes(m received) (ok bool, why string, err error) {
	if t.known(m.remote) {
		return true, "", nil
	}
	if m.size > int64(len(m.head)) {
		return false, "it is too long to be verified", nil
	}
	header, _ := cutFields(m.head)
	from, err := mail.ParseAddress(header.get("from"))
	if err != nil {
		return false, "it has no sender", nil
	}
	if t.Signers == nil {
		return false, "signatures are not verified here", nil
	}
	signers, err := t.Signers(m.head)
	if err != nil {
		return false, "", fmt.Errorf("verify the signatures of a complaint: %w", err)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	for _, s := range signers {
		if speaksFor(s, domain) {
			return true, "", nil
		}
	}
	return false, "its sender did not sign it", nil
}

func (t Trust) known(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, p := range t.Reporters {
		if p.Contains(ap.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// speaksFor: a domain speaks for itself and for those below it; one of a single label
// for nobody.
func speaksFor(signer, domain string) bool {
	signer, domain = strings.ToLower(signer), strings.ToLower(domain)
	return strings.Contains(signer, ".") && (signer == domain || strings.HasSuffix(domain, "."+signer))
}
