package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign/lint"
	"broadside/campaign/message"
)

// Longest and Shortest stand for a contact: those of the audience whose values make the
// longest and the shortest message.
const (
	Longest  = "longest"
	Shortest = "shortest"
)

// CreateDraft stores a campaign that may lack anything but a name. ErrExists when the
// name is taken.
func (s *Service) CreateDraft(ctx context.Context, spec Spec) (Campaign, error) {
	if err := checkName(spec.Name); err != nil {
		return Campaign{}, err
	}
	c, err := s.Store.CreateCampaign(ctx, spec.WithDefaults(), s.Now())
	if errors.Is(err, ErrExists) {
		return c, fmt.Errorf("a campaign named %q %w: choose another name", spec.Name, ErrExists)
	}
	return c, err
}

// SaveDraft stores what was written so far over the campaign as it was read at a time;
// nothing but its name is checked: Start refuses what cannot be sent. ErrConflict when
// it was changed since, ErrExists when the name is another campaign's.
func (s *Service) SaveDraft(ctx context.Context, c Campaign, read time.Time, spec Spec) (Campaign, error) {
	if err := checkName(spec.Name); err != nil {
		return c, err
	}
	if !c.Updated.Equal(read) {
		return c, fmt.Errorf("campaign %q was changed meanwhile, in another window or by somebody else: load it again: %w", c.Spec.Name, ErrConflict)
	}
	spec = spec.WithDefaults()
	if alike(spec, c.Spec) {
		return c, nil // who only looks at a campaign is in nobody's way
	}
	saved, err := s.Store.UpdateCampaign(ctx, c.ID, spec, s.Now())
	if errors.Is(err, ErrExists) {
		return c, fmt.Errorf("a campaign named %q %w: choose another name", spec.Name, ErrExists)
	}
	return saved, err
}

// alike reports whether two campaigns are stored alike.
func alike(a, b Spec) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

func checkName(name string) error {
	if problem := nameProblem(name); problem != "" {
		return fmt.Errorf("name: %s", problem)
	}
	return nil
}

// sampleSender stands for a sender that is not written yet.
const sampleSender = "Sender <sender@example.org>"

// sample stands for a reader while the audience is empty.
var sample = Contact{Email: "reader@example.org", Attributes: []byte("{}")}

// Render renders a campaign as it stands for an address, for Longest or Shortest, or
// with "" for the first of the audience; while that is empty for nobody in particular.
// What is wrong with the text is an error in words for its writer; a sender that is not
// written yet is none.
func (s *Service) Render(ctx context.Context, spec Spec, whom string) (Rendered, error) {
	if spec.From == "" {
		spec.From = sampleSender
	}
	content, err := message.Compile(spec.Source, MessageOptions(spec))
	if err != nil {
		return Rendered{}, err
	}
	if whom == Longest || whom == Shortest {
		longest, shortest, err := s.worstOfSome(ctx, spec, content)
		if err != nil {
			return Rendered{}, err
		}
		extreme := longest
		if whom == Shortest {
			extreme = shortest
		}
		return rendered(extreme.Contact, extreme.Message)
	}
	contact, err := s.previewContact(ctx, spec, whom, pageLook)
	if errors.Is(err, ErrNotFound) && whom == "" {
		contact, err = sample, nil
	}
	if err != nil {
		return Rendered{}, err
	}
	msg, err := content.Append(nil, s.sampleRecipient(contact, content.FromDomain()))
	if err != nil {
		return Rendered{Contact: contact}, fmt.Errorf("as %s: %w", contact.Email, err)
	}
	return rendered(contact, msg)
}

func rendered(c Contact, msg []byte) (Rendered, error) {
	r, err := ReadRendered(msg)
	r.Contact = c
	return r, err
}

// Lint looks at a campaign as it stands and lists what is to be mended: first what
// keeps it from starting, then what providers and readers would mind.
func (s *Service) Lint(ctx context.Context, spec Spec) ([]Finding, error) {
	var findings []Finding
	if err := s.check(ctx, spec.WithDefaults()); err != nil {
		findings = inWords(err)
	}
	if spec.Class != Transactional && strings.TrimSpace(spec.PostalAddress) == "" {
		findings = append(findings, Finding{true, "postal_address", "is empty: the law asks for it in advertising mail", noPostalAddress})
	}
	unfilled, err := s.unfilledNames(ctx, spec)
	if err != nil {
		return findings, err
	}
	findings = append(findings, unfilled...)
	unknown, err := s.unknownReaders(ctx, spec)
	if err != nil {
		return findings, err
	}
	findings = append(findings, unknown...)
	undecidable, err := s.decidable(ctx, spec.WithDefaults())
	if err != nil {
		return findings, err
	}
	findings = append(findings, undecidable...)
	for _, v := range spec.Variants() {
		of, err := s.lintMail(ctx, spec.As(v))
		if err != nil {
			return findings, nil // check has said why
		}
		for _, f := range of {
			if !slices.Contains(findings, f) { // A has it too
				f.Where = v.at(f.Where)
				findings = append(findings, f)
			}
		}
	}
	return findings, nil
}

// unfilledNames warns of names that no contact has: everybody gets the default instead.
func (s *Service) unfilledNames(ctx context.Context, spec Spec) ([]Finding, error) {
	contents, err := compileAll(spec)
	if err != nil || spec.Template() {
		return nil, nil // check has said why; or each message brings values of its own
	}
	known, err := s.Store.Fields(ctx)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	warned := map[string]bool{}
	for i, v := range spec.Variants() {
		for _, f := range contents[i].Fields() {
			if !f.HasDefault || !nameFields[f.Name] || warned[f.Name] || slices.Contains(known, f.Name) {
				continue
			}
			warned[f.Name] = true
			what := fmt.Sprintf("no contact has a field %q: everybody gets its default", f.Name)
			findings = append(findings, Finding{false, v.at(f.Where), what, strings.TrimPrefix(suggestion(f.Name, known), "; ")})
		}
	}
	return findings, nil
}

// lintMail looks at what the first of the audience would get.
func (s *Service) lintMail(ctx context.Context, spec Spec) ([]Finding, error) {
	r, err := s.Render(ctx, spec, "")
	if merge, ok := errors.AsType[*message.MergeError](err); ok {
		return []Finding{{false, merge.Where, err.Error(), `give a default: {{ field | default: "…" }}`}}, nil
	}
	if err != nil {
		return nil, err
	}
	m := lint.Mail{Subject: r.Subject, HTML: r.HTML, Text: r.Text}
	if s.PublicURL != "" {
		m.Unsubscribe = strings.TrimSuffix(s.PublicURL, "/") + "/u/preview"
	}
	var findings []Finding
	for _, f := range lint.Check(m) {
		findings = append(findings, Finding(f))
	}
	return findings, nil
}

// inWords makes a finding of each line of an error of check: "html, line 3: …".
func inWords(err error) []Finding {
	var findings []Finding
	for line := range strings.Lines(err.Error()) {
		where, what, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			where, what = "campaign", strings.TrimSpace(line)
		}
		what, fix, _ := strings.Cut(what, "; ")
		findings = append(findings, Finding{true, where, what, fix})
	}
	return findings
}

// Check is a preflight of a campaign as it stands, on a sample of its audience.
func (s *Service) Check(ctx context.Context, spec Spec) (Preflight, error) {
	return s.preflight(ctx, spec.WithDefaults(), look{startSample, pageLook})
}
