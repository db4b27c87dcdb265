package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"broadside/campaign/message"
)

// SendMessage takes one message to one person, made from a template. When it returns,
// the message is in the ledger and, where this process has an express lane, on its way.
// A *MessageError says why it is not; with a key that had a message before, that is returned,
// and known is true.
func (s *Service) SendMessage(ctx context.Context, m NewMessage) (made Message, known bool, err error) {
	if s.Express == nil {
		return Message{}, false, errors.New("messages cannot be sent from here: this process has no express lane")
	}
	row, err := m.row()
	if err != nil {
		return Message{}, false, err
	}
	if m.Key != "" {
		made, err := s.Store.MessageByKey(ctx, m.Key)
		if err == nil {
			return made, true, row.sameAs(made)
		}
		if !errors.Is(err, ErrNotFound) {
			return made, false, err
		}
	}
	if err := s.reachable(ctx, row.Email); err != nil {
		return Message{}, false, err
	}
	row.Lane = s.Express.laneOf(row.Email)
	for {
		made, known, err := s.addMessage(ctx, m.Template, row)
		if errors.Is(err, ErrConflict) && ctx.Err() == nil {
			continue // its run took its last message just now
		}
		return made, known, err
	}
}

func (s *Service) addMessage(ctx context.Context, template string, row MessageRow) (Message, bool, error) {
	run, err := s.standingRun(ctx, template)
	if err != nil {
		return Message{}, false, err
	}
	contact, err := s.Store.ContactByEmail(ctx, row.Email)
	if errors.Is(err, ErrNotFound) {
		contact, err = Contact{Email: row.Email, Attributes: []byte("{}")}, nil
	}
	if err != nil {
		return Message{}, false, err
	}
	attributes, err := WithData(contact.Attributes, row.Data)
	if err != nil {
		return Message{}, false, err
	}
	if err := s.Express.try(run, contact.Email, attributes, s.Now()); err != nil {
		return Message{}, false, err
	}
	row.Run = run.ID
	place, open := s.Express.place(ctx, run, row.Lane)
	made, known, err := s.Store.AddMessage(ctx, row, s.Now())
	switch {
	case err != nil:
		return made, false, err
	case known: // somebody asked with the same key at the same time
		return made, true, row.sameAs(made)
	case open:
		s.Express.publish(ctx, place, Job{Recipient: made.Recipient(), Attempt: 1, Express: true, Email: made.Email, Attributes: attributes})
	}
	return made, false, nil
}

// row reads what is asked for.
func (m NewMessage) row() (MessageRow, error) {
	address, err := ParseAddress(m.To)
	if err != nil {
		return MessageRow{}, refuse(BadAddress, "%q is not an address: %v", m.To, err)
	}
	if len(m.Key) > MaxKey || strings.ContainsFunc(m.Key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return MessageRow{}, refuse(BadKey, "the key must be printable ASCII of at most %d characters", MaxKey)
	}
	data, err := object(m.Data, MaxData, MaxData)
	if err != nil {
		return MessageRow{}, refuse(BadData, "%v", err)
	}
	request, err := json.Marshal([]string{m.Template, AddressKey(address.Email), string(data)})
	if err != nil {
		return MessageRow{}, err
	}
	return MessageRow{Email: address.Email, Key: m.Key, Request: sha256.Sum256(request), Data: data}, nil
}

// sameAs refuses a key that was used for something else.
func (m *MessageRow) sameAs(made Message) error {
	if m.Request != made.Request {
		return refuse(KeyReused, "the key was used for another message: give each message a key of its own")
	}
	return nil
}

// reachable refuses who must not be mailed, for whatever purpose.
func (s *Service) reachable(ctx context.Context, email string) error {
	all, err := s.Store.SuppressionsOf(ctx, email)
	if err != nil {
		return err
	}
	for _, held := range all {
		if held.Holds() {
			return refuse(RecipientGone, "%s is suppressed: %s", email, held.Reason)
		}
	}
	return nil
}

// standingRun returns the run that takes a template's messages now.
func (s *Service) standingRun(ctx context.Context, template string) (Run, error) {
	c, run, err := s.Store.StandingRun(ctx, template)
	switch {
	case errors.Is(err, ErrNotFound):
		return run, refuse(NoTemplate, "no template is named %q", template)
	case err != nil:
		return run, err
	case !c.Spec.Template():
		return run, refuse(NotATemplate, `campaign %q is not a template: make it class = "transactional" and give it no lists`, template)
	case run.ID != 0:
		return run, nil
	}
	if err := s.templateFit(ctx, c.Spec); err != nil {
		return run, err
	}
	run, err = s.Store.OpenStandingRun(ctx, c.ID, s.Now())
	switch {
	case errors.Is(err, ErrConflict): // it was started before it became a template
		return run, refuse(TemplateUnfit, "campaign %q has a run to its lists that is not over: wait for it, or cancel it first", template)
	case err == nil:
		s.Express.introduce(ctx, run)
	}
	return run, err
}

// templateFit looks at what keeps a template's messages from being sent at all.
func (s *Service) templateFit(ctx context.Context, spec Spec) error {
	content, err := message.Compile(spec.Source, MessageOptions(spec))
	if err != nil {
		return refuse(TemplateUnfit, "%v", err)
	}
	var p Preflight
	if err := s.sendable(ctx, spec, content.FromDomain(), &p); err != nil {
		return err
	}
	if err := p.Blocked(); err != nil {
		return refuse(TemplateUnfit, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// MessageState returns where a message stands; ErrNotFound.
func (s *Service) MessageState(ctx context.Context, id MessageID) (MessageState, error) {
	m, err := s.Store.MessageByID(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return m, fmt.Errorf("message %d: %w", id, ErrNotFound)
	}
	return m, err
}
