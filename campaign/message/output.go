package message

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// operand is a literal, or a name with properties: forloop.index.
type operand struct {
	lit  any      // string, int, float64, bool or nil
	path []string // nil for a literal
}

// call is a filter with its arguments.
type call struct {
	name string
	fn   filter
	args []operand
}

// output is a parsed {{ head | filter: arg, arg | … }}.
type output struct {
	head  operand
	calls []call
}

// errMissing is the result of an output that has no value and no default.
var errMissing = errors.New("has no value and no default")

// parseOutput reads what stands between {{ and }}.
func parseOutput(src string) (*output, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return nil, errors.New("is empty; name a field")
	}
	p := outputParser{tokens}
	out := &output{}
	if out.head, err = p.operand(); err != nil {
		return nil, err
	}
	if out.head.lit == "now" || out.head.lit == "today" {
		out.head = operand{path: []string{nowField}}
	}
	for len(p.rest) > 0 {
		if !p.take("|") {
			return nil, fmt.Errorf("has %q where a | or the end is expected", p.rest[0].text)
		}
		c, err := p.call()
		if err != nil {
			return nil, err
		}
		if c.name != "escape" { // where the value lands decides its escaping
			out.calls = append(out.calls, c)
		}
	}
	return out, nil
}

type outputParser struct{ rest []token }

func (p *outputParser) take(text string) bool {
	if len(p.rest) == 0 || p.rest[0].kind != punct || p.rest[0].text != text {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *outputParser) operand() (operand, error) {
	if len(p.rest) == 0 {
		return operand{}, errors.New("ends where a value is expected")
	}
	t := p.rest[0]
	p.rest = p.rest[1:]
	switch {
	case t.kind == str:
		return operand{lit: t.text}, nil
	case t.kind == num:
		return numberOperand(t.text)
	case t.kind == punct:
		return operand{}, fmt.Errorf("has %q where a value is expected", t.text)
	case t.text == "true" || t.text == "false":
		return operand{lit: t.text == "true"}, nil
	case t.text == "nil":
		return operand{}, nil
	}
	o := operand{path: []string{t.text}}
	for p.take(".") {
		if len(p.rest) == 0 || p.rest[0].kind != ident {
			return operand{}, errors.New("has a dot without a name after it")
		}
		o.path = append(o.path, p.rest[0].text)
		p.rest = p.rest[1:]
	}
	return o, nil
}

func numberOperand(s string) (operand, error) {
	if n, err := strconv.Atoi(s); err == nil {
		return operand{lit: n}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return operand{}, fmt.Errorf("has a number that is too large: %s", s)
	}
	return operand{lit: f}, nil
}

func (p *outputParser) call() (call, error) {
	if len(p.rest) == 0 || p.rest[0].kind != ident {
		return call{}, errors.New("has a | without the name of a filter after it")
	}
	c := call{name: p.rest[0].text}
	p.rest = p.rest[1:]
	if p.take(":") {
		for {
			arg, err := p.operand()
			if err != nil {
				return call{}, err
			}
			c.args = append(c.args, arg)
			if !p.take(",") {
				break
			}
		}
	}
	if err := checkFilter(c.name, len(c.args)); err != nil {
		return call{}, err
	}
	c.fn = filters[c.name].fn
	return c, nil
}

// lookup returns the value of a name, nil when it has none.
type lookup func(name string) any

func (o operand) eval(get lookup) any {
	if o.path == nil {
		return o.lit
	}
	v := get(o.path[0])
	for _, property := range o.path[1:] {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[property]
	}
	return v
}

// eval returns the text of the output. errMissing when there is nothing to write.
func (o *output) eval(get lookup) (string, error) {
	v := o.head.eval(get)
	for _, c := range o.calls {
		args := make([]any, len(c.args))
		for i, a := range c.args {
			args[i] = a.eval(get)
		}
		var err error
		if v, err = c.fn(v, args); err != nil {
			return "", fmt.Errorf("fails in the filter %s: %w", c.name, err)
		}
	}
	if v == nil {
		return "", errMissing
	}
	return toText(v), nil
}

// name is how messages call the output: its field.
func (o *output) name() string {
	if o.head.path == nil {
		return fmt.Sprintf("%q", toText(o.head.lit))
	}
	return strings.Join(o.head.path, ".")
}

func (o *output) hasDefault() bool { return o.hasFilter("default") }

func (o *output) hasFilter(name string) bool {
	for _, c := range o.calls {
		if c.name == name {
			return true
		}
	}
	return false
}

// names returns every field the output reads.
func (o *output) names() []string {
	var names []string
	if o.head.path != nil {
		names = append(names, o.head.path[0])
	}
	for _, c := range o.calls {
		for _, a := range c.args {
			if a.path != nil {
				names = append(names, a.path[0])
			}
		}
	}
	return names
}

// simple reports whether the output is a field with at most a literal default, and
// returns the default's text; it is then appended without evaluating anything.
func (o *output) simple() (def string, ok bool) {
	if len(o.head.path) != 1 || len(o.calls) > 1 {
		return "", false
	}
	if len(o.calls) == 0 {
		return "", true
	}
	c := o.calls[0]
	if c.name != "default" || c.args[0].path != nil || c.args[0].lit == nil {
		return "", false
	}
	return toText(c.args[0].lit), true
}
