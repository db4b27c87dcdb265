package smtptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Flaws is what WriteList put into a list.
type Flaws struct {
	Rows int `json:"rows"` // without the header
	// Addresses is how many different valid addresses there are: Rows without
	// Duplicates, Invalid and Empty.
	Addresses int `json:"addresses"`

	Duplicates   int `json:"duplicates"`    // an earlier row's address, most of them in another case
	Spaces       int `json:"spaces"`        // blanks around the address
	Invalid      int `json:"invalid"`       // no address, or not quite
	Empty        int `json:"empty"`         // no text in the address column
	Roles        int `json:"roles"`         // info@, sales@, …
	Typos        int `json:"typos"`         // gmial.com
	Unsubscribed int `json:"unsubscribed"`  // "unsubscribed" in the Status column
	IDN          int `json:"idn"`           // U-labels
	QuotedNames  int `json:"quoted_names"`  // commas, quotes or newlines in the name
	ForeignNames int `json:"foreign_names"` // not in ASCII
}

// listHeader names the columns; City, Plan and Signup are not ones that an importer
// knows.
const listHeader = "E-Mail,Name,City,Plan,Signup,Status\r\n"

// WriteList writes a CSV file of n rows in UTF-8 with the flaws of real lists. The
// addresses are spread over the providers by their Shares. The same arguments give
// the same bytes, and a longer list begins like a shorter one. Memory does not grow
// with n.
func WriteList(w io.Writer, n int, providers []Provider, seed uint64) (Flaws, error) {
	mix, err := newMix(providers)
	if err != nil {
		return Flaws{}, err
	}
	var f Flaws
	out := bufio.NewWriterSize(w, 256<<10)
	if _, err := out.WriteString(listHeader); err != nil {
		return f, fmt.Errorf("smtptest: write the list: %w", err)
	}
	var line []byte
	for i := range n {
		line = mix.row(line[:0], seed, i, &f)
		if _, err := out.Write(line); err != nil {
			return f, fmt.Errorf("smtptest: write row %d of the list: %w", i+1, err)
		}
	}
	f.Rows = n
	f.Addresses = n - f.Duplicates - f.Invalid - f.Empty
	if err := out.Flush(); err != nil {
		return f, fmt.Errorf("smtptest: write the list: %w", err)
	}
	return f, nil
}

// mix draws domains by their shares.
type mix struct {
	domains []weighted
	total   float64
	offices string // parent of the domains that role addresses are at; "": there are none
}

type weighted struct {
	name  string  // in U-labels, as people write it
	upTo  float64 // this and all shares before it
	names int     // of a wildcard; 0: the name is the domain
}

func newMix(providers []Provider) (*mix, error) {
	m := &mix{}
	for _, p := range providers {
		whole := 0.0
		for _, part := range p.Shares {
			whole += part
		}
		if p.Shares != nil && (len(p.Shares) != len(p.Domains) || whole <= 0) {
			return nil, fmt.Errorf("smtptest: provider %s has %d shares for %d domains", p.Name, len(p.Shares), len(p.Domains))
		}
		for i, domain := range p.Domains {
			part := p.Share / float64(len(p.Domains))
			if p.Shares != nil {
				part = p.Share * p.Shares[i] / whole
			}
			name, wild := strings.CutPrefix(domain, "*.")
			if part <= 0 || domain == "*" {
				continue
			}
			m.total += part
			unicode, err := idna.ToUnicode(name)
			if err != nil {
				return nil, fmt.Errorf("smtptest: provider %s: domain %q: %w", p.Name, domain, err)
			}
			d := weighted{name: unicode, upTo: m.total}
			if wild {
				d.names = p.Names
				setDefault(&d.names, 40)
				setDefault(&m.offices, name)
			}
			m.domains = append(m.domains, d)
		}
	}
	if m.total <= 0 {
		return nil, errors.New("smtptest: no provider has a share of the list")
	}
	return m, nil
}

// kind is what is wrong with a row.
type kind int

const (
	plain kind = iota
	duplicate
	spaced
	invalid
	empty
	role
	typo
	unsubscribed
)

// kinds are the parts of a million rows; the rest is plain.
var kinds = [...]struct {
	kind kind
	part int
}{{duplicate, 20_000}, {spaced, 8_000}, {invalid, 6_000}, {empty, 2_000}, {role, 6_000}, {typo, 5_000}, {unsubscribed, 500}}

// draw starts a row's dice and throws them for its kind. Every row has dice of its
// own, so that a duplicate can repeat the row it copies.
func draw(seed uint64, row int) (*rand.Rand, kind) {
	rng := rand.New(rand.NewPCG(seed, uint64(row)))
	at := rng.IntN(1_000_000)
	for _, k := range kinds {
		if at -= k.part; at < 0 {
			return rng, k.kind
		}
	}
	return rng, plain
}

