package delivery

import (
	"context"
	"net/url"
	"strings"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
)

// counting is how a run's readers are counted.
type counting struct {
	base    string // of the pixel's and the links' URLs; "": nobody is counted
	numbers []int  // of the content's links, among those of the run
}

// countingFor decides before a run's message is compiled what of it may be counted, by
// the least strict of its lists: what holds for each recipient is asked when their
// message is made.
func (c *contents) countingFor(ctx context.Context, run campaign.Run) (opens, clicks bool, err error) {
	if !c.cfg.Identity.counts() {
		return false, false, nil
	}
	most, err := c.cfg.Store.MostTracking(ctx, run.Spec.Lists)
	o, k := run.Spec.Track.Within(most)
	return o > campaign.TrackOff, k > campaign.TrackOff, err
}

// number gives the links of a run's message the numbers that their URLs have: those of
// the store, so that all processes, and all versions of this program, mean the same.
func (c *contents) number(ctx context.Context, run campaign.RunID, m *message.Content) ([]int, error) {
	links := m.Links()
	if len(links) == 0 {
		return nil, nil
	}
	wanted := make([]campaign.Link, len(links))
	for i, l := range links {
		wanted[i] = campaign.Link{Target: l.Target, Fixed: l.Fixed}
	}
	saved, err := c.cfg.Store.SaveLinks(ctx, run, wanted)
	if err != nil {
		return nil, err
	}
	numbers := make([]int, len(links))
	for _, s := range saved {
		for i, l := range links {
			if l.Target == s.Target && l.Fixed == s.Fixed {
				numbers[i] = s.Number
			}
		}
	}
	return numbers, nil
}

// counts reports whether there is anywhere that readers could be counted.
func (id *Identity) counts() bool { return id.PublicURL != "" || len(id.TrackingURLs) > 0 }

// trackingURL is the base of the pixel's and the links' URLs in mail from a domain.
func (id *Identity) trackingURL(domain string) string {
	if own := id.TrackingURLs[domain]; own != "" {
		return strings.TrimSuffix(own, "/")
	}
	return strings.TrimSuffix(id.PublicURL, "/")
}

// host is what mailbox providers see of the links.
func (c *counting) host() string {
	u, err := url.Parse(c.base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// count makes a recipient's message one that is counted, as far as their lists allow.
// Where nobody is to know whose it was, everybody's pixel and links are the same, or all of
// one variant.
func (s *Sender) count(p *prepared, r *message.Recipient) {
	c := &p.content.counting
	if c.base == "" {
		return
	}
	who := token.Holder{Run: int64(p.Job.Run), Variant: int64(p.Job.Variant)}
	of := func(level campaign.Tracking) token.Holder {
		if level == campaign.TrackIndividual {
			return token.Holder{Run: who.Run, Contact: int64(p.Job.Contact)}
		}
		return who
	}
	opens, clicks := p.content.spec.Track.Within(p.ceiling)
	if opens > campaign.TrackOff {
		r.Pixel = string(s.Identity.Tokens.AppendHit([]byte(c.base+"/o/"), of(opens), 0, nil))
	}
	if clicks > campaign.TrackOff {
		holder := of(clicks)
		r.Link = func(dst []byte, link int, rest []byte) []byte {
			dst = append(append(dst, c.base...), "/c/"...)
			return s.Identity.Tokens.AppendHit(dst, holder, int64(c.numbers[link]), rest)
		}
	}
}

// ceilings asks how much may be measured of people now.
func (s *Sender) ceilings(ctx context.Context, c *content, items []*item, of []int) error {
	if c.counting.base == "" {
		return nil
	}
	contacts := make([]campaign.ContactID, len(of))
	for k, i := range of {
		contacts[k] = items[i].Job.Contact
	}
	levels, err := s.Store.CeilingsOf(ctx, c.spec.Lists, contacts)
	if err != nil {
		return err
	}
	for _, i := range of {
		items[i].ceiling = levels[items[i].Job.Contact]
	}
	return nil
}
