package shaping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines say on which line a key stands. A table of an array has its number among the
// tables of the same name as one more part of its key: provider, google, reaction, #2.
type lines map[string]int

// quoted are the keys whose values carry a unit or are words. A bare number there is
// a mistake that the decoder would report without its line.
var quoted = map[string]bool{
	"rate": true, "idle": true, "max_age": true, "tls": true, "within": true, "for": true, "scope": true, "pattern": true,
}

// linesOf finds the keys of a text. Where the text is not TOML it stops; the decoder
// says why.
func linesOf(text []byte) (lines, error) {
	found, counts := lines{}, map[string]int{}
	var p unstable.Parser
	p.Reset(text)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		var key []string
		line := 0
		for it := e.Key(); it.Next(); {
			node := it.Node()
			key = append(key, string(node.Data))
			if line == 0 {
				line = p.Shape(node.Raw).Start.Line
			}
		}
		switch e.Kind {
		case unstable.Table:
			table = key
			found.add(table, line)
		case unstable.ArrayTable:
			name := path(key)
			table = append(key, "#"+strconv.Itoa(counts[name]))
			counts[name]++
			found.add(table, line)
		case unstable.KeyValue:
			if last := key[len(key)-1]; quoted[last] && e.Value().Kind != unstable.String {
				return nil, &problem{line, fmt.Errorf("%s is written in quotes, with its unit", last)}
			}
			found.add(slices.Concat(table, key), line)
		}
	}
	return found, nil
}

// add notes a key, and the tables above it where this is the first of them.
func (l lines) add(key []string, line int) {
	l[path(key)] = line
	for n := len(key) - 1; n > 0; n-- {
		if _, ok := l[path(key[:n])]; !ok {
			l[path(key[:n])] = line
		}
	}
}

// of returns the line of a key, else of the nearest table above it that has one; 0
// when there is none.
func (l lines) of(key []string) int {
	for ; len(key) > 0; key = key[:len(key)-1] {
		if line, ok := l[path(key)]; ok {
			return line
		}
	}
	return 0
}

func path(key []string) string { return strings.Join(key, "\x00") }

func isIndex(part string) bool { return strings.HasPrefix(part, "#") }
