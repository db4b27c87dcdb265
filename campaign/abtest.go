package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ABTest compares messages on a part of the audience, and gives the best of them to the
// rest. Its zero value is of a campaign without one.
type ABTest struct {
	// Share is the part of the audience that the test is made with, in percent: the
	// variants have equal parts of it. 100 leaves no rest. Default 20.
	Share int `json:"share,omitempty" toml:"share" yaml:"share"`
	// Winner says how it is found for the rest; default by openings.
	Winner ABRule `json:"winner,omitempty" toml:"winner" yaml:"winner"`
	// After is how long the test lasts once everybody in it was tried, 10 minutes to 7
	// days; default 4 h. A person needs none.
	After Duration `json:"after,omitzero" toml:"after" yaml:"after"`
	// Variants are B, C and D; A is the campaign as it is written.
	Variants []Alternative `json:"variants,omitempty" toml:"variants" yaml:"variants"`
}

// ABRule is how a winner is found.
type ABRule string

// The rules.
const (
	ByOpens  ABRule = "opens"
	ByClicks ABRule = "clicks"
	ByChoice ABRule = "person" // somebody chooses
)

// The values of what a test leaves out, and their limits.
const (
	defaultShare = 20
	defaultAfter = 4 * time.Hour
	minAfter     = 10 * time.Minute
	maxAfter     = 7 * 24 * time.Hour
)

// On reports whether there is anything to compare.
func (t ABTest) On() bool { return len(t.Variants) > 0 }

// HasRest reports whether somebody waits for the winner.
func (t ABTest) HasRest() bool { return t.On() && t.Share < 100 }

// withDefaults fills in what is not said; a test without variants is none.
func (t ABTest) withDefaults() ABTest {
	if !t.On() {
		return ABTest{}
	}
	if t.Share == 0 {
		t.Share = defaultShare
	}
	if t.Share >= 100 {
		return t
	}
	if t.Winner == "" {
		t.Winner = ByOpens
	}
	if t.After == 0 && t.Winner != ByChoice {
		t.After = Duration(defaultAfter)
	}
	return t
}

// Validate says what is wrong with a test with its defaults; each problem begins with its
// key, as "ab.share" or "variant B, subject".
func (t ABTest) Validate() error {
	if !t.On() {
		return nil
	}
	var errs []error
	fail := func(key, format string, a ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, a...)))
	}
	if t.Share < 1 || t.Share > 100 {
		fail("ab.share", "must be 1 to 100 percent of the audience, but is %d", t.Share)
	}
	if len(t.Variants) >= MostVariants {
		fail("ab.variants", "there are %d beside A; keep %d at most", len(t.Variants), MostVariants-1)
	}
	switch {
	case !slices.Contains([]ABRule{"", ByOpens, ByClicks, ByChoice}, t.Winner):
		fail("ab.winner", "must be opens, clicks or person, but is %q", t.Winner)
	case t.Share >= 100 && (t.Winner != "" || t.After != 0):
		fail("ab.winner", "there is nobody left to get the winner; take out winner and after, or make the share smaller than 100")
	case t.Winner == ByChoice && t.After != 0:
		fail("ab.after", "a person decides when; take it out, or let openings or clicks decide")
	case t.HasRest() && t.Winner != ByChoice && (time.Duration(t.After) < minAfter || time.Duration(t.After) > maxAfter):
		fail("ab.after", "must be between %s and %s, but is %s", Duration(minAfter).brief(), Duration(maxAfter).brief(), t.After.brief())
	}
	for i, alt := range t.Variants {
		where := fmt.Sprintf("variant %s", VariantA+1+Variant(i))
		if alt == (Alternative{}) {
			fail(where, "is the same as A; give it another subject, sender name or text, or remove it")
		}
		if j := slices.Index(t.Variants[:i], alt); j >= 0 {
			fail(where, "is the same as %s; change one of them, or remove it", VariantA+1+Variant(j))
		}
		if alt.HTML != "" && alt.Markdown != "" {
			fail(where+", markdown", "there is html too; keep one of them")
		}
		if strings.ContainsAny(alt.FromName, "\r\n") || len(alt.FromName) > 200 {
			fail(where+", from_name", "must be one line of 200 bytes at most")
		}
	}
	return errors.Join(errs...)
}

// Says is the test in words: "20 % test A, B and C; clicks decide after 4h".
func (t ABTest) Says() string {
	if !t.On() {
		return ""
	}
	letters := []string{}
	for v := range Variant(len(t.Variants)) {
		letters = append(letters, (VariantA + v).String())
	}
	compared := strings.Join(letters, ", ") + " and " + (VariantA + Variant(len(t.Variants))).String()
	switch {
	case !t.HasRest():
		return "everybody gets one of " + compared
	case t.Winner == ByChoice:
		return fmt.Sprintf("%d %% test %s; the rest waits until somebody chooses", t.Share, compared)
	}
	return fmt.Sprintf("%d %% test %s; %s decide after %s what the rest gets", t.Share, compared, t.Winner.plural(), t.After.brief())
}

// plural is what decides, in words.
func (r ABRule) plural() string {
	if r == ByOpens {
		return "openings"
	}
	return string(r)
}

// Plan is the test for so many people, in words: "20 % test: about 1,000 get A, 1,000 get
// B; 8,000 wait for the winner, which openings decide after 4h". number writes numbers.
func (t ABTest) Plan(people int64, number func(int64) string) string {
	if !t.On() {
		return ""
	}
	n := int64(len(t.Variants) + 1)
	each := people * int64(t.Share) / 100 / n
	var parts []string
	for v := range Variant(n) {
		parts = append(parts, number(each)+" get "+(VariantA+v).String())
	}
	plan := "about " + strings.Join(parts, ", ")
	if !t.HasRest() {
		return "Everybody is in the test: " + plan + "."
	}
	how := fmt.Sprintf("which %s decide after %s", t.Winner.plural(), t.After.brief())
	if t.Winner == ByChoice {
		how = "which somebody chooses on the run's page"
	}
	return fmt.Sprintf("%d %% test: %s; %s wait for the winner, %s.", t.Share, plan, number(people-each*n), how)
}
