package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"broadside/campaign/message"
)

// startSample and fullSample are how many recipients a preflight renders: `start`
// must not keep a large audience waiting, `preflight` may take its time.
const (
	startSample = 1000
	fullSample  = 1_000_000
)

// maxMessageSize is what large providers take in all (Gmail and Microsoft: 25 MB and
// more, base64 included).
const maxMessageSize = 20 << 20

// Finding is one thing that a preflight noticed, with its remedy.
type Finding struct {
	Blocks bool   `json:"blocks"`
	Where  string `json:"where"`
	What   string `json:"what"`
	Fix    string `json:"fix"`
}

// Preflight is what was looked at before a start.
type Preflight struct {
	Findings []Finding `json:"findings"`
	// Sampled recipients were rendered, of whom Failed could not be; Complete tells
	// that these were all.
	Sampled  int  `json:"sampled"`
	Failed   int  `json:"failed"`
	Complete bool `json:"complete"`
	// FirstFailures says why, for the first ones.
	FirstFailures []string `json:"first_failures,omitempty"`
	Bytes         int      `json:"bytes"` // of the largest message
}

// Blocked is why the campaign must not start, nil when it may.
func (p Preflight) Blocked() error {
	var errs []error
	for _, f := range p.Findings {
		if f.Blocks {
			errs = append(errs, fmt.Errorf("%s: %s; %s", f.Where, f.What, f.Fix))
		}
	}
	return errors.Join(errs...)
}

func (p *Preflight) add(blocks bool, where, what, fix string) {
	p.Findings = append(p.Findings, Finding{blocks, where, what, fix})
}

// Preflight looks at everything that can be known before a campaign starts.
func (s *Service) Preflight(ctx context.Context, name string) (Preflight, error) {
	c, err := s.Find(ctx, name)
	if err != nil {
		return Preflight{}, err
	}
	return s.preflight(ctx, c.Spec, look{most: fullSample})
}

func (s *Service) preflight(ctx context.Context, spec Spec, far look) (Preflight, error) {
	var p Preflight
	if err := s.check(ctx, spec); err != nil {
		p.add(true, "campaign", err.Error(), "correct it and replace the campaign")
		return p, nil
	}
	contents, err := compileAll(spec)
	if err != nil {
		return p, err
	}
	if err := s.sendable(ctx, spec, contents[0].FromDomain(), &p); err != nil {
		return p, err
	}
	undecidable, err := s.decidable(ctx, spec)
	if err != nil {
		return p, err
	}
	p.Findings = append(p.Findings, undecidable...)
	if spec.Template() {
		p.add(true, "lists", "there are none: it is a template, from which messages are made one by one", "name lists to send it to, or ask the API for messages")
		return p, nil
	}
	if err := s.renderSample(ctx, spec, contents, far, &p); err != nil {
		return p, err
	}
	if p.Bytes > maxMessageSize {
		p.add(true, "size", fmt.Sprintf("a message is %d MB", p.Bytes>>20), fmt.Sprintf("mailbox providers take %d MB; link to large files instead of attaching them", maxMessageSize>>20))
	}
	return p, nil
}

// sendable adds what keeps mail of a campaign from being sent, whoever gets it.
func (s *Service) sendable(ctx context.Context, spec Spec, domain string, p *Preflight) error {
	if s.HasKey != nil && !s.HasKey(domain) {
		p.add(true, "DKIM", "there is no key for "+domain,
			fmt.Sprintf("make one with `broadside dkim keygen %s` and publish the record it prints", domain))
	}
	if s.HasPool != nil && spec.Pool != "" && !s.HasPool(spec.Pool) {
		p.add(true, "pool", "there are no sources in "+spec.Pool, "name a pool of the configuration, or leave it out")
	}
	return s.legalFloor(ctx, spec, domain, p)
}

