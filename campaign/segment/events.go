package segment

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// What may have happened between a campaign and a person.
type What string

// The functions by which expressions ask for it.
const (
	Received What = "received"
	Opened   What = "opened"
	Clicked  What = "clicked"
)

// whats are all there are.
var whats = []What{Received, Opened, Clicked}

// Event is a question about a person and a campaign: any of its runs counts.
type Event struct {
	What     What
	Campaign string // its name
}

// event compiles a question; the answer comes with the person.
func (c *compiler) event(n ast.Node, what What, args []ast.Node) eval {
	if len(args) != 1 {
		return c.fail(n, `%s takes the name of one campaign, like %s("Spring")`, what, what)
	}
	name, ok := args[0].(*ast.StringNode)
	if !ok || name.Value == "" {
		return c.fail(args[0], `%s takes a campaign's name in quotes, like %s("Spring")`, what, what)
	}
	event := Event{what, name.Value}
	i := slices.Index(c.events, event)
	if i < 0 {
		i = len(c.events)
		c.events = append(c.events, event)
	}
	return func(at *contact) value { return truth(i < len(at.happened) && at.happened[i]) }
}
