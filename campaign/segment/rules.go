package segment

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Rules are an expression as people put it together from rows: groups of rules, of which
// all or any hold. They are a part of the language; ReadRules tells whether an expression
// is in it.
type Rules struct {
	All    bool // of the groups; false: any
	Groups []Group
}

// Group is some rules, of which all or any hold.
type Group struct {
	All   bool
	Rules []Rule
}

// Rule is one row: a field, an operator and a value.
type Rule struct {
	// Field is an attribute, email, or DomainField; "" for operators about campaigns.
	Field string
	Op    Op
	// Value is text or a number; for In and NotIn several with commas between them; a
	// campaign's name for operators about campaigns; "" for operators without one.
	Value string
}

// DomainField is the part of the address after the @.
const DomainField = "domain(email)"

// Op is an operator of a rule.
type Op string

// The operators.
const (
	Is          Op = "is"
	IsNot       Op = "is-not"
	In          Op = "in"
	NotIn       Op = "not-in"
	Contains    Op = "contains"
	ContainsNot Op = "contains-not"
	Begins      Op = "begins"
	Ends        Op = "ends"
	Less        Op = "less"
	AtMost      Op = "at-most"
	More        Op = "more"
	AtLeast     Op = "at-least"
	Set         Op = "set"
	NotSet      Op = "not-set"
	True        Op = "true"
	NotTrue     Op = "not-true"

	WasReceived    Op = "received"
	WasNotReceived Op = "not-received"
	WasOpened      Op = "opened"
	WasNotOpened   Op = "not-opened"
	WasClicked     Op = "clicked"
	WasNotClicked  Op = "not-clicked"
)

// forms are the operators' expressions: %f is the field, %v the value, %l a list of them.
var forms = map[Op]string{
	Is: "%f == %v", IsNot: "%f != %v", In: "%f in [%l]", NotIn: "%f not in [%l]",
	Contains: "%f contains %t", ContainsNot: "%f not contains %t", Begins: "%f startsWith %t", Ends: "%f endsWith %t",
	Less: "%f < %v", AtMost: "%f <= %v", More: "%f > %v", AtLeast: "%f >= %v",
	Set: "has(%f)", NotSet: "not has(%f)", True: "%f", NotTrue: "not %f",
	WasReceived: "received(%t)", WasNotReceived: "not received(%t)",
	WasOpened: "opened(%t)", WasNotOpened: "not opened(%t)",
	WasClicked: "clicked(%t)", WasNotClicked: "not clicked(%t)",
}

// TakesField reports whether a rule of the operator is about a field.
func (o Op) TakesField() bool { return strings.Contains(forms[o], "%f") }

// TakesValue reports whether a rule of the operator has a value.
func (o Op) TakesValue() bool {
	return strings.ContainsAny(strings.ReplaceAll(forms[o], "%f", ""), "%")
}

// Complete reports whether a rule says anything yet.
func (r Rule) Complete() bool {
	return forms[r.Op] != "" && (r.Field != "" || !r.Op.TakesField()) && (strings.TrimSpace(r.Value) != "" || !r.Op.TakesValue())
}

// Expression writes the rules as an expression; rows that are not complete are left out.
func (r Rules) Expression() string {
	var groups []string
	written := slices.DeleteFunc(slices.Clone(r.Groups), func(g Group) bool { return g.expression() == "" })
	for _, g := range written {
		text := g.expression()
		if len(written) > 1 && g.All != r.All && g.size() > 1 {
			text = "(" + text + ")"
		}
		groups = append(groups, text)
	}
	return strings.Join(groups, between(r.All))
}

func (g Group) size() int {
	n := 0
	for _, r := range g.Rules {
		if r.Complete() {
			n++
		}
	}
	return n
}

func (g Group) expression() string {
	var rules []string
	for _, r := range g.Rules {
		if r.Complete() {
			rules = append(rules, r.expression())
		}
	}
	return strings.Join(rules, between(g.All))
}

func between(all bool) string {
	if all {
		return " and "
	}
	return " or "
}

func (r Rule) expression() string {
	var list []string
	for item := range strings.SplitSeq(r.Value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, literal(item))
		}
	}
	value := strings.TrimSpace(r.Value)
	return strings.NewReplacer("%f", r.Field, "%v", literal(value), "%t", strconv.Quote(value), "%l", strings.Join(list, ", ")).Replace(forms[r.Op])
}

// number is what is compared as one. What begins with a zero is a code, not a number.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

func literal(value string) string {
	if number.MatchString(value) {
		return value
	}
	return strconv.Quote(value)
}