// renderSample renders the audience, as far as it is looked at, in every variant.
func (s *Service) renderSample(ctx context.Context, spec Spec, contents []*message.Content, far look, p *Preflight) error {
	var buf []byte
	first := make([][]byte, len(contents))
	all, err := s.looked(ctx, spec, far, func(m *AudienceMember) bool {
		p.Sampled++
		var problem error
		for i, content := range contents {
			var err error
			buf, err = content.Append(buf[:0], s.sampleRecipient(m.Contact, content.FromDomain()))
			if err == nil && first[i] == nil {
				first[i] = bytes.Clone(buf)
			}
			if err != nil && problem == nil {
				problem = fmt.Errorf("%s: %s", m.Email, (VariantA + Variant(i)).at(err.Error()))
			}
			p.Bytes = max(p.Bytes, len(buf))
		}
		if problem != nil {
			p.Failed++
			if len(p.FirstFailures) < 10 {
				p.FirstFailures = append(p.FirstFailures, problem.Error())
			}
		}
		return p.Sampled < far.most
	})
	for i, content := range contents {
		if first[i] == nil {
			if msg, err := content.Append(nil, s.sampleRecipient(sample, content.FromDomain())); err == nil {
				first[i] = msg
			}
		}
		if err == nil {
			err = s.visibleUnsubscribe(spec, VariantA+Variant(i), first[i], p)
		}
	}
	if err != nil {
		return err
	}
	p.Complete = all
	switch {
	case p.Sampled == 0 && !all:
		p.add(false, "audience", "has nobody among those of the lists who were looked at", "see how many it has before you start")
	case p.Sampled == 0:
		p.add(true, "audience", "is empty", "check the lists, the exclusions and the segments")
	case p.Failed == p.Sampled:
		p.add(true, "merge fields", fmt.Sprintf("cannot be filled in for any of %d recipients: %s", p.Sampled, p.FirstFailures[0]), `give a default: {{ field | default: "…" }}`)
	case p.Failed > 0:
		p.add(false, "merge fields", fmt.Sprintf("cannot be filled in for %d of %d recipients, who will be skipped: %s", p.Failed, p.Sampled, p.FirstFailures[0]), `give a default: {{ field | default: "…" }}`)
	}
	return nil
}

// look is how far into an audience somebody looks.
type look struct {
	most int           // people are wanted
	time time.Duration // after which it is enough, whoever was found; 0: however long it takes
}

// pageLook is as long as a page may keep somebody waiting. In a segment of few people
// there may be nobody so far.
const pageLook = 40 * time.Millisecond

// looked calls visit for those of an audience whom somebody looks at who has so much
// time: a page those from all over the lists, or the first ones if nobody is among them;
// all says that these were all.
func (s *Service) looked(ctx context.Context, spec Spec, far look, visit func(*AudienceMember) bool) (all bool, err error) {
	if far.time == 0 {
		return s.audience(ctx, spec, far, visit)
	}
	any := false
	all, err = s.atPlaces(ctx, spec, far.time, func(m *AudienceMember) {
		any = true
		visit(m)
	})
	if any || all || err != nil {
		return all, err
	}
	return s.audience(ctx, spec, far, visit)
}

// audience calls visit for each member who would be sent to, until it returns false or
// enough was looked at; all says that these were all.
func (s *Service) audience(ctx context.Context, spec Spec, far look, visit func(*AudienceMember) bool) (all bool, err error) {
	a, sieve, err := s.audienceOf(ctx, spec)
	if err != nil {
		return false, err
	}
	var after ContactID
	began := s.Now()
	most := snapshotPage
	if far.time > 0 {
		most /= 10
	}
	// Most who visit want a few: the first pages are small.
	for limit := 50; ; limit = min(limit*10, most, max(far.most, 50)) {
		page, err := s.Store.AudiencePage(ctx, a, after, limit)
		if err != nil {
			return false, err
		}
		verdicts, err := sieve.sort(ctx, page)
		if err != nil {
			return false, err
		}
		for i := range page {
			m := &page[i]
			after = m.ID
			if !m.Subscribed || m.Suppressed || verdicts[i] != meant {
				continue
			}
			if !visit(m) {
				return false, nil
			}
		}
		if len(page) < limit {
			return true, nil
		}
		if far.time > 0 && s.Now().Sub(began) >= far.time {
			return false, nil
		}
	}
}

// sampleRecipient is a contact as a message would see it, with a message id and a link
// that lead nowhere.
func (s *Service) sampleRecipient(c Contact, domain string) *message.Recipient {
	r := &message.Recipient{Email: c.Email, Attributes: c.Attributes, MessageID: "preview@" + domain, Date: s.Now()}
	if s.PublicURL != "" {
		r.Unsubscribe = s.sampleUnsubscribe()
	}
	return r
}
