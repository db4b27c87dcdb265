package shaping

import (
	_ "embed"
	"fmt"
	"os"
	"sync"
)

//go:embed builtin.toml
var builtinText []byte

// Builtin returns the table that is part of the program.
func Builtin() *Table { return builtin() }

var builtin = sync.OnceValue(func() *Table {
	f, err := readFile(builtinText)
	if err != nil {
		panic("shaping: builtin.toml: " + err.Error()) // a test has read it
	}
	t, err := f.on(&Table{providers: map[string]provider{}, sites: map[string]limits{}, suffixes: map[string]string{}, domains: map[string]string{}})
	if err != nil {
		panic("shaping: builtin.toml: " + err.Error())
	}
	return t
})

// Parse returns the built-in table with an operator's text on top of it. The error
// is one line, and names the line of the text that is wrong.
func Parse(text []byte) (*Table, error) {
	f, err := readFile(text)
	if err != nil {
		return nil, err
	}
	return f.on(Builtin())
}

// Load is Parse of a file; with the name "" there is none.
func Load(name string) (*Table, error) {
	if name == "" {
		return Builtin(), nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("shaping: %w", err)
	}
	t, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("shaping: %s: %w", name, err)
	}
	return t, nil
}
