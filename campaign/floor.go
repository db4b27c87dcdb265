package campaign

import (
	"context"
	"fmt"
	"strings"

	"broadside/campaign/lint"
)

// Class is what a campaign's mail is before the law.
type Class string

// The classes. The zero Class is Marketing.
const (
	// Marketing is advertising and news.
	Marketing Class = "marketing"
	// Transactional mail completes or is about something that its recipient asked for: an
	// order, an account, a safety notice. It needs no postal address and no way out
	// (CAN-SPAM, 15 U.S.C. 7704 (a)(3) and (5) are about commercial mail; see 7702 (17)).
	Transactional Class = "transactional"
)

// legalFloor adds what keeps a campaign from starting because the law, or every large
// mailbox provider, asks for it.
func (s *Service) legalFloor(ctx context.Context, spec Spec, domain string, p *Preflight) error {
	if s.Verified != nil && (s.HasKey == nil || s.HasKey(domain)) {
		why, err := s.Verified(ctx, domain)
		if err != nil {
			return err
		}
		if why != "" {
			p.add(true, "sending domain", why, fmt.Sprintf("publish the record that `broadside dkim dns %s` prints; `broadside dkim verify %s` shows when it is seen", domain, domain))
		}
	}
	if spec.Class == Transactional {
		return nil
	}
	if s.PublicURL == "" {
		p.add(true, "public_url", "is not configured: messages have no unsubscribe link, which mailbox providers and most laws demand",
			"set it to the https:// address at which the web role is reached")
	}
	if strings.TrimSpace(spec.PostalAddress) == "" {
		p.add(true, "postal_address", "is empty: the law asks for it in advertising mail", noPostalAddress)
	}
	return nil
}

const noPostalAddress = `write the sender's street or mailbox address; mail that completes an order or is about an account is class = "transactional"`

// visibleUnsubscribe adds a finding for each part of a variant's rendered sample message
// that shows no way out.
func (s *Service) visibleUnsubscribe(spec Spec, v Variant, msg []byte, p *Preflight) error {
	if spec.Class == Transactional || s.PublicURL == "" || msg == nil {
		return nil
	}
	r, err := ReadRendered(msg)
	if err != nil {
		return err
	}
	url := s.sampleUnsubscribe()
	const fix = "show {{ unsubscribe_url }} as a link with text that can be read, or leave it out: it is then put in the footer"
	if r.HTML != "" && !lint.ShowsLink(r.HTML, url) {
		p.add(true, v.at("html"), "shows no unsubscribe link", fix)
	}
	if r.Text != "" && !strings.Contains(r.Text, url) {
		p.add(true, v.at("text"), "shows no unsubscribe link", fix)
	}
	return nil
}

// sampleUnsubscribe is the link in samples; it leads nowhere.
func (s *Service) sampleUnsubscribe() string {
	return strings.TrimSuffix(s.PublicURL, "/") + "/u/preview"
}
