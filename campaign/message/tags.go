package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/osteele/liquid"
)

// tagRule says how a tag's arguments are checked: by parsing a template in which
// they stand alone, so that an error names their line.
type tagRule struct {
	try     string // a template with %s for the arguments; "" when there are none
	parents []string
}

// The tags of a template. There is none that reads a file, a template or the
// environment.
var tagRules = map[string]tagRule{
	"if":         {try: "{%% if %s %%}{%% endif %%}"},
	"elsif":      {try: "{%% if 1 %%}{%% elsif %s %%}{%% endif %%}", parents: []string{"if"}},
	"else":       {parents: []string{"if", "unless", "case", "for"}},
	"endif":      {parents: []string{"if"}},
	"unless":     {try: "{%% unless %s %%}{%% endunless %%}"},
	"endunless":  {parents: []string{"unless"}},
	"case":       {try: "{%% case %s %%}{%% endcase %%}"},
	"when":       {try: "{%% case 1 %%}{%% when %s %%}{%% endcase %%}", parents: []string{"case"}},
	"endcase":    {parents: []string{"case"}},
	"for":        {try: "{%% for %s %%}{%% endfor %%}"},
	"endfor":     {parents: []string{"for"}},
	"break":      {},
	"continue":   {},
	"assign":     {try: "{%% assign %s %%}"},
	"capture":    {try: "{%% capture %s %%}{%% endcapture %%}"},
	"endcapture": {parents: []string{"capture"}},
}

func knownTag(name string) bool { _, ok := tagRules[name]; return ok }

func isBlock(name string) bool {
	switch name {
	case "if", "unless", "case", "for", "capture":
		return true
	}
	return false
}

func isBlockEnd(name string) bool { return strings.HasPrefix(name, "end") }

// setsVariable reports whether the tag changes what later constructs see.
func setsVariable(name string) bool { return name == "assign" || name == "capture" }

// checkTag says what is wrong with a tag, "" when nothing is.
func checkTag(name, args string) string {
	rule, ok := tagRules[name]
	switch {
	case !ok:
		return fmt.Sprintf("unknown tag {%% %s %%}; the tags are if, unless, case, for, assign, capture, comment and raw", name)
	case rule.try == "" && args != "":
		return fmt.Sprintf("{%% %s %%} takes no arguments, but has %q", name, args)
	case rule.try == "":
		return ""
	case args == "":
		return fmt.Sprintf("{%% %s %%} needs arguments", name)
	case name == "capture" && !isIdent(args):
		return fmt.Sprintf("{%% capture %s %%} must name one variable", args)
	}
	tokens, err := lex(args)
	if err != nil {
		return fmt.Sprintf("{%% %s %s %%} %v", name, args, err)
	}
	if err := checkTagTokens(name, tokens); err != nil {
		return fmt.Sprintf("{%% %s %s %%} %v", name, args, err)
	}
	if err := tryParse(fmt.Sprintf(rule.try, args)); err != nil {
		return fmt.Sprintf("{%% %s %s %%} is not understood; check its spelling and its quotes", name, args)
	}
	return ""
}

// tryParse parses a template for its syntax. The library panics on some numbers
// that are too large, which is a syntax error like any other.
func tryParse(src string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if _, e := liquid.NewEngine().ParseString(src); e != nil {
		return e
	}
	return nil
}

func checkTagTokens(tag string, tokens []token) error {
	for i, t := range tokens {
		switch {
		case t.kind == punct && t.text == "%", t.kind == str && strings.Contains(t.text, "%}"):
			return fmt.Errorf("must not contain %%")
		case t.kind == ident && (t.text == "blank" || t.text == "empty" || t.text == "null"):
			return fmt.Errorf(`does not know %s; compare with nil or ""`, t.text)
		case t.kind == ident && i > 0 && tokens[i-1].text == "|" && tokens[i-1].kind == punct:
			if err := checkFilter(t.text, -1); err != nil {
				return err
			}
		case t.text == ".." && t.kind == punct:
			if tag != "for" || i == 0 || i+1 == len(tokens) || !smallRange(tokens[i-1], tokens[i+1]) {
				return fmt.Errorf("may use a range only in for, with two whole numbers at most %d apart", maxSteps)
			}
		}
	}
	return nil
}

func smallRange(from, to token) bool {
	a, err1 := strconv.Atoi(from.text)
	b, err2 := strconv.Atoi(to.text)
	return err1 == nil && err2 == nil && from.kind == num && to.kind == num && b-a <= maxSteps && a >= -1e9 && b <= 1e9
}

// fieldsOf returns the names a tag reads, and the variable it sets, "" when none.
func fieldsOf(c *construct) (reads []string, sets string) {
	tokens, err := lex(c.args)
	if err != nil {
		return nil, ""
	}
	switch {
	case c.tag == "capture":
		return nil, c.args
	case (c.tag == "assign" || c.tag == "for") && len(tokens) > 0:
		sets, tokens = tokens[0].text, tokens[1:]
	}
	for i, t := range tokens {
		if t.kind != ident || i > 0 && (tokens[i-1].text == "." || tokens[i-1].text == "|") && tokens[i-1].kind == punct {
			continue
		}
		if i+1 < len(tokens) && tokens[i+1].text == ":" {
			continue // limit:, offset:
		}
		switch t.text {
		case "and", "or", "contains", "in", "reversed", "true", "false", "nil":
			continue
		}
		reads = append(reads, t.text)
	}
	return reads, sets
}

// checkNesting says which blocks are not closed, or closed by the wrong tag.
func checkNesting(pieces []piece) []error {
	var open []*construct
	for _, p := range pieces {
		c := p.c
		if c == nil || c.tag == "" {
			continue
		}
		parents := tagRules[c.tag].parents
		if parents != nil && (len(open) == 0 || !slices.Contains(parents, open[len(open)-1].tag)) {
			return []error{problemf(c.field, c.line, "{%% %s %%} does not stand in a {%% %s %%} block; check which block is open here", c.tag, parents[0])}
		}
		switch {
		case isBlock(c.tag):
			open = append(open, c)
		case isBlockEnd(c.tag):
			open = open[:len(open)-1]
		case c.tag == "break" || c.tag == "continue":
			if !slices.ContainsFunc(open, func(o *construct) bool { return o.tag == "for" }) {
				return []error{problemf(c.field, c.line, "{%% %s %%} does not stand in a {%% for %%} block", c.tag)}
			}
		}
	}
	if len(open) > 0 {
		c := open[len(open)-1]
		return []error{problemf(c.field, c.line, "{%% %s %%} is not closed; add {%% end%s %%}", c.tag, c.tag)}
	}
	return nil
}
