package message

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// writer is the state of writing one message. It is reused.
type writer struct {
	c    *Content
	r    *Recipient
	vals []value        // of c.names
	buf  []byte         // of one value
	line []byte         // of the subject
	vars map[string]any // for blocks; nil until one needs it
}

// append writes a template.
func (w *writer) append(dst []byte, t template) ([]byte, error) {
	for i := range t.ops {
		o := &t.ops[i]
		if o.unsubscribe && w.r.Unsubscribe == "" {
			continue
		}
		var err error
		switch {
		case o.tracked != nil:
			dst, err = w.tracked(dst, o.tracked, t.qp)
		case o.merge != nil:
			dst, err = w.merge(dst, o.merge, t.qp)
		case o.block != nil:
			dst, err = w.block(dst, o.block, t.qp)
		default:
			dst = append(dst, o.lit...)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (w *writer) merge(dst []byte, m *merge, qp bool) ([]byte, error) {
	text, useDefault, problem := w.text(m)
	if problem == "" && useDefault {
		return append(dst, m.def...), nil
	}
	if problem == "" {
		w.buf, problem = m.esc.append(w.buf[:0], text)
	}
	if problem != "" {
		return dst, &MergeError{Field: m.out.name(), Where: m.from.field, Problem: problem}
	}
	return appendValue(dst, w.buf, qp), nil
}

// text returns the value of a merge, or says that its default is to be used.
func (w *writer) text(m *merge) (text []byte, useDefault bool, problem string) {
	switch m.slot {
	case evaluated:
		s, err := m.out.eval(w.lookup)
		if err != nil {
			return nil, false, err.Error()
		}
		return []byte(s), false, ""
	case builtin:
		s := w.builtin(m.out.head.path[0])
		if s == "" && m.def == nil {
			return nil, false, errMissing.Error()
		}
		return []byte(s), s == "", ""
	}
	v := w.vals[m.slot]
	switch {
	case m.def != nil && v.empty():
		return nil, true, ""
	case v.kind == missing:
		return nil, false, errMissing.Error()
	case v.kind == composite:
		return nil, false, "holds a list or an object; only text, numbers and true or false can be merged"
	}
	return v.text(), false, ""
}

func (w *writer) tracked(dst []byte, t *tracked, qp bool) ([]byte, error) {
	text, err := t.append(w.buf[:0], w.r, w.lookup)
	if err != nil {
		return dst, err
	}
	w.buf = text
	return appendValue(dst, text, qp), nil
}

func (w *writer) block(dst []byte, d *dynamic, qp bool) ([]byte, error) {
	if w.vars == nil {
		vars, err := w.variables()
		if err != nil {
			return dst, err
		}
		w.vars = vars
	}
	text, err := d.render(w.vars)
	if err != nil {
		return dst, err
	}
	return appendValue(dst, text, qp), nil
}

func appendValue(dst, text []byte, qp bool) []byte {
	if !qp {
		return append(dst, text...)
	}
	dst, col := appendQP(dst, text, 0, false)
	return endQP(dst, col)
}

func isBuiltin(name string) bool {
	return name == "email" || name == unsubscribeField || name == postalField || name == nowField
}

// builtin returns a built-in field, "" when it has no value.
func (w *writer) builtin(name string) string {
	switch name {
	case "email":
		return w.r.Email
	case unsubscribeField:
		return w.r.Unsubscribe
	case postalField:
		return w.c.postal
	}
	return w.r.Date.Format(time.RFC3339)
}

// lookup is the lookup of outputs outside of blocks.
func (w *writer) lookup(name string) any {
	if isBuiltin(name) {
		if s := w.builtin(name); s != "" {
			return s
		}
		return nil
	}
	if i := slices.Index(w.c.names, name); i >= 0 {
		return w.vals[i].decoded()
	}
	return nil
}

// variables decodes all attributes, which a block may name.
func (w *writer) variables() (map[string]any, error) {
	vars := map[string]any{}
	if len(w.r.Attributes) > 0 {
		d := json.NewDecoder(bytes.NewReader(w.r.Attributes))
		d.UseNumber()
		if d.Decode(&vars) != nil {
			return nil, &MergeError{Problem: errAttributes.Error()}
		}
	}
	for name, v := range vars {
		vars[name] = scalar(v)
	}
	for _, name := range []string{"email", unsubscribeField, postalField, nowField} {
		vars[name] = w.lookup(name)
	}
	vars[recipientKey] = w.r
	return vars, nil
}

// scalar turns a decoded JSON value into one of those that value.decoded returns.
func scalar(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case string, bool:
		return v
	}
	return nil
}
