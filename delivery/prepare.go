package delivery

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
	"broadside/delivery/meter"
	"broadside/delivery/smtp"
)

// prepared is a job's message, rendered and signed, in buffers that are used again.
type prepared struct {
	routed
	content   *content
	envelope  smtp.Envelope
	message   []byte
	signature []byte

	rendering, signing time.Duration // how long they took
}

// wire is the message as it is sent: the signature precedes what it signs.
func (p *prepared) wire() net.Buffers {
	if len(p.signature) == 0 {
		return net.Buffers{p.message}
	}
	return net.Buffers{p.signature, p.message}
}

// took is how long an attempt spent in each stage. A second attempt over another
// connection has waited since the first.
func (p *prepared) took(sending, answered time.Time) meter.Took {
	return meter.Took{
		meter.Queue:  p.taken.Sub(p.Stored),
		meter.Render: p.rendering,
		meter.Sign:   p.signing,
		meter.Wait:   sending.Sub(p.taken) - p.rendering - p.signing,
		meter.SMTP:   answered.Sub(sending),
	}
}

var preparedPool = sync.Pool{New: func() any { return new(prepared) }}

func (p *prepared) release() {
	*p = prepared{message: p.message[:0], signature: p.signature[:0]}
	preparedPool.Put(p)
}

// prepare renders and signs an item's message. If that fails the item has got its
// outcome, and the result is nil.
func (s *Sender) prepare(ctx context.Context, it routed) *prepared {
	c, err := s.contents.of(ctx, contentOf(&it.Job))
	if err != nil {
		s.broken(ctx, it.item, err)
		return nil
	}
	p := preparedPool.Get().(*prepared)
	p.routed, p.content = it, c
	if err := s.render(p); err != nil {
		var merge *message.MergeError
		if errors.As(err, &merge) {
			e := it.event(campaign.Skipped, campaign.MergeFailed, time.Now())
			e.Reply = err.Error()
			s.outcomes.add(it.item, e)
		} else {
			s.broken(ctx, it.item, err)
		}
		p.release()
		return nil
	}
	return p
}

func (s *Sender) render(p *prepared) error {
	job, now := &p.Job, time.Now()
	r := message.Recipient{
		Email:      job.Email,
		Attributes: job.Attributes,
		MessageID:  s.Identity.messageID(job, p.content.message.FromDomain()),
		Date:       now,
		FeedbackID: feedbackID(job, p.content.message.FromDomain()),
	}
	if p.content.signer != nil {
		r.CFBLAddress = s.Identity.complaintAddress(job, p.content.message.FromDomain())
	}
	if s.Identity.PublicURL != "" && len(p.content.spec.Lists) > 0 {
		r.Unsubscribe = s.Identity.unsubscribe(job)
	}
	s.count(p, &r)
	var err error
	if p.message, err = p.content.message.Append(p.message[:0], &r); err != nil {
		return err
	}
	rendered := time.Now()
	p.signature = p.signature[:0]
	if p.content.signer != nil {
		if p.signature, err = p.content.signer.Sign(p.signature, p.message, now); err != nil {
			return err
		}
	}
	signed := time.Now()
	p.rendering, p.signing = rendered.Sub(now), signed.Sub(rendered)
	if s.Prepared != nil {
		s.Prepared(job, now, rendered, signed)
	}
	p.envelope = smtp.Envelope{
		From: s.Identity.returnPath(job, p.content.message.FromDomain()),
		To:   job.Email,
		UTF8: message.NeedsUTF8(job.Email),
	}
	return nil
}

// broken handles a failure of our own machinery: the recipient is deferred, for as long
// as any other, while an operator reads the log.
func (s *Sender) broken(ctx context.Context, it *item, err error) {
	if ctx.Err() != nil {
		s.giveBack(ctx, it, soon)
		return
	}
	s.Log.Error("sender: a message cannot be made", "run", it.Job.Run, "contact", it.Job.Contact, "error", err)
	e := it.event(campaign.Deferred, campaign.InternalFailure, time.Now())
	e.Reply = err.Error()
	s.deferUntil(it, e, 0)
}

// messageID is the same for all attempts of a recipient (RFC 5322 §3.6.4): a server
// that got an earlier copy can tell.
func (id *Identity) messageID(j *campaign.Job, domain string) string {
	b := id.Tokens.Append(make([]byte, 0, 96), token.MessageID, int64(j.Run), int64(j.Contact))
	b = append(b, '@')
	return string(append(b, domain...))
}

// returnPath is the recipient's own (VERP), so that a bounce names it.
func (id *Identity) returnPath(j *campaign.Job, domain string) string {
	if id.ReturnPathDomain != "" {
		domain = id.ReturnPathDomain
	}
	return id.sealed("b-", token.Bounce, j, domain)
}

// complaintAddress is where providers report this recipient's complaint, which the
// address alone names. It is "" when the address is in a domain that our signature
// does not speak for: only the sender's own, or one below it (RFC 9477 §3).
func (id *Identity) complaintAddress(j *campaign.Job, domain string) string {
	at := domain
	if id.ReturnPathDomain != "" {
		at = id.ReturnPathDomain
	}
	if at != domain && !strings.HasSuffix(at, "."+domain) {
		return ""
	}
	return id.sealed("c-", token.Complaint, j, at)
}

// sealed is an address of ours that names a recipient.
func (id *Identity) sealed(prefix string, p token.Purpose, j *campaign.Job, domain string) string {
	b := make([]byte, 0, 128)
	if id.ReturnPathMailbox != "" {
		b = append(append(b, id.ReturnPathMailbox...), '+')
	}
	b = append(b, prefix...)
	b = id.Tokens.Append(b, p, int64(j.Run), int64(j.Contact))
	b = append(b, '@')
	return string(append(b, domain...))
}

// unsubscribe is the link that takes this recipient off this run's lists.
func (id *Identity) unsubscribe(j *campaign.Job) string {
	b := append(make([]byte, 0, 160), strings.TrimSuffix(id.PublicURL, "/")...)
	b = append(b, "/u/"...)
	return string(id.Tokens.Append(b, token.Unsubscribe, int64(j.Run), int64(j.Contact)))
}

// feedbackID lets Gmail report complaints by run: its last part names the sender, 5 to
// 15 characters, the same in all mail of the domain.
func feedbackID(j *campaign.Job, domain string) string {
	sender := strings.ReplaceAll(domain, ".", "")
	for len(sender) < 5 {
		sender += "0"
	}
	b := strconv.AppendInt(append(make([]byte, 0, 48), "run"...), int64(j.Run), 10)
	b = append(b, "::broadside:"...)
	return string(append(b, sender[:min(len(sender), 15)]...))
}
