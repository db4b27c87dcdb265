package tlspolicy

import "fmt"

// Problem is why a domain's mail can't be sent now, whatever session there is. All are
// temporary.
type Problem uint8

// The problems.
const (
	None     Problem = iota
	Unproven         // DNS must vouch for the domain's hosts, and could not (RFC 7672 §2.1)
	NoHost           // no host that the route has may receive the domain's mail
)

var problems = [...]struct{ text, enhanced string }{
	{"", ""},
	{"the answers of DNS about the domain's mail servers cannot be trusted (DANE)", "4.7.5"},
	{"no mail server of the domain fits its policy (MTA-STS or DANE)", "4.7.5"},
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
