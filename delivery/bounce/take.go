package bounce

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"broadside/campaign"
)

// received is a message with its envelope.
type received struct {
	from, remote string
	targets      []target
	mailbox      string // of a person: see mailboxes
	head         []byte // the message, or its beginning
	size         int64
	stored       bool // in a mailbox, which leaves us to find whom it is about
}

// take does what follows from a message and returns what it was. An error says that it
// is not durable.
func (r *Receiver) take(ctx context.Context, m received) (Kind, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Limits.Store)
	defer cancel()
	c := readContent(m.head)
	report := c.read()
	if report.Kind == Complained {
		ok, why, err := r.Trust.believes(m)
		if err != nil {
			return report.Kind, err
		}
		if !ok {
			r.Log.Warn("bounce: a complaint is not believed", "why", why, "remote", m.remote, "reporter", report.Reporter, "about", report.Recipient)
			return report.Kind, nil
		}
	}
	if len(m.targets) == 0 && (report.Kind == Complained || m.stored) {
		if t, ok := c.named(r.Tokens); ok {
			m.targets = []target{t}
		}
	}
	if m.mailbox != "" {
		r.Log.Info("bounce: mail for "+m.mailbox, "remote", m.remote, "from", line(m.from, 320), "says", report.Kind.String(),
			"subject", line(decodeWords(c.header.get("subject")), 200), "bytes", m.size)
	}
	return report.Kind, r.follow(ctx, m, report)
}

// follow hands what a report says of the recipients to the store.
func (r *Receiver) follow(ctx context.Context, m received, report Report) error {
	var heard []campaign.Feedback
	for _, t := range m.targets {
		f, follows, err := r.judge(ctx, t, report)
		if err != nil {
			return err
		}
		if f.Kind != 0 {
			heard = append(heard, f)
		}
		r.Log.LogAttrs(ctx, slog.LevelInfo, "bounce: "+follows, t.attrs(m, report)...)
	}
	if len(heard) == 0 {
		return nil
	}
	return r.Store.Heard(ctx, heard)
}

// judge says what a report means for whom it is about: the feedback, of no kind when
// nothing follows, and what to log. A report is believed only about somebody that the
// run mailed, and not for ever.
func (r *Receiver) judge(ctx context.Context, t target, report Report) (f campaign.Feedback, follows string, err error) {
	kind, ok := report.Feedback()
	if !ok {
		return f, report.Kind.String() + ", nothing follows", nil
	}
	row, err := r.Store.RecipientOf(ctx, t.run, t.contact)
	switch {
	case errors.Is(err, campaign.ErrNotFound):
		return f, "ignored, there is no such recipient", nil
	case err != nil:
		return f, "", err
	case row.Email == "":
		return f, "ignored, the contact was erased", nil
	// The row of a message that has just been sent may not be written yet.
	case report.Kind != Complained && !row.At.IsZero() && time.Since(row.At) > r.Limits.Age:
		return f, "ignored, it comes too late to be believed", nil
	}
	return campaign.Feedback{Recipient: row.Recipient, Kind: kind, Detail: report.detail(), At: time.Now()}, kind.String(), nil
}

// detail is what people see beside the suppression.
func (r Report) detail() string {
	if r.Kind == Complained {
		return r.Complaint + " (reported by " + r.Reporter + ")"
	}
	detail := r.Diagnostic
	if detail == "" {
		detail = r.Status + " " + r.Reason.String()
	}
	if r.Reporter != "" {
		detail += " (reported by " + r.Reporter + ")"
	}
	return detail
}

func (t target) attrs(m received, r Report) []slog.Attr {
	return []slog.Attr{
		slog.Int64("run", int64(t.run)), slog.Int64("contact", int64(t.contact)),
		slog.String("says", r.Kind.String()), slog.String("reason", r.Reason.String()),
		slog.String("status", r.Status), slog.String("diagnostic", r.Diagnostic),
		slog.String("about", r.Recipient), slog.String("reporter", r.Reporter),
		slog.String("remote", m.remote), slog.Int64("bytes", m.size),
	}
}
