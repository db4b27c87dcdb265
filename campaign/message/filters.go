package message

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter is a Liquid filter. A missing value (nil) passes through all of them but
// default and size, so that strict merging still sees that it is missing. A filter
// touches nothing but its arguments, and its result is bounded.
type filter func(in any, args []any) (any, error)

// filterRule is a filter and how many arguments it takes.
type filterRule struct {
	fn       filter
	min, max int
}

const (
	maxValue = 64 << 10 // bytes of one value
	maxItems = 1000     // of a list made by split
)

// The filters of a template: our own for outputs and tags alike, so that none of
// them reads, waits or grows without bound. escape is known and does nothing:
// where a value lands decides how it is escaped, always and once.
var filters = map[string]filterRule{
	"default":        {filterDefault, 1, 1},
	"escape":         {func(in any, _ []any) (any, error) { return in, nil }, 0, 0},
	"upcase":         {onText(strings.ToUpper), 0, 0},
	"downcase":       {onText(strings.ToLower), 0, 0},
	"capitalize":     {onText(capitalize), 0, 0},
	"strip":          {onText(strings.TrimSpace), 0, 0},
	"lstrip":         {onText(func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }), 0, 0},
	"rstrip":         {onText(func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }), 0, 0},
	"strip_newlines": {onText(strings.NewReplacer("\r", "", "\n", "").Replace), 0, 0},
	"url_encode":     {onText(url.QueryEscape), 0, 0},
	"append":         {withText(func(s, arg string) string { return s + arg }), 1, 1},
	"prepend":        {withText(func(s, arg string) string { return arg + s }), 1, 1},
	"remove":         {withText(func(s, arg string) string { return strings.ReplaceAll(s, arg, "") }), 1, 1},
	"replace":        {filterReplace, 2, 2},
	"truncate":       {filterTruncate, 0, 2},
	"truncatewords":  {filterTruncateWords, 0, 2},
	"size":           {filterSize, 0, 0},
	"split":          {filterSplit, 1, 1},
	"join":           {filterJoin, 0, 1},
	"first":          {filterEnd(func(l []any) any { return l[0] }), 0, 0},
	"last":           {filterEnd(func(l []any) any { return l[len(l)-1] }), 0, 0},
	"date":           {filterDate, 1, 1},
	"plus":           {onNumbers(func(a, b float64) float64 { return a + b }), 1, 1},
	"minus":          {onNumbers(func(a, b float64) float64 { return a - b }), 1, 1},
	"times":          {onNumbers(func(a, b float64) float64 { return a * b }), 1, 1},
	"divided_by":     {filterDivide, 1, 1},
	"modulo":         {onNumbers(math.Mod), 1, 1},
	"round":          {filterRound, 0, 1},
	"ceil":           {onNumber(math.Ceil), 0, 0},
	"floor":          {onNumber(math.Floor), 0, 0},
	"abs":            {onNumber(math.Abs), 0, 0},
}

// checkFilter says what is wrong with the use of a filter; args is -1 when the
// number of arguments is not known.
func checkFilter(name string, args int) error {
	rule, ok := filters[name]
	switch {
	case !ok:
		return fmt.Errorf("has the unknown filter %q; the filters are %s", name, strings.Join(slices.Sorted(maps.Keys(filters)), ", "))
	case args >= 0 && (args < rule.min || args > rule.max):
		return fmt.Errorf("gives the filter %s %d arguments; it takes %d to %d", name, args, rule.min, rule.max)
	}
	return nil
}

var errTooLong = errors.New("its result is longer than 64 KB")

func bounded(s string) (any, error) {
	if len(s) > maxValue {
		return nil, errTooLong
	}
	return s, nil
}

func onText(fn func(string) string) filter {
	return func(in any, _ []any) (any, error) {
		if in == nil {
			return nil, nil
		}
		return bounded(fn(toText(in)))
	}
}

func withText(fn func(s, arg string) string) filter {
	return func(in any, args []any) (any, error) {
		if in == nil {
			return nil, nil
		}
		return bounded(fn(toText(in), toText(args[0])))
	}
}