// row appends row i, from 0, and counts its flaws.
func (m *mix) row(out []byte, seed uint64, i int, f *Flaws) []byte {
	rng, k := draw(seed, i)
	given, family := givenNames[rng.IntN(len(givenNames))], familyNames[rng.IntN(len(familyNames))]
	if k == role && m.offices == "" {
		k = plain
	}
	switch k {
	case duplicate:
		out = m.duplicate(out, seed, i, rng, f)
	case spaced:
		f.Spaces++
		out = append(out, "  "...)
		out = m.address(out, rng, i, f)
		out = append(out, " \t"...)
	case invalid:
		f.Invalid++
		out = append(out, broken[rng.IntN(len(broken))]...)
		out = strconv.AppendInt(out, int64(i), 10)
	case empty:
		f.Empty++
	case role:
		f.Roles++
		out = append(out, roles[rng.IntN(len(roles))]...)
		out = append(out, "@r"...)
		out = strconv.AppendInt(out, int64(i), 36)
		out = append(out, '.')
		out = append(out, m.offices...)
	case typo:
		f.Typos++
		out = appendLocal(out, rng, i)
		out = append(out, '@')
		out = append(out, typos[rng.IntN(len(typos))]...)
	default:
		out = m.address(out, rng, i, f)
	}
	out = append(out, ',')
	out = appendName(out, rng, given, family, f)
	out = append(out, ',')
	out = append(out, cities[rng.IntN(len(cities))]...)
	out = append(out, ',')
	out = append(out, plans[rng.IntN(len(plans))]...)
	out = fmt.Appendf(out, ",20%02d-%02d-%02d,", 15+rng.IntN(11), 1+rng.IntN(12), 1+rng.IntN(28))
	if k == unsubscribed {
		f.Unsubscribed++
		out = append(out, "unsubscribed"...)
	}
	return append(out, '\r', '\n')
}

// address appends a valid address that no other row has.
func (m *mix) address(out []byte, rng *rand.Rand, i int, f *Flaws) []byte {
	out = appendLocal(out, rng, i)
	out = append(out, '@')
	at := rng.Float64() * m.total
	d := m.domains[len(m.domains)-1]
	for _, candidate := range m.domains {
		if at < candidate.upTo {
			d = candidate
			break
		}
	}
	if d.names > 0 {
		out = append(out, 'd')
		out = strconv.AppendInt(out, int64(rng.IntN(d.names)), 10)
		out = append(out, '.')
	}
	if utf8.RuneCountInString(d.name) != len(d.name) {
		f.IDN++
	}
	return append(out, d.name...)
}

// appendLocal appends a local part with the row's number in it.
func appendLocal(out []byte, rng *rand.Rand, i int) []byte {
	out = append(out, locals[rng.IntN(len(locals))]...)
	out = append(out, separators[rng.IntN(len(separators))]...)
	return strconv.AppendInt(out, int64(i), 36)
}

// duplicate repeats the address of an earlier row, or is an ordinary row when the
// one it chose is not plain.
func (m *mix) duplicate(out []byte, seed uint64, i int, rng *rand.Rand, f *Flaws) []byte {
	if i > 0 {
		earlier := rng.IntN(i)
		again, k := draw(seed, earlier)
		if k == plain {
			again.IntN(len(givenNames))
			again.IntN(len(familyNames))
			f.Duplicates++
			start := len(out)
			var ignored Flaws
			out = m.address(out, again, earlier, &ignored)
			if rng.IntN(4) > 0 {
				change(out[start:])
			}
			return out
		}
	}
	return m.address(out, rng, i, f)
}

// change makes the first letter and those after the @ capitals, if they are ASCII.
func change(address []byte) {
	domain := false
	for i, c := range address {
		if i == 0 || domain {
			address[i] = upper(c)
		}
		domain = domain || c == '@'
	}
}

// appendName appends the name cell: empty now and then, quoted when it must be.
func appendName(out []byte, rng *rand.Rand, given, family string, f *Flaws) []byte {
	form := rng.IntN(100)
	if form < 4 {
		return out
	}
	if !isASCII([]byte(given)) || !isASCII([]byte(family)) {
		f.ForeignNames++
	}
	switch {
	case form < 6:
		f.QuotedNames++
		return fmt.Appendf(out, "\"%s, %s\"", family, given)
	case form < 7:
		f.QuotedNames++
		return fmt.Appendf(out, "\"%s \"\"%s\"\" %s\"", given, "Bob", family)
	case form < 8:
		f.QuotedNames++
		return fmt.Appendf(out, "\"%s\n%s\"", given, family)
	}
	out = append(out, given...)
	out = append(out, ' ')
	return append(out, family...)
}
