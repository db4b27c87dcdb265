package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"broadside/campaign"
	"broadside/campaign/segment"
)

// builderView is a segment being put together: rows beside the expression that they say.
// All of it is in the form, so that it works by plain submits, and nothing is kept here.
type builderView struct {
	Form
	Saved      *campaign.SavedSegment // nil: a new one
	Users      []string               // campaigns that refer to it
	Expression string
	Problem    string // of the expression
	Rules      segment.Rules
	InRows     bool // the rows say what the expression says
	Fields     []string
	Campaigns  []string
	Lists      []campaign.List
	List       string // that people are counted in; "" for all
}

// Bounds of a form; an expression is no longer than that either.
const (
	mostGroups = 20
	mostRules  = 100
)

// operators are what a row offers, in the order of the menu.
var operators = []struct {
	Label string
	Ops   []operator
}{
	{"Any value", []operator{{segment.Is, "is"}, {segment.IsNot, "is not"}, {segment.In, "is one of"}, {segment.NotIn, "is none of"}, {segment.Set, "is filled in"}, {segment.NotSet, "is empty"}, {segment.True, "is yes"}, {segment.NotTrue, "is not yes"}}},
	{"Text", []operator{{segment.Contains, "contains"}, {segment.ContainsNot, "does not contain"}, {segment.Begins, "begins with"}, {segment.Ends, "ends with"}}},
	{"Number or date", []operator{{segment.Less, "is less than"}, {segment.AtMost, "is at most"}, {segment.More, "is more than"}, {segment.AtLeast, "is at least"}}},
	{"A campaign", []operator{
		{segment.WasReceived, "was received"}, {segment.WasNotReceived, "was not received"},
		{segment.WasOpened, "was opened"}, {segment.WasNotOpened, "was not opened"},
		{segment.WasClicked, "was clicked"}, {segment.WasNotClicked, "was not clicked"},
	}},
}

type operator struct {
	Op    segment.Op
	Label string
}

// Operators are what a row offers.
func (b builderView) Operators() any { return operators }

// Known tells whether a field is among those on offer.
func (b builderView) Known(field string) bool {
	return field == "" || field == "email" || field == segment.DomainField || slices.Contains(b.Fields, field)
}

// read takes over what a form says. What was written last wins: the expression, when it
// is not what the rows said when the page was made.
func (b *builderView) read(q url.Values) {
	b.List = q.Get("list")
	b.Form = Form{Values: map[string]string{"name": q.Get("name")}, Errors: map[string]string{}}
	text := strings.TrimSpace(strings.ReplaceAll(q.Get("expression"), "\r\n", "\n"))
	if len(q["op"]) == 0 || text != strings.TrimSpace(strings.ReplaceAll(q.Get("was"), "\r\n", "\n")) {
		b.set(text)
	} else {
		b.Rules, b.InRows = rulesOf(q), true
		b.Expression = b.Rules.Expression()
	}
	if b.InRows {
		b.change(q.Get("do"))
	}
	b.atLeastARow()
}

// set takes over an expression.
func (b *builderView) set(text string) {
	b.Expression = text
	b.Rules, b.InRows = segment.ReadRules(text)
	b.atLeastARow()
}

func (b *builderView) atLeastARow() {
	if b.InRows && len(b.Rules.Groups) == 0 {
		b.Rules.Groups = []segment.Group{{All: true, Rules: []segment.Rule{{Op: segment.Is}}}}
	}
}

// rulesOf reads the rows of a form: each names its group.
func rulesOf(q url.Values) segment.Rules {
	r := segment.Rules{All: q.Get("all") != "any"}
	for _, all := range q["group-all"][:min(len(q["group-all"]), mostGroups)] {
		r.Groups = append(r.Groups, segment.Group{All: all != "any"})
	}
	for i := range min(len(q["op"]), len(q["group"]), len(q["field"]), len(q["value"]), mostRules) {
		g, err := strconv.Atoi(q["group"][i])
		if err != nil || g < 0 || g >= len(r.Groups) {
			continue
		}
		r.Groups[g].Rules = append(r.Groups[g].Rules, segment.Rule{Field: q["field"][i], Op: segment.Op(q["op"][i]), Value: q["value"][i]})
	}
	return r
}

// change does what a button of the rows says: row 1, group, drop 1 2.
func (b *builderView) change(do string) {
	what, at, _ := strings.Cut(do, " ")
	first, second, _ := strings.Cut(at, " ")
	g, gErr := strconv.Atoi(first)
	known := gErr == nil && g >= 0 && g < len(b.Rules.Groups)
	switch {
	case what == "group" && len(b.Rules.Groups) < mostGroups:
		b.Rules.Groups = append(b.Rules.Groups, segment.Group{All: !b.Rules.All, Rules: []segment.Rule{{Op: segment.Is}}})
	case what == "row" && known && len(b.Rules.Groups[g].Rules) < mostRules:
		b.Rules.Groups[g].Rules = append(b.Rules.Groups[g].Rules, segment.Rule{Op: segment.Is})
	case what == "drop" && known:
		rules := b.Rules.Groups[g].Rules
		if i, err := strconv.Atoi(second); err == nil && i >= 0 && i < len(rules) {
			b.Rules.Groups[g].Rules = slices.Delete(rules, i, i+1)
		}
		if len(b.Rules.Groups[g].Rules) == 0 {
			b.Rules.Groups = slices.Delete(b.Rules.Groups, g, g+1)
		}
	}
	b.Expression = b.Rules.Expression()
}