func onNumber(fn func(float64) float64) filter {
	return func(in any, _ []any) (any, error) {
		if in == nil {
			return nil, nil
		}
		n, err := toNumber(in)
		if err != nil {
			return nil, err
		}
		return fromNumber(fn(n)), nil
	}
}

func onNumbers(fn func(a, b float64) float64) filter {
	return func(in any, args []any) (any, error) {
		b, err := toNumber(args[0])
		if err != nil {
			return nil, err
		}
		return onNumber(func(a float64) float64 { return fn(a, b) })(in, nil)
	}
}

// filterDefault replaces nothing, false and the empty string, as Liquid does.
func filterDefault(in any, args []any) (any, error) {
	if in == nil || in == false || in == "" {
		return args[0], nil
	}
	return in, nil
}

func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

func filterReplace(in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	s, old, to := toText(in), toText(args[0]), toText(args[1])
	if old == "" {
		return s, nil
	}
	if n := strings.Count(s, old); len(s)+n*len(to) > maxValue {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, old, to), nil
}

func filterTruncate(in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	n, ellipsis, err := truncateArgs(args, 50)
	if err != nil {
		return nil, err
	}
	runes := []rune(toText(in))
	if len(runes) <= n {
		return string(runes), nil
	}
	keep := max(0, n-utf8.RuneCountInString(ellipsis))
	return bounded(string(runes[:keep]) + ellipsis)
}

func filterTruncateWords(in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	n, ellipsis, err := truncateArgs(args, 15)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(toText(in))
	if len(words) <= n {
		return toText(in), nil
	}
	return bounded(strings.Join(words[:n], " ") + ellipsis)
}

func truncateArgs(args []any, n int) (int, string, error) {
	ellipsis := "..."
	if len(args) > 0 {
		f, err := toNumber(args[0])
		if err != nil {
			return 0, "", err
		}
		n = int(min(max(f, 0), maxValue))
	}
	if len(args) > 1 {
		ellipsis = toText(args[1])
	}
	return n, ellipsis, nil
}

func filterSize(in any, _ []any) (any, error) {
	if list, ok := in.([]any); ok {
		return len(list), nil
	}
	return utf8.RuneCountInString(toText(in)), nil
}

func filterSplit(in any, args []any) (any, error) {
	if in == nil {
		return nil, nil
	}
	parts := strings.SplitN(toText(in), toText(args[0]), maxItems+1)
	if len(parts) > maxItems {
		return nil, fmt.Errorf("it makes more than %d items", maxItems)
	}
	list := make([]any, len(parts))
	for i, s := range parts {
		list[i] = s
	}
	return list, nil
}

func filterJoin(in any, args []any) (any, error) {
	list, ok := in.([]any)
	if !ok {
		return in, nil
	}
	separator := " "
	if len(args) > 0 {
		separator = toText(args[0])
	}
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(toText(item))
		if b.Len() > maxValue {
			return nil, errTooLong
		}
	}
	return b.String(), nil
}

func filterEnd(pick func([]any) any) filter {
	return func(in any, _ []any) (any, error) {
		if list, ok := in.([]any); ok && len(list) > 0 {
			return pick(list), nil
		}
		return nil, nil
	}
}

func filterDivide(in any, args []any) (any, error) {
	b, err := toNumber(args[0])
	if err != nil {
		return nil, err
	}
	if b == 0 {
		return nil, errors.New("the divisor is 0")
	}
	return onNumbers(func(a, b float64) float64 { return a / b })(in, args)
}

func filterRound(in any, args []any) (any, error) {
	scale := 1.0
	if len(args) > 0 {
		places, err := toNumber(args[0])
		if err != nil {
			return nil, err
		}
		scale = math.Pow10(int(min(max(places, 0), 10)))
	}
	return onNumber(func(n float64) float64 { return math.Round(n*scale) / scale })(in, nil)
}

func toNumber(v any) (float64, error) {
	switch v := v.(type) {
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%q is not a number", toText(v))
}

// fromNumber returns an int when that loses nothing, so that 1 + 1 is 2 and not 2.0.
func fromNumber(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return int(n)
	}
	return n
}

func toText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		var b strings.Builder
		for _, item := range v {
			b.WriteString(toText(item))
		}
		return b.String()
	}
	return fmt.Sprint(v)
}
