package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign/message"
)

// compileAll compiles what a campaign sends, in order of its variants. What is wrong with
// all of them is told once; what is wrong with one begins with its letter.
func compileAll(spec Spec) ([]*message.Content, error) {
	var contents []*message.Content
	var problems []string
	for _, v := range spec.Variants() {
		content, err := message.Compile(spec.As(v).Source, MessageOptions(spec))
		contents = append(contents, content)
		if err == nil {
			continue
		}
		for line := range strings.Lines(err.Error()) {
			line = strings.TrimSpace(line)
			if !slices.Contains(problems, line) {
				problems = append(problems, v.at(line))
			}
		}
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "\n"))
	}
	return contents, nil
}

// at says that something is about a variant; A is the campaign itself, which needs no
// saying.
func (v Variant) at(where string) string {
	if v <= VariantA {
		return where
	}
	return "variant " + v.String() + ", " + where
}

// Pick is the campaign as one of its variants: itself for no letter. Its error is an *Unfit.
func (s Spec) Pick(letter string) (Spec, error) {
	if letter == "" {
		return s, nil
	}
	v, err := ParseVariant(letter)
	if err != nil || !slices.Contains(s.Variants(), v) {
		return s, unfit("variant", fmt.Sprintf("the campaign has no variant %q", letter))
	}
	return s.As(v), nil
}
