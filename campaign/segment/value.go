package segment

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

type kind uint8

const (
	missing kind = iota
	isText
	isNumber
	isTruth
)

// value is an attribute or a result; the zero value is missing.
type value struct {
	kind kind
	b    bool
	n    float64
	s    string
}

func text(s string) value { return value{kind: isText, s: s} }
func truth(b bool) value  { return value{kind: isTruth, b: b} }

// num is missing for what is not a number, such as 0/0.
func num(n float64) value {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return value{}
	}
	return value{kind: isNumber, n: n}
}

// truth reports whether a value counts as true in a condition.
func (v value) truth() bool {
	switch v.kind {
	case isText:
		return v.s != "" && v.s != "0" && !strings.EqualFold(v.s, "false") && !strings.EqualFold(v.s, "no")
	case isNumber:
		return v.n != 0
	}
	return v.b
}

// number returns the value as a number, if it is one.
func (v value) number() (float64, bool) {
	switch v.kind {
	case isNumber:
		return v.n, true
	case isText:
		return parseNumber(v.s)
	}
	return 0, false
}

// parseNumber reads decimal numbers only: no "0x10", "1_000", "inf" or "nan".
func parseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 40 || strings.Trim(s, "0123456789.+-eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// text returns the value as text; missing is "".
func (v value) text() string {
	switch v.kind {
	case isText:
		return v.s
	case isNumber:
		return strconv.FormatFloat(v.n, 'f', -1, 64)
	case isTruth:
		return strconv.FormatBool(v.b)
	}
	return ""
}

func equal(a, b value) bool {
	switch {
	case a.kind == missing || b.kind == missing:
		return a.kind == b.kind
	case a.kind == isTruth || b.kind == isTruth:
		return a.truth() == b.truth()
	case a.kind == isText && b.kind == isText:
		return a.s == b.s
	}
	x, ok1 := a.number()
	y, ok2 := b.number()
	return ok1 && ok2 && x == y
}

// compare orders two values; ok is false for those that have no order.
func compare(a, b value) (order int, ok bool) {
	if a.kind == missing || b.kind == missing || a.kind == isTruth || b.kind == isTruth {
		return 0, false
	}
	x, ok1 := a.number()
	y, ok2 := b.number()
	if ok1 && ok2 {
		return cmp.Compare(x, y), true
	}
	if a.kind == isText && b.kind == isText {
		return strings.Compare(a.s, b.s), true
	}
	return 0, false
}
