package shaping

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// file is the form of the built-in text and of an operator's. What is not written is
// as it is underneath.
type file struct {
	Default  defaults            `toml:"default"`
	Provider map[string]*section `toml:"provider"`
	Site     map[string]*limits  `toml:"site"`

	lines lines
}

type defaults struct {
	limits
	Reaction []*written `toml:"reaction"`
}

// section is a provider.
type section struct {
	limits
	MX       []hostSuffix `toml:"mx"`
	Domains  []hostSuffix `toml:"domains"`
	Reaction []*written   `toml:"reaction"`
}

// limits are Rules of which some may be left out.
type limits struct {
	Connections *int     `toml:"connections"`
	Messages    *int     `toml:"messages"`
	Rate        *rate    `toml:"rate"`
	Idle        *span    `toml:"idle"`
	MaxAge      *span    `toml:"max_age"`
	TLS         *tlsText `toml:"tls"`
}

// written is a reaction as a file has it.
type written struct {
	Name        string         `toml:"name"`
	Codes       []codes        `toml:"codes"`
	Enhanced    []enhancedCode `toml:"enhanced"`
	Pattern     *pattern       `toml:"pattern"`
	Hits        *int           `toml:"hits"`
	Within      *span          `toml:"within"`
	Scope       scopeText      `toml:"scope"`
	Stop        bool           `toml:"stop"`
	Rate        *rate          `toml:"rate"`
	Connections *int           `toml:"connections"`
	For         *span          `toml:"for"`
	Probe       bool           `toml:"probe"`
	Samples     []string       `toml:"samples"`
	Off         bool           `toml:"off"`
}

// problem is what is wrong with a file, and where: line is 0 where no line is to
// blame.
type problem struct {
	line int
	err  error
}

func (p *problem) Error() string {
	if p.line == 0 {
		return p.err.Error()
	}
	return fmt.Sprintf("line %d: %v", p.line, p.err)
}

func (p *problem) Unwrap() error { return p.err }

// readFile reads the form, not yet what it means.
func readFile(text []byte) (*file, error) {
	f := &file{}
	var err error
	if f.lines, err = linesOf(text); err != nil {
		return nil, err
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(f); err != nil {
		return nil, decodeProblem(err)
	}
	return f, nil
}

func decodeProblem(err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		line, _ := first.Position()
		return &problem{line, fmt.Errorf("unknown key %q; docs/shaping.md lists them", strings.Join(first.Key(), "."))}
	}
	if decode, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := decode.Position()
		message := strings.TrimPrefix(decode.Error(), "toml: ")
		if found, _, mismatch := strings.Cut(message, " into struct field"); mismatch {
			found = strings.TrimPrefix(found, "cannot decode TOML ")
			message = fmt.Sprintf("the key has a value of another kind than %s; docs/shaping.md shows it", found)
		}
		return &problem{line, errors.New(message)}
	}
	return &problem{0, err}
}

// problem blames the line of a key, or the line of the nearest above it.
func (f *file) problem(key []string, format string, args ...any) error {
	return &problem{f.lines.of(key), fmt.Errorf("%s: %w", strings.Join(slices.DeleteFunc(slices.Clone(key), isIndex), "."), fmt.Errorf(format, args...))}
}
