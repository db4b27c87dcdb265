// Package segment decides which contacts a campaign is for: a boolean expression
// over their attributes, such as
//
//	country in ["DE", "AT"] and age >= 18 and not has(opted_down)
//
// The grammar is that of expr-lang/expr; what is evaluated is a small part of it,
// by this package: no loops, no variables, no functions but the ones below, so that
// an expression costs time and memory in proportion to its length, whoever wrote it.
// The package keeps no data.
//
// # Values
//
// An attribute is text, a number, true or false, or missing: absent and null are the
// same, and compare like nil. Imported values are often text ("42"), so comparing
// converts where it loses nothing:
//
//   - A number compares with text that is a number: age > 30 holds for "42". Text
//     that is no number is not equal to any, and neither less nor greater.
//   - Two texts are equal when they are the same, case included. Ordered, they
//     compare as numbers if both are, else by their bytes, which is right for dates
//     like 2026-01-31.
//   - true and false compare with anything by its truth: missing, 0, "", "0",
//     "false" and "no" (in any case) are false, all else is true. But missing ==
//     false does not hold.
//   - Missing is equal to nil only; it is never less or greater. Arithmetic with it,
//     with text that is no number, or by zero, is missing.
//
// # Operators
//
// and, or, not (&&, ||, !); ==, !=, <, <=, >, >=; in with a list in brackets;
// contains, startsWith, endsWith (text, case matters); matches with a literal
// regular expression; +, -, *, /, %; a ?? b (b where a is missing); c ? a : b.
//
// # Functions
//
// has(x): x is neither missing nor empty. lower(x), upper(x), trim(x): text.
// len(x): its characters. domain(x): the part of an address after the @, in lower
// case. The contact's address is email.
//
// # Campaigns
//
// received("name") holds for those whom a campaign of that name reached in any of its
// runs: the receiving server took the message, and none came back since. opened("name")
// and clicked("name") hold for those who did so themselves; who clicked has opened. What
// happened is not an attribute: the caller of Match knows it.
package segment

import (
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

const (
	maxSource = 4096 // bytes of an expression
	maxNodes  = 500  // of its tree
)

// Segment is a parsed expression. It is safe for concurrent use.
type Segment struct {
	match  eval
	fields []string
	events []Event
}

// Parse reads an expression of at most 4,096 bytes. Its error names the line and
// column, and what to do.
func Parse(src string) (*Segment, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("segment: the expression has %d bytes; at most %d are allowed", len(src), maxSource)
	}
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	tree, err := new(parser.Parser).Parse(src, config)
	if err != nil {
		if e, ok := errors.AsType[*file.Error](err); ok {
			return nil, fmt.Errorf("segment, line %d, column %d: %s", e.Line, e.Column+1, e.Message)
		}
		return nil, fmt.Errorf("segment: %w", err)
	}
	c := compiler{src: src}
	match := c.node(tree.Node)
	if c.err != nil {
		return nil, c.err
	}
	return &Segment{match, c.fields, c.events}, nil
}

// Fields returns the attributes the expression reads, each once, in order of
// appearance; email is not one.
func (s *Segment) Fields() []string { return slices.Clone(s.fields) }

// Events returns what the expression asks about campaigns, each once, in order of
// appearance.
func (s *Segment) Events() []Event { return slices.Clone(s.events) }

// Person is whom an expression is evaluated for.
type Person struct {
	Email string
	// Attributes is a JSON object; empty is one without members.
	Attributes []byte
	// Happened answers each of the segment's Events; what it lacks did not happen.
	Happened []bool
}

// Match reports whether the expression holds for a person. It fails only when the
// attributes are not a JSON object.
func (s *Segment) Match(p Person) (bool, error) {
	c := contact{p.Email, make([]value, len(s.fields)), p.Happened}
	if len(s.fields) > 0 && len(p.Attributes) > 0 {
		if !readAttributes(p.Attributes, s.fields, c.values) {
			return false, fmt.Errorf("segment: the attributes of %q are not a JSON object", p.Email)
		}
	}
	return s.match(&c).truth(), nil
}

// contact is what an expression is evaluated for; values has those of the
// segment's fields.
type contact struct {
	email    string
	values   []value
	happened []bool
}
