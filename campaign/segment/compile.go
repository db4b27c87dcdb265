package segment

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// eval is a compiled expression.
type eval func(*contact) value

// compiler turns expr's syntax tree into evals. The first error stops it.
type compiler struct {
	src    string
	fields []string
	events []Event
	err    error
}

// fail records an error at a node.
func (c *compiler) fail(n ast.Node, format string, a ...any) eval {
	if c.err == nil {
		line, column := place(c.src, n.Location().From)
		c.err = fmt.Errorf("segment, line %d, column %d: %s", line, column, fmt.Sprintf(format, a...))
	}
	return constant(value{})
}

// place turns an offset in characters into a line and a column, from 1.
func place(src string, offset int) (line, column int) {
	before := []rune(src)
	before = before[:min(offset, len(before))]
	line, column = 1, 1
	for _, r := range before {
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

func constant(v value) eval { return func(*contact) value { return v } }

func (c *compiler) node(n ast.Node) eval {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(value{})
	case *ast.BoolNode:
		return constant(truth(n.Value))
	case *ast.IntegerNode:
		return constant(num(float64(n.Value)))
	case *ast.FloatNode:
		return constant(num(n.Value))
	case *ast.StringNode:
		return constant(text(n.Value))
	case *ast.IdentifierNode:
		return c.identifier(n.Value)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		cond, yes, no := c.node(n.Cond), c.node(n.Exp1), c.node(n.Exp2)
		return func(at *contact) value {
			if cond(at).truth() {
				return yes(at)
			}
			return no(at)
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.MemberNode:
		return c.fail(n, "attributes have no members; name the attribute without a dot or brackets")
	case *ast.ArrayNode:
		return c.fail(n, "a list stands only after in")
	case nil:
		return c.fail(&ast.NilNode{}, "the expression is empty")
	}
	return c.fail(n, "this is not part of the segment language; combine comparisons with and, or, not")
}

func (c *compiler) identifier(name string) eval {
	if name == "email" {
		return func(at *contact) value { return text(at.email) }
	}
	i := slices.Index(c.fields, name)
	if i < 0 {
		i = len(c.fields)
		c.fields = append(c.fields, name)
	}
	return func(at *contact) value { return at.values[i] }
}

func (c *compiler) unary(n *ast.UnaryNode) eval {
	x := c.node(n.Node)
	switch n.Operator {
	case "not", "!":
		return func(at *contact) value { return truth(!x(at).truth()) }
	case "-":
		return arithmetic(constant(num(0)), x, func(a, b float64) float64 { return a - b })
	case "+":
		return x
	}
	return c.fail(n, "unknown operator %s", n.Operator)
}

func (c *compiler) binary(n *ast.BinaryNode) eval {
	switch n.Operator {
	case "in":
		return c.in(n)
	case "matches":
		return c.matches(n)
	}
	a, b := c.node(n.Left), c.node(n.Right)
	switch n.Operator {
	case "and", "&&":
		return func(at *contact) value { return truth(a(at).truth() && b(at).truth()) }
	case "or", "||":
		return func(at *contact) value { return truth(a(at).truth() || b(at).truth()) }
	case "==":
		return func(at *contact) value { return truth(equal(a(at), b(at))) }
	case "!=":
		return func(at *contact) value { return truth(!equal(a(at), b(at))) }
	case "<":
		return ordered(a, b, func(order int) bool { return order < 0 })
	case "<=":
		return ordered(a, b, func(order int) bool { return order <= 0 })
	case ">":
		return ordered(a, b, func(order int) bool { return order > 0 })
	case ">=":
		return ordered(a, b, func(order int) bool { return order >= 0 })
	case "contains":
		return onTexts(a, b, strings.Contains)
	case "startsWith":
		return onTexts(a, b, strings.HasPrefix)
	case "endsWith":
		return onTexts(a, b, strings.HasSuffix)
	case "+":
		return arithmetic(a, b, func(a, b float64) float64 { return a + b })
	case "-":
		return arithmetic(a, b, func(a, b float64) float64 { return a - b })
	case "*":
		return arithmetic(a, b, func(a, b float64) float64 { return a * b })
	case "/":
		return arithmetic(a, b, func(a, b float64) float64 { return a / b })
	case "%":
		return arithmetic(a, b, math.Mod)
	case "??":
		return func(at *contact) value {
			if v := a(at); v.kind != missing {
				return v
			}
			return b(at)
		}
	}
	return c.fail(n, "the operator %s is not part of the segment language", n.Operator)
}

func ordered(a, b eval, holds func(order int) bool) eval {
	return func(at *contact) value {
		order, ok := compare(a(at), b(at))
		return truth(ok && holds(order))
	}
}

// onTexts is false when the left side is missing.
func onTexts(a, b eval, holds func(s, arg string) bool) eval {
	return func(at *contact) value {
		x, y := a(at), b(at)
		return truth(x.kind != missing && y.kind != missing && holds(x.text(), y.text()))
	}
}

func arithmetic(a, b eval, do func(a, b float64) float64) eval {
	return func(at *contact) value {
		x, ok1 := a(at).number()
		y, ok2 := b(at).number()
		if !ok1 || !ok2 {
			return value{}
		}
		return num(do(x, y))
	}
}

func (c *compiler) in(n *ast.BinaryNode) eval {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return c.fail(n.Right, `in takes a list, like country in ["DE", "AT"]`)
	}
	x := c.node(n.Left)
	items := make([]eval, len(list.Nodes))
	for i, item := range list.Nodes {
		items[i] = c.node(item)
	}
	return func(at *contact) value {
		v := x(at)
		for _, item := range items {
			if equal(v, item(at)) {
				return truth(true)
			}
		}
		return truth(false)
	}
}

func (c *compiler) matches(n *ast.BinaryNode) eval {
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		return c.fail(n.Right, "matches takes a regular expression in quotes")
	}
	if len(pattern.Value) > 500 {
		return c.fail(n.Right, "the regular expression is longer than 500 bytes")
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return c.fail(n.Right, "%v", err)
	}
	x := c.node(n.Left)
	return func(at *contact) value {
		v := x(at)
		return truth(v.kind != missing && re.MatchString(v.text()))
	}
}

// functions are all there are; each takes one argument.
var functions = map[string]func(value) value{
	"has":    func(v value) value { return truth(v.kind != missing && v.text() != "") },
	"lower":  onText(strings.ToLower),
	"upper":  onText(strings.ToUpper),
	"trim":   onText(strings.TrimSpace),
	"len":    func(v value) value { return num(float64(utf8.RuneCountInString(v.text()))) },
	"domain": onText(func(s string) string { return strings.ToLower(s[strings.LastIndexByte(s, '@')+1:]) }),
}

func onText(do func(string) string) func(value) value {
	return func(v value) value {
		if v.kind == missing {
			return v
		}
		return text(do(v.text()))
	}
}

func (c *compiler) call(n ast.Node, name string, args []ast.Node) eval {
	if what := What(name); slices.Contains(whats, what) {
		return c.event(n, what, args)
	}
	do, ok := functions[name]
	if !ok {
		return c.fail(n, "there is no function %s; there are has, lower, upper, trim, len, domain, received, opened and clicked", name)
	}
	if len(args) != 1 {
		return c.fail(n, "%s takes one argument, like %s(email)", name, name)
	}
	x := c.node(args[0])
	return func(at *contact) value { return do(x(at)) }
}
