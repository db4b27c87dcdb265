package campaign

import (
	"fmt"
	"net/mail"
	"strings"
)

// Variant is one of the messages that an A/B test compares. A is the campaign as it is
// written; B, C and D differ in what their Alternative says. The numbers are stored: never
// renumber them.
type Variant uint8

const (
	// NoVariant is of a run without a test, and of those who wait for the winner of one.
	NoVariant Variant = 0
	VariantA  Variant = 1
	// MostVariants a test has, A among them.
	MostVariants = 4
)

func (v Variant) String() string {
	if v == NoVariant || v > MostVariants {
		return ""
	}
	return string(rune('A' + v - VariantA))
}

// MarshalText writes the variant's letter.
func (v Variant) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a variant's letter, as MarshalText wrote it.
func (v *Variant) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = NoVariant
		return nil
	}
	var err error
	*v, err = ParseVariant(string(text))
	return err
}

// ParseVariant reads a letter, in any case.
func ParseVariant(letter string) (Variant, error) {
	if len(letter) == 1 {
		if v := Variant(strings.ToUpper(letter)[0]-'A') + VariantA; v >= VariantA && v <= MostVariants {
			return v, nil
		}
	}
	return NoVariant, fmt.Errorf("variant %q: use a letter from A to %s", letter, Variant(MostVariants))
}

// Alternative is in what a variant differs from the campaign. What is empty is as there;
// a text, HTML or Markdown, takes the place of the campaign's whole content.
type Alternative struct {
	Subject   string `json:"subject,omitempty" toml:"subject" yaml:"subject"`
	Preheader string `json:"preheader,omitempty" toml:"preheader" yaml:"preheader"`
	FromName  string `json:"from_name,omitempty" toml:"from_name" yaml:"from_name"` // before the same address
	HTML      string `json:"html,omitempty" toml:"html" yaml:"html"`                // at most one of HTML and Markdown
	Markdown  string `json:"markdown,omitempty" toml:"markdown" yaml:"markdown"`
	Text      string `json:"text,omitempty" toml:"text" yaml:"text"` // generated from the HTML when empty
}

// Variants are the letters of what the campaign sends: of one without a test A alone.
func (s Spec) Variants() []Variant {
	all := []Variant{VariantA}
	for i := range min(len(s.AB.Variants), MostVariants-1) {
		all = append(all, VariantA+1+Variant(i))
	}
	return all
}

// As is the campaign with the content of a variant: itself for A, and for what is none of
// its variants.
func (s Spec) As(v Variant) Spec {
	i := int(v) - int(VariantA) - 1
	if i < 0 || i >= len(s.AB.Variants) {
		return s
	}
	alt := s.AB.Variants[i]
	for _, part := range []struct {
		to *string
		by string
	}{{&s.Subject, alt.Subject}, {&s.Preheader, alt.Preheader}} {
		if part.by != "" {
			*part.to = part.by
		}
	}
	if alt.FromName != "" {
		s.From = withName(s.From, alt.FromName)
	}
	if alt.HTML != "" || alt.Markdown != "" || alt.Text != "" {
		s.HTML, s.Markdown, s.Text = alt.HTML, alt.Markdown, alt.Text
	}
	return s
}

// withName is a mailbox under another name; a mailbox that cannot be read stays, and is
// the spec's to complain about.
func withName(mailbox, name string) string {
	a, err := mail.ParseAddress(mailbox)
	if err != nil {
		return mailbox
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	return fmt.Sprintf(`"%s" <%s>`, quoted, a.Address)
}

// VariantOf says which message a contact gets in a run with a test, NoVariant for who
// waits for the winner. It is the same whenever and wherever it is asked.
func (t ABTest) VariantOf(run RunID, contact ContactID) Variant {
	if !t.On() {
		return NoVariant
	}
	draw := Draw(run, contact)
	if draw >= t.inMillion() {
		return NoVariant
	}
	return VariantA + Variant(draw%(len(t.Variants)+1))
}

// inMillion is the test's share as Waves.Share.
func (t ABTest) inMillion() int { return t.Share * maxShare / 100 }
