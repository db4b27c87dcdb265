package signup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
)

// templateName is that of the confirmation mail from a sender, which people may edit as
// any other campaign.
func templateName(from string) (string, error) {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return "", err
	}
	return "Sign-up confirmation from " + a.Address, nil
}

// template makes the template of a form's mail, unless there is one. Its words come with
// each message, in the person's language.
func (d *Desk) template(ctx context.Context, s Spec) error {
	name, err := templateName(s.From)
	if err != nil {
		return err
	}
	there, err := d.service.Store.CampaignByName(ctx, name)
	if err == nil && !there.Spec.Template() {
		return Problems{{"from", fmt.Sprintf("needs the campaign %q to be a transactional template without lists; rename the one that is called so", name)}}
	}
	if !errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	_, err = d.service.Create(ctx, campaign.Spec{
		Name: name, Class: campaign.Transactional, Priority: campaign.Express,
		Source: message.Source{From: s.From, Subject: "{{ subject }}", Text: templateText, HTML: templateHTML},
	})
	if errors.Is(err, campaign.ErrExists) {
		return nil // made meanwhile
	}
	return err
}

const templateText = `{{ ask }}

{{ link }}

{{ expires }}
{{ ignore }}
`

const templateHTML = `<!doctype html>
<html>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#ffffff">
<div style="max-width:480px;margin:0 auto">
<p>{{ ask }}</p>
<p><a href="{{ link }}" style="display:inline-block;padding:12px 22px;border-radius:8px;background:#0b5cad;color:#ffffff;font-weight:600;text-decoration:none">{{ button }}</a></p>
<p style="font-size:14px;color:#566072">{{ expires }} {{ ignore }}</p>
</div>
</body>
</html>
`

// How often Run looks for mail that was not handed over, and how much at once.
const (
	mailEvery = 30 * time.Second
	mailChunk = 200
)

// Run hands the confirmation mails over to the engine, until ctx is done. What is left
// when the process ends, or when the engine refuses, is handed over later: each sign-up
// has one message, by its key.
func (d *Desk) Run(ctx context.Context) {
	tick := time.NewTicker(mailEvery)
	defer tick.Stop()
	for {
		if err := d.mail(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("sign-up: confirmation mail waits; trying again", "in", mailEvery, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.poke:
		}
	}
}

// mail hands over what waits. One that fails does not keep the others.
func (d *Desk) mail(ctx context.Context) error {
	var failed error
	for after := ID(0); ; {
		waiting, err := d.store.Unmailed(ctx, d.now().Add(-LinkLife), after, mailChunk)
		if err != nil {
			return err
		}
		for _, s := range waiting {
			after = s.ID
			if err := d.send(ctx, s); err != nil {
				failed = fmt.Errorf("sign-up %d: %w", s.ID, err)
				continue
			}
			if err := d.store.Mailed(ctx, s.ID, d.now()); err != nil {
				return err
			}
		}
		if len(waiting) < mailChunk {
			return failed
		}
	}
}

// send asks a person for confirmation. Who must not be mailed is not, and nobody is told.
// A key that has another message is one whose link was made with an older key of tokens.
func (d *Desk) send(ctx context.Context, s SignUp) error {
	f, err := d.store.FormVersion(ctx, s.Form, s.Version)
	if errors.Is(err, campaign.ErrNotFound) {
		return nil // its list was deleted just now, and the sign-up with it
	}
	if err != nil {
		return err
	}
	name, err := templateName(f.From)
	if err != nil {
		return err
	}
	data, err := d.words(f, s)
	if err != nil {
		return err
	}
	_, _, err = d.service.SendMessage(ctx, campaign.NewMessage{Template: name, To: s.Email, Data: data, Key: fmt.Sprintf("%s%d", campaign.SignUpKey, s.ID)})
	if refused, ok := errors.AsType[*campaign.MessageError](err); ok && (refused.Name == campaign.RecipientGone || refused.Name == campaign.KeyReused) {
		d.log.Info("sign-up: no confirmation mail", "signup", s.ID, "because", refused.Name)
		return nil
	}
	return err
}

// words are what a confirmation mail says.
func (d *Desk) words(f Form, s SignUp) (map[string]json.RawMessage, error) {
	words := f.Speak(s.Language)
	title := f.Texts[words.Tag].Title
	data := map[string]json.RawMessage{}
	for name, text := range map[string]string{
		"subject": words.Say("mail/subject", "title", title),
		"ask":     words.Say("mail/ask", "title", title),
		"button":  words.Say("mail/button"),
		"expires": words.Say("mail/expires"),
		"ignore":  words.Say("mail/ignore"),
		"link":    d.publicURL + "/confirm/" + string(d.tokens.Append(nil, token.SignUp, int64(s.Form), int64(s.ID))),
	} {
		value, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		data[name] = value
	}
	return data, nil
}
