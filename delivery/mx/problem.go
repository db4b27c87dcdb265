package mx

import (
	"errors"
	"fmt"
	"net"
)

// Problem says why a domain can't be reached.
type Problem uint8

// The problems.
const (
	None      Problem = iota
	NoDomain          // it doesn't exist, or has neither MX nor address
	NullMX            // it says that it takes no mail (RFC 7505)
	Unusable          // it has MX records, and none leads to an address
	Loop              // CNAMEs in a circle, or the mail would come back to us
	Temporary         // DNS could not answer
	Down              // every address refused us lately; see Route.Retry
)

var problems = [...]struct{ text, enhanced string }{
	{"", ""},
	{"no such domain", "5.1.2"},
	{"the domain takes no mail (null MX)", "5.1.10"},
	{"no mail server of the domain has an address", "5.4.4"},
	{"the way to the domain is a circle", "5.4.6"},
	{"DNS could not answer", "4.4.3"},
	{"no mail server of the domain could be reached lately", "4.4.1"},
}

func (p Problem) String() string {
	if int(p) < len(problems) {
		return problems[p].text
	}
	return fmt.Sprintf("problem(%d)", uint8(p))
}

// Enhanced is the RFC 3463 code of the problem, "" for None.
func (p Problem) Enhanced() string {
	if int(p) < len(problems) {
		return problems[p].enhanced
	}
	return ""
}

// Permanent reports that trying again won't help.
func (p Problem) Permanent() bool {
	return p == NoDomain || p == NullMX || p == Unusable || p == Loop
}

// ErrLoop is returned by a Resolver for a chain of CNAMEs without an end.
var ErrLoop = errors.New("a loop of CNAME records")

// problemOf tells what an error of a Resolver means. NoDomain stands for "not
// found", whatever was looked up.
func problemOf(err error) Problem {
	switch notFound, ok := errors.AsType[*net.DNSError](err); {
	case err == nil:
		return None
	case errors.Is(err, ErrLoop):
		return Loop
	case ok && notFound.IsNotFound:
		return NoDomain
	default:
		return Temporary
	}
}
