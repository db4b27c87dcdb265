package message

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/osteele/liquid"
	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

const (
	maxSteps   = 1000      // turns of all loops of a block
	maxDynamic = 512 << 10 // bytes a block may write

	// No template can name these.
	budgetKey    = ".budget"
	recipientKey = ".recipient"
)

// dynamic is a part of a template that needs Liquid at run time: a block, or all
// that follows a variable. The library sees only its tags; static text and outputs
// are our own tags, so that the library never parses text and outputs are evaluated
// and escaped here as everywhere else.
type dynamic struct {
	tmpl  *liquid.Template
	texts []string
	outs  []piece
	spots []*tracked
	field string
	line  int
}

// budget bounds one rendering.
type budget struct {
	steps, bytes int
}

var errTooMuch = errors.New("makes more text or turns than a message may have")

func newDynamic(pieces []piece) (*dynamic, error) {
	d := &dynamic{}
	var src strings.Builder
	captures := 0
	for _, p := range captured(pieces) {
		switch c := p.c; {
		case p.tracked != nil:
			fmt.Fprintf(&src, "{%% tracked %d %%}", len(d.spots))
			d.spots = append(d.spots, p.tracked)
			continue
		case c == nil:
			fmt.Fprintf(&src, "{%% text %d %%}", len(d.texts))
			d.texts = append(d.texts, p.text)
			continue
		case c.out != nil:
			if captures > 0 {
				p.esc = escaping{} // escaped when the captured text is written
			}
			fmt.Fprintf(&src, "{%% output %d %%}", len(d.outs))
			d.outs = append(d.outs, p)
		case c.args == "":
			fmt.Fprintf(&src, "{%% %s %%}", c.tag)
		default:
			fmt.Fprintf(&src, "{%% %s %s %%}", c.tag, c.args)
		}
		if d.field == "" {
			d.field, d.line = p.c.field, p.c.line
		}
		switch p.c.tag {
		case "for":
			src.WriteString("{% step %}")
		case "capture":
			captures++
		case "endcapture":
			captures--
		}
	}
	tmpl, err := d.engine().ParseString(src.String())
	if err != nil {
		return nil, problemf(d.field, d.line, "the block is not understood: %v", err.Cause())
	}
	d.tmpl = tmpl
	return d, nil
}

func (d *dynamic) engine() *liquid.Engine {
	e := liquid.NewEngine()
	for name, rule := range filters {
		e.RegisterFilter(name, func(in any, args ...any) (any, error) {
			if err := checkFilter(name, len(args)); err != nil {
				return nil, err
			}
			return rule.fn(in, args)
		})
	}
	e.RegisterTag("include", func(render.Context) (string, error) {
		return "", errors.New("templates include no files")
	})
	e.RegisterTag("text", func(ctx render.Context) (string, error) {
		text := d.texts[tagIndex(ctx)]
		return text, spend(ctx, 0, len(text))
	})
	e.RegisterTag("output", d.output)
	e.RegisterTag("tracked", d.tracked)
	e.RegisterTag("step", func(ctx render.Context) (string, error) {
		return "", spend(ctx, 1, 0)
	})
	return e
}

func (d *dynamic) output(ctx render.Context) (string, error) {
	p := d.outs[tagIndex(ctx)]
	text, err := p.c.out.eval(ctx.Get)
	if err != nil {
		return "", &MergeError{Field: p.c.out.name(), Where: p.c.field, Problem: err.Error()}
	}
	safe, problem := p.esc.append(nil, []byte(text))
	if problem != "" {
		return "", &MergeError{Field: p.c.out.name(), Where: p.c.field, Problem: problem}
	}
	return string(safe), spend(ctx, 0, len(safe))
}

// captured returns pieces without what counts readers in captured texts: those are
// values like any other, and no links.
func captured(pieces []piece) []piece {
	var out []piece
	captures := 0
	for i, p := range pieces {
		if p.c != nil && p.c.tag == "capture" {
			captures++
		}
		if p.c != nil && p.c.tag == "endcapture" {
			captures--
		}
		if captures > 0 {
			out = append(out, withPlain(pieces[i:i+1])...)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (d *dynamic) tracked(ctx render.Context) (string, error) {
	text, err := d.spots[tagIndex(ctx)].append(nil, ctx.Get(recipientKey).(*Recipient), ctx.Get)
	if err != nil {
		return "", err
	}
	return string(text), spend(ctx, 0, len(text))
}

// tagIndex is the argument of our own tags, which newDynamic wrote.
func tagIndex(ctx render.Context) int {
	n, _ := strconv.Atoi(ctx.TagArgs())
	return n
}

func spend(ctx render.Context, steps, bytes int) error {
	b := ctx.Get(budgetKey).(*budget)
	b.steps -= steps
	b.bytes -= bytes
	if b.steps < 0 || b.bytes < 0 {
		return errTooMuch
	}
	return nil
}

// render returns the block's text for a recipient. vars is not changed.
func (d *dynamic) render(vars map[string]any) (text []byte, err error) {
	vars[budgetKey] = &budget{maxSteps, maxDynamic}
	defer func() {
		// The library panics on types it did not expect, for example in a comparison.
		if r := recover(); r != nil {
			text, err = nil, d.mergeError(fmt.Errorf("cannot be evaluated: %.100v", r))
		}
	}()
	text, e := d.tmpl.Render(vars)
	if e != nil {
		return nil, d.mergeError(e.Cause())
	}
	return text, nil
}

func (d *dynamic) mergeError(cause error) error {
	if merge, ok := errors.AsType[*MergeError](cause); ok {
		return merge
	}
	problem := "cannot be evaluated"
	if cause != nil {
		problem = cause.Error()
	}
	if f, ok := errors.AsType[expressions.FilterError](cause); ok {
		problem = fmt.Sprintf("fails in the filter %s: %v", f.FilterName, f.Err)
	}
	return &MergeError{Where: d.field, Problem: fmt.Sprintf("the block that begins in line %d: %s", d.line, problem)}
}
