package campaign

import (
	"bytes"
	"context"
	"fmt"

	"broadside/campaign/message"
)

// Preview renders a campaign, or the variant of a letter, as a contact would receive it:
// whom "" leaves it to the first of the audience.
func (s *Service) Preview(ctx context.Context, name, letter, whom string) (Contact, []byte, error) {
	c, content, err := s.compiled(ctx, name, letter)
	if err != nil {
		return Contact{}, nil, err
	}
	contact, err := s.previewContact(ctx, c.Spec, whom)
	if err != nil {
		return Contact{}, nil, err
	}
	msg, err := content.Append(nil, s.sampleRecipient(contact, content.FromDomain()))
	if err != nil {
		return contact, nil, fmt.Errorf("as %s: %w", contact.Email, err)
	}
	return contact, msg, nil
}

// compiled returns a campaign as the variant of a letter.
func (s *Service) compiled(ctx context.Context, name, letter string) (Campaign, *message.Content, error) {
	c, err := s.Find(ctx, name)
	if err == nil {
		c.Spec, err = c.Spec.Pick(letter)
	}
	if err != nil {
		return c, nil, err
	}
	content, err := message.Compile(c.Spec.Source, MessageOptions(c.Spec))
	return c, content, err
}

func (s *Service) previewContact(ctx context.Context, spec Spec, whom string) (Contact, error) {
	if whom != "" {
		return s.contact(ctx, whom)
	}
	var first *Contact
	err := s.audience(ctx, spec, func(m *AudienceMember) bool {
		c := m.Contact
		first = &c
		return false
	})
	if err != nil {
		return Contact{}, err
	}
	if first == nil {
		return Contact{}, fmt.Errorf("the audience is empty: check the lists, the exclusions and the segments: %w", ErrNotFound)
	}
	return *first, nil
}

// Extreme is a preview at one end of what the audience's values do to a message.
type Extreme struct {
	Contact Contact
	Message []byte
}

// worstSample is how many of the audience are looked at for the worst case.
const worstSample = 100_000

// Worst renders a campaign for those whose values make the longest and the shortest
// message, among the first 100,000 of the audience, as the variant of a letter.
func (s *Service) Worst(ctx context.Context, name, letter string) (longest, shortest Extreme, err error) {
	c, content, err := s.compiled(ctx, name, letter)
	if err != nil {
		return longest, shortest, err
	}
	return s.worst(ctx, c.Spec, content)
}

func (s *Service) worst(ctx context.Context, spec Spec, content *message.Content) (longest, shortest Extreme, err error) {
	seen := 0
	var buf []byte
	err = s.audience(ctx, spec, func(m *AudienceMember) bool {
		seen++
		msg, err := content.Append(buf[:0], s.sampleRecipient(m.Contact, content.FromDomain()))
		if err != nil {
			return seen < worstSample // listed by the preflight
		}
		buf = msg
		if len(msg) > len(longest.Message) {
			longest = Extreme{m.Contact, bytes.Clone(msg)}
		}
		if shortest.Message == nil || len(msg) < len(shortest.Message) {
			shortest = Extreme{m.Contact, bytes.Clone(msg)}
		}
		return seen < worstSample
	})
	if err == nil && longest.Message == nil {
		err = fmt.Errorf("no message can be rendered for this audience: see `broadside campaign preflight`: %w", ErrNotFound)
	}
	return longest, shortest, err
}

// TestAs returns a campaign as the variant of a letter, and the contact whose values a
// test message shows.
func (s *Service) TestAs(ctx context.Context, name, letter, whom string) (Campaign, Contact, error) {
	c, err := s.Find(ctx, name)
	if err == nil {
		c.Spec, err = c.Spec.Pick(letter)
	}
	if err != nil {
		return c, Contact{}, err
	}
	contact, err := s.previewContact(ctx, c.Spec, whom)
	return c, contact, err
}
