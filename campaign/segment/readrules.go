package segment

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
)

// ReadRules reads an expression as rules; false when they cannot say it, or it cannot be
// read. The rules that it returns say the same as the expression.
func ReadRules(src string) (Rules, bool) {
	r := Rules{All: true}
	if strings.TrimSpace(src) == "" {
		return r, true
	}
	tree, ok := parseTree(src)
	if !ok {
		return r, false
	}
	r.All = !joins(tree, false)
	for _, part := range parts(tree, r.All) {
		group := Group{All: r.All}
		rows := []ast.Node{part}
		if joins(part, !r.All) {
			group.All, rows = !r.All, parts(part, !r.All)
		}
		for _, row := range rows {
			rule, ok := readRule(row)
			if !ok {
				return r, false
			}
			group.Rules = append(group.Rules, rule)
		}
		// What is joined as the groups are needs no group of its own.
		if last := len(r.Groups) - 1; last >= 0 && group.All == r.All && r.Groups[last].All == r.All {
			r.Groups[last].Rules = append(r.Groups[last].Rules, group.Rules...)
			continue
		}
		r.Groups = append(r.Groups, group)
	}
	return r, true
}

func parseTree(src string) (ast.Node, bool) {
	if _, err := Parse(src); err != nil {
		return nil, false
	}
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	tree, err := new(parser.Parser).Parse(src, config)
	if err != nil {
		return nil, false
	}
	return tree.Node, true
}

// joins reports whether a node is an and, or an or.
func joins(n ast.Node, and bool) bool {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return false
	}
	if and {
		return b.Operator == "and" || b.Operator == "&&"
	}
	return b.Operator == "or" || b.Operator == "||"
}

// parts are the operands of a chain of ands or of ors.
func parts(n ast.Node, and bool) []ast.Node {
	if !joins(n, and) {
		return []ast.Node{n}
	}
	b := n.(*ast.BinaryNode)
	return append(parts(b.Left, and), parts(b.Right, and)...)
}

// readRule finds the rule of a node. It is right only if its expression is the node's.
func readRule(n ast.Node) (Rule, bool) {
	for _, r := range candidates(n) {
		if !r.Complete() {
			continue
		}
		if tree, ok := parseTree(r.expression()); ok && tree.String() == n.String() {
			return r, true
		}
	}
	return Rule{}, false
}

// candidates are rules that may be what a node says.
func candidates(n ast.Node) []Rule {
	not := ""
	if u, ok := n.(*ast.UnaryNode); ok && (u.Operator == "not" || u.Operator == "!") {
		not, n = "not ", u.Node
	}
	var rules []Rule
	add := func(form, field, value string) {
		for op, f := range forms {
			if f == not+form || not != "" && f == strings.Replace(form, "%f ", "%f not ", 1) {
				rules = append(rules, Rule{field, op, value})
			}
		}
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		add("%f", n.Value, "")
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || len(n.Arguments) != 1 {
			break
		}
		if field, ok := fieldOf(n.Arguments[0]); ok {
			add(callee.Value+"(%f)", field, "")
		}
		if value, ok := valueOf(n.Arguments[0]); ok {
			add(callee.Value+"(%t)", "", value)
		}
	case *ast.BinaryNode:
		field, ok := fieldOf(n.Left)
		if !ok {
			break
		}
		if value, ok := valueOf(n.Right); ok {
			add("%f "+n.Operator+" %v", field, value)
			add("%f "+n.Operator+" %t", field, value)
		}
		if list, ok := n.Right.(*ast.ArrayNode); ok {
			add("%f "+n.Operator+" [%l]", field, valuesOf(list))
		}
	}
	return rules
}

func fieldOf(n ast.Node) (string, bool) {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return id.Value, true
	}
	return DomainField, n.String() == DomainField
}

func valueOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return strconv.Itoa(n.Value), true
	case *ast.FloatNode:
		return strconv.FormatFloat(n.Value, 'f', -1, 64), true
	case *ast.UnaryNode:
		if value, ok := valueOf(n.Node); ok && n.Operator == "-" {
			return "-" + value, true
		}
	}
	return "", false
}

func valuesOf(list *ast.ArrayNode) string {
	var values []string
	for _, item := range list.Nodes {
		value, _ := valueOf(item) // what is none shows in the comparison
		values = append(values, value)
	}
	return strings.Join(values, ", ")
}
