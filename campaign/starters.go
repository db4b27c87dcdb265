package campaign

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"broadside/campaign/library"
	"broadside/campaign/message"
)

// Starter is a text of the library, for campaigns to begin with: one that comes with the
// program, or one that people saved. A campaign takes a copy and knows it no more.
type Starter struct {
	// Key is a number as the store gave it, or the name of one of the program's own.
	Key     string
	Name    string
	Content StarterContent
	Own     bool      // comes with the program, and is not changed
	Updated time.Time // zero for the program's own
}

// StarterContent is what a campaign takes over.
type StarterContent struct {
	Means     string `json:"means,omitempty"` // in a few words, for people
	Subject   string `json:"subject,omitempty"`
	Preheader string `json:"preheader,omitempty"`
	// At most one of HTML and Markdown.
	HTML     string         `json:"html,omitempty"`
	Markdown string         `json:"markdown,omitempty"`
	Text     string         `json:"text,omitempty"`
	Inline   []message.File `json:"inline,omitempty"`
}

// Over puts the content over a campaign's, whose sender stays.
func (c StarterContent) Over(s Spec) Spec {
	s.Subject, s.Preheader = c.Subject, c.Preheader
	s.HTML, s.Markdown, s.Text, s.Inline = c.HTML, c.Markdown, c.Text, c.Inline
	return s
}

// StarterOf is what a campaign would give to the library.
func StarterOf(s Spec) StarterContent {
	return StarterContent{Subject: s.Subject, Preheader: s.Preheader, HTML: s.HTML, Markdown: s.Markdown, Text: s.Text, Inline: s.Inline}
}

// StarterStore keeps the texts that people saved.
type StarterStore interface {
	CreateStarter(ctx context.Context, name string, c StarterContent, now time.Time) (Starter, error) // ErrExists
	// UpdateStarter gives a text a name and a content; ErrNotFound, ErrExists.
	UpdateStarter(ctx context.Context, id int64, name string, c StarterContent, now time.Time) (Starter, error)
	DeleteStarter(ctx context.Context, id int64) error // ErrNotFound
	StarterByID(ctx context.Context, id int64) (Starter, error)
	// Starters returns all that were saved, in order of name.
	Starters(ctx context.Context) ([]Starter, error)
}

func ownStarters() []Starter {
	var own []Starter
	for _, t := range library.Texts() {
		own = append(own, Starter{Key: t.Key, Name: t.Name, Own: true, Content: StarterContent{
			Means: t.Means, Subject: t.Subject, Preheader: t.Preheader, HTML: t.HTML, Markdown: t.Markdown,
		}})
	}
	return own
}

// Starters returns the library: what people saved, then the program's own.
func (s *Service) Starters(ctx context.Context) ([]Starter, error) {
	saved, err := s.Store.Starters(ctx)
	return append(saved, ownStarters()...), err
}

// Starter finds a text of the library; ErrNotFound.
func (s *Service) Starter(ctx context.Context, key string) (Starter, error) {
	if id, err := strconv.ParseInt(key, 10, 64); err == nil {
		return s.Store.StarterByID(ctx, id)
	}
	for _, own := range ownStarters() {
		if own.Key == key {
			return own, nil
		}
	}
	return Starter{}, fmt.Errorf("text %q of the library: %w", key, ErrNotFound)
}

// CreateStarter saves a text in the library. An *Unfit when it cannot be rendered,
// ErrExists when the name is taken.
func (s *Service) CreateStarter(ctx context.Context, name string, c StarterContent) (Starter, error) {
	if err := fitStarter(name, c); err != nil {
		return Starter{}, err
	}
	saved, err := s.Store.CreateStarter(ctx, name, c, s.Now())
	return saved, takenName(name, err)
}

// UpdateStarter changes a text that was saved; ErrConflict for one of the program's own.
func (s *Service) UpdateStarter(ctx context.Context, old Starter, name string, c StarterContent) (Starter, error) {
	id, err := savedKey(old)
	if err != nil {
		return old, err
	}
	if err := fitStarter(name, c); err != nil {
		return old, err
	}
	saved, err := s.Store.UpdateStarter(ctx, id, name, c, s.Now())
	return saved, takenName(name, err)
}

// DeleteStarter deletes a text that was saved; campaigns that began with it have theirs.
func (s *Service) DeleteStarter(ctx context.Context, t Starter) error {
	id, err := savedKey(t)
	if err != nil {
		return err
	}
	return s.Store.DeleteStarter(ctx, id)
}

func savedKey(t Starter) (int64, error) {
	if t.Own {
		return 0, fmt.Errorf("%s comes with the program, changing it is %w: save a copy under another name", t.Name, ErrConflict)
	}
	return strconv.ParseInt(t.Key, 10, 64)
}

func takenName(name string, err error) error {
	if errors.Is(err, ErrExists) {
		return fmt.Errorf("a text named %q %w in the library: choose another name", name, ErrExists)
	}
	return err
}

func fitStarter(name string, c StarterContent) error {
	if problem := nameProblem(name); problem != "" {
		return unfit("name", problem)
	}
	if strings.TrimSpace(c.HTML+c.Markdown+c.Text) == "" {
		return unfit("content", "is empty; write something to begin with")
	}
	if c.HTML != "" && c.Markdown != "" {
		return unfit("markdown", "there is html too; keep one of them")
	}
	spec := c.Over(Spec{})
	spec.From = sampleSender
	if spec.Subject == "" {
		spec.Subject = "Subject"
	}
	if _, err := message.Compile(spec.Source, message.Options{}); err != nil {
		return &Unfit{inWords(err)}
	}
	return nil
}

// RenderStarter renders a text for nobody in particular.
func (s *Service) RenderStarter(ctx context.Context, c StarterContent) (Rendered, error) {
	spec := c.Over(Spec{})
	if spec.Subject == "" {
		spec.Subject = "Subject"
	}
	return s.RenderFit(ctx, spec, "")
}
