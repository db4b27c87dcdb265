package message

import "slices"

// op is one step of writing a message: static bytes, a merged field, or a block.
type op struct {
	lit   []byte
	merge *merge
	block *dynamic
	// tracked is what differs when the reader is counted.
	tracked *tracked
	// unsubscribe steps are left out for recipients without an unsubscribe URL.
	unsubscribe bool
}

// merge is an output compiled for its place.
type merge struct {
	out  *output
	from *construct
	esc  escaping
	// slot is the index of the field among the content's names when the output is
	// simple: a field with at most a literal default. It is builtin for a built-in
	// field, and evaluated when the output has to be evaluated.
	slot int
	// def is the default, escaped and encoded; nil when there is none.
	def []byte
}

const (
	builtin   = -1
	evaluated = -2
)

// template is a compiled part. A part of a body is quoted-printable, and each of
// its steps begins and ends at column 0.
type template struct {
	ops []op
	qp  bool
}

// compiler collects what the parts of a content share.
type compiler struct {
	opt     Options
	counted linkMaker
	names   []string // the attributes that simple outputs read, by slot
	fields  []Field
	errs    []error
}

func (b *compiler) slot(name string) int {
	if isBuiltin(name) {
		return builtin
	}
	if i := slices.Index(b.names, name); i >= 0 {
		return i
	}
	b.names = append(b.names, name)
	return len(b.names) - 1
}

// template compiles pieces whose problems were reported.
func (b *compiler) template(pieces []piece, qp bool) template {
	b.note(pieces)
	t := template{qp: qp}
	for i := 0; i < len(pieces); {
		end := i + 1
		if c := pieces[i].c; c != nil && c.out == nil {
			end = dynamicEnd(pieces, i)
		}
		t.ops = b.step(t.ops, pieces[i:end], qp)
		i = end
	}
	t.ops = joinLiterals(t.ops)
	if qp {
		encodeLiterals(t.ops)
	}
	return t
}

// step compiles one text, output or block.
func (b *compiler) step(ops []op, pieces []piece, qp bool) []op {
	p := pieces[0]
	switch {
	case p.tracked != nil:
		for _, in := range p.tracked.plain {
			if in.c != nil {
				b.slots(in.c.out)
			}
		}
		return append(ops, op{tracked: p.tracked})
	case p.c == nil:
		return append(ops, op{lit: []byte(p.text)})
	case p.c.out != nil:
		return append(ops, op{merge: b.merge(p, qp)})
	case isUnsubscribeBlock(pieces):
		for _, inner := range pieces[1 : len(pieces)-1] {
			ops = b.step(ops, []piece{inner}, qp)
			ops[len(ops)-1].unsubscribe = true
		}
		return ops
	}
	d, err := newDynamic(pieces)
	if err != nil {
		b.errs = append(b.errs, err)
		return ops
	}
	return append(ops, op{block: d})
}

func (b *compiler) merge(p piece, qp bool) *merge {
	m := &merge{out: p.c.out, from: p.c, esc: p.esc, slot: evaluated}
	def, simple := p.c.out.simple()
	if !simple {
		b.slots(p.c.out)
		return m
	}
	m.slot = b.slot(p.c.out.head.path[0])
	if !p.c.out.hasDefault() {
		return m
	}
	safe, problem := p.esc.append(nil, []byte(def))
	if problem != "" {
		b.errs = append(b.errs, problemf(p.c.field, p.c.line, "the default of {{ %s }} %s", p.c.out.name(), problem))
	}
	m.def = append([]byte{}, safe...)
	if qp {
		encoded, col := appendQP([]byte{}, safe, 0, false)
		m.def = endQP(encoded, col)
	}
	return m
}

// slots makes the names that an output reads known to evaluations.
func (b *compiler) slots(out *output) {
	for _, name := range out.names() {
		b.slot(name)
	}
}

// dynamicEnd returns the end of what begins with the tag pieces[i]: its block, or
// all the rest when it sets a variable that the rest may read.
func dynamicEnd(pieces []piece, i int) int {
	end := i + 1
	if isBlock(pieces[i].c.tag) {
		end = blockEnd(pieces, i)
	}
	for _, p := range pieces[i:end] {
		if p.c != nil && setsVariable(p.c.tag) {
			return len(pieces)
		}
	}
	return end
}

// isUnsubscribeBlock recognises {% if unsubscribe_url %} around text and outputs,
// which every footer has; it needs no Liquid at run time.
func isUnsubscribeBlock(pieces []piece) bool {
	if c := pieces[0].c; c.tag != "if" || c.args != unsubscribeField {
		return false
	}
	for _, p := range pieces[1 : len(pieces)-1] {
		if p.c != nil && p.c.out == nil {
			return false
		}
	}
	return true
}

func joinLiterals(ops []op) []op {
	var out []op
	for _, o := range ops {
		if n := len(out); n > 0 && o.lit != nil && out[n-1].lit != nil && out[n-1].unsubscribe == o.unsubscribe {
			out[n-1].lit = append(out[n-1].lit, o.lit...)
			continue
		}
		out = append(out, o)
	}
	return out
}

func encodeLiterals(ops []op) {
	for i, o := range ops {
		if o.lit == nil {
			continue
		}
		last := i == len(ops)-1
		encoded, col := appendQP(nil, o.lit, 0, last)
		if !last {
			encoded = endQP(encoded, col)
		}
		ops[i].lit = encoded
	}
}

// note records the fields that pieces read.
func (b *compiler) note(pieces []piece) {
	pieces = withPlain(pieces)
	locals := map[string]bool{"forloop": true}
	for _, p := range pieces {
		if p.c != nil && p.c.out == nil {
			if _, sets := fieldsOf(p.c); sets != "" {
				locals[sets] = true
			}
		}
	}
	for _, p := range pieces {
		c := p.c
		if c == nil {
			continue
		}
		if c.out != nil && len(c.out.head.path) > 1 && !locals[c.out.head.path[0]] {
			b.errs = append(b.errs, problemf(c.field, c.line, "{{ %s }} has a dot, but fields have none; write {{ %s }}", c.out.name(), c.out.head.path[len(c.out.head.path)-1]))
		}
		for i, name := range namesOf(c) {
			if locals[name] || isBuiltin(name) {
				continue
			}
			strict := c.out != nil && i == 0 && c.out.head.path != nil && !c.out.hasDefault()
			b.field(Field{name, c.field, !strict})
		}
	}
}

func (b *compiler) field(f Field) {
	i := slices.IndexFunc(b.fields, func(g Field) bool { return g.Name == f.Name && g.Where == f.Where })
	if i < 0 {
		b.fields = append(b.fields, f)
		return
	}
	b.fields[i].HasDefault = b.fields[i].HasDefault && f.HasDefault
}

// namesOf returns the names a construct reads.
func namesOf(c *construct) []string {
	if c.out != nil {
		return c.out.names()
	}
	reads, _ := fieldsOf(c)
	return reads
}
