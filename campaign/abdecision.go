package campaign

import (
	"fmt"
	"math"
	"time"
)

// ABDecision says what the rest of a test's audience gets, and why. It is made once.
type ABDecision struct {
	Winner   Variant      `json:"winner"`
	At       time.Time    `json:"at"`
	By       string       `json:"by,omitempty"` // the person who chose, or ended the test; "" when its time was over
	Why      string       `json:"why"`          // in words
	Evidence []ABEvidence `json:"evidence" nullable:"false" doc:"What was known then, by variant."`
}

// ABEvidence is what a test was decided by.
type ABEvidence struct {
	Variant  Variant `json:"variant"`
	Accepted int64   `json:"accepted"`
	Opens    int64   `json:"opens" doc:"By how many people; where that is not known, how often."`
	Clicks   int64   `json:"clicks" doc:"By how many people; where that is not known, how often."`
}

// evidence is what a test's figures say, in order of the variants.
func evidence(spec Spec, figures []VariantFigures) []ABEvidence {
	all := make([]ABEvidence, 0, MostVariants)
	for _, v := range spec.Variants() {
		e := ABEvidence{Variant: v}
		for _, f := range figures {
			if f.Variant == v {
				e.Accepted, e.Opens, e.Clicks = f.Counts.Accepted, f.Opens.Readers(), f.Clicks.Readers()
			}
		}
		all = append(all, e)
	}
	return all
}

// What a variant must have over A before it is believed to be better.
const (
	// sureOf is the quantile of the normal distribution at 90 %: of ten tests of two
	// variants that are equally good, one says that they are not.
	sureOf = 1.2816
	// leastReaders of the best variant: below, the distribution is not normal.
	leastReaders = 10
)

// decide finds a test's winner by a rule: the variant of which most was opened or
// clicked, by the messages accepted; A when that ties with A, or might be chance. Of several
// that are better than A, and as good, it is the one with the earliest letter.
func decide(rule ABRule, all []ABEvidence) (Variant, string) {
	of := func(e ABEvidence) int64 {
		if rule == ByClicks {
			return e.Clicks
		}
		return e.Opens
	}
	rate := func(e ABEvidence) float64 { return float64(of(e)) / float64(max(e.Accepted, 1)) }
	a, best := all[0], all[0]
	tie := false
	for _, e := range all[1:] {
		switch {
		case rate(e) > rate(best):
			best, tie = e, false
		case rate(e) == rate(best):
			tie = true
		}
	}
	verb := "were opened"
	if rule == ByClicks {
		verb = "were clicked in"
	}
	said := fmt.Sprintf("%.1f %% of %s %s", 100*rate(best), best.Variant, verb)
	second := func() string {
		if best.Variant == VariantA {
			return ""
		}
		return fmt.Sprintf(", %.1f %% of A", 100*rate(a))
	}
	switch {
	case of(best) == 0:
		return VariantA, "Too little evidence: nothing was counted. A goes on."
	case tie && best.Variant == VariantA:
		return VariantA, fmt.Sprintf("A tie: %s, and as many of another. A goes on.", said)
	case best.Variant == VariantA:
		return VariantA, said + ", more than of any other."
	case of(best) < leastReaders || !surely(of(a), a.Accepted, of(best), best.Accepted):
		return VariantA, fmt.Sprintf("Too little evidence: %s%s, which may be chance. A goes on.", said, second())
	case tie:
		return best.Variant, said + second() + "; as many of another, and the earlier letter goes on."
	}
	return best.Variant, said + second() + "."
}

// surely reports whether k of n is more than a of m by more than chance (the one-sided
// test of two proportions). Where some did it more than once the proportion may be above
// 1; the variance is then that of a count.
func surely(a, m, k, n int64) bool {
	if m == 0 || n == 0 {
		return false
	}
	p := float64(a+k) / float64(m+n)
	variance := p * (1/float64(m) + 1/float64(n))
	if p < 1 {
		variance *= 1 - p
	}
	return float64(k)/float64(n)-float64(a)/float64(m) > sureOf*math.Sqrt(variance)
}
