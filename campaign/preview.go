package campaign

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"broadside/campaign/message"
)

// Preview renders a campaign, or the variant of a letter, as a contact would receive it:
// whom "" leaves it to the first of the audience.
func (s *Service) Preview(ctx context.Context, name, letter, whom string) (Contact, []byte, error) {
	c, content, err := s.compiled(ctx, name, letter)
	if err != nil {
		return Contact{}, nil, err
	}
	contact, err := s.previewContact(ctx, c.Spec, whom, 0)
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

// previewContact finds a contact, or the first of an audience in a time, 0 for however long
// it takes.
func (s *Service) previewContact(ctx context.Context, spec Spec, whom string, limit time.Duration) (Contact, error) {
	if whom != "" {
		return s.contact(ctx, whom)
	}
	var first *Contact
	_, err := s.audience(ctx, spec, look{1, limit}, func(m *AudienceMember) bool {
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
	x := s.extremes(content)
	_, err = s.audience(ctx, spec, look{most: worstSample}, func(m *AudienceMember) bool {
		x.add(m.Contact)
		return x.seen < worstSample
	})
	if err == nil {
		err = x.none()
	}
	return x.longest, x.shortest, err
}

// worstOfSome is worst of a thousand people at most: while a campaign is written its
// preview is made again and again.
func (s *Service) worstOfSome(ctx context.Context, spec Spec, content *message.Content) (longest, shortest Extreme, err error) {
	x := s.extremes(content)
	_, err = s.atPlaces(ctx, spec, 0, func(m *AudienceMember) { x.add(m.Contact) })
	if err == nil {
		err = x.none()
	}
	return x.longest, x.shortest, err
}

// extremes are those of the people who were looked at so far.
type extremes struct {
	s                 *Service
	content           *message.Content
	seen              int
	longest, shortest Extreme
	buf               []byte
}

func (s *Service) extremes(content *message.Content) *extremes {
	return &extremes{s: s, content: content}
}

func (x *extremes) add(c Contact) {
	x.seen++
	msg, err := x.content.Append(x.buf[:0], x.s.sampleRecipient(c, x.content.FromDomain()))
	if err != nil {
		return // listed by the preflight
	}
	x.buf = msg
	if len(msg) > len(x.longest.Message) {
		x.longest = Extreme{c, bytes.Clone(msg)}
	}
	if x.shortest.Message == nil || len(msg) < len(x.shortest.Message) {
		x.shortest = Extreme{c, bytes.Clone(msg)}
	}
}

func (x *extremes) none() error {
	if x.longest.Message != nil {
		return nil
	}
	return fmt.Errorf("no message can be rendered for those who were looked at: their values do not fit the text; give its fields defaults: %w", ErrNotFound)
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
	contact, err := s.previewContact(ctx, c.Spec, whom, 0)
	return c, contact, err
}
