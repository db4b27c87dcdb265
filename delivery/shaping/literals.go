package shaping

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// matcher is a regular expression that is rarely tried: in any case, and over the
// whole of a reply, it is slow. Without one of its literals it cannot match, and they
// are looked for first. No literals: it is always tried.
type matcher struct {
	expression *regexp.Regexp
	literals   []string // in lower case
}

// newMatcher compiles a pattern that matches in upper and lower case.
func newMatcher(pattern string) (*matcher, error) {
	if _, err := regexp.Compile(pattern); err != nil { // whose error quotes what was written
		return nil, err
	}
	tree, err := syntax.Parse(pattern, syntax.Perl|syntax.FoldCase|syntax.DotNL)
	if err != nil {
		return nil, err
	}
	return &matcher{regexp.MustCompile("(?is)" + pattern), literalsOf(tree)}, nil
}

// matches tells whether the pattern is found in a text, given in lower case too.
func (m *matcher) matches(text, lower string) bool {
	if m.literals != nil && !slices.ContainsFunc(m.literals, func(l string) bool { return strings.Contains(lower, l) }) {
		return false
	}
	return m.expression.MatchString(text)
}

// literalsOf returns texts of which every match contains at least one; nil when there
// is no such set.
func literalsOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(re.Sub[0])
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if found := literalsOf(sub); shortest(found) > shortest(best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			found := literalsOf(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

// shortest is the length of the shortest text; the longer, the rarer.
func shortest(texts []string) int {
	if len(texts) == 0 {
		return 0
	}
	return len(slices.MinFunc(texts, func(a, b string) int { return len(a) - len(b) }))
}
