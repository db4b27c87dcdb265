package tlsrpt

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Report is the aggregate report for one domain and one UTC day (RFC 8460 §4.4). It
// marshals into what the domain is sent.
type Report struct {
	Organization string         `json:"organization-name"`
	DateRange    DateRange      `json:"date-range"`
	Contact      string         `json:"contact-info"`
	ID           string         `json:"report-id"`
	Policies     []PolicyReport `json:"policies"`
}

// DateRange is the time that a report covers, both ends included.
type DateRange struct {
	Start time.Time `json:"start-datetime"`
	End   time.Time `json:"end-datetime"`
}

// PolicyReport is how sessions fared under one policy.
type PolicyReport struct {
	Policy   PolicyText `json:"policy"`
	Summary  Summary    `json:"summary"`
	Failures []Failure  `json:"failure-details,omitempty"`
}

// PolicyText is a policy as it was applied.
type PolicyText struct {
	Type   PolicyType `json:"policy-type"`
	String []string   `json:"policy-string,omitempty"`
	Domain string     `json:"policy-domain"`
	MX     []string   `json:"mx-host,omitempty"`
}

// Summary counts sessions.
type Summary struct {
	Successes int64 `json:"total-successful-session-count"`
	Failures  int64 `json:"total-failure-session-count"`
}

// Failure counts sessions that failed alike.
type Failure struct {
	Result     ResultType `json:"result-type"`
	SendingIP  netip.Addr `json:"sending-mta-ip,omitzero"`
	MX         string     `json:"receiving-mx-hostname,omitempty"`
	ReceiverIP netip.Addr `json:"receiving-ip,omitzero"`
	Sessions   int64      `json:"failed-session-count"`
	Reason     string     `json:"failure-reason-code,omitempty"`
}

// Reporter is who reports.
type Reporter struct {
	Organization string
	Contact      string // mail address
	Host         string // of ours: it makes report ids unique
}

// Reports makes the reports of a day, by domain, of all counts of that day.
func (r Reporter) Reports(day int, counts []Count) []Report {
	byDomain := map[string][]Count{}
	for _, c := range counts {
		byDomain[c.Policy.Domain] = append(byDomain[c.Policy.Domain], c)
	}
	start := time.Unix(int64(day)*24*60*60, 0).UTC()
	reports := make([]Report, 0, len(byDomain))
	for domain, counts := range byDomain {
		reports = append(reports, Report{
			Organization: r.Organization,
			DateRange:    DateRange{start, start.Add(24*time.Hour - time.Second)},
			Contact:      r.Contact,
			ID:           fmt.Sprintf("%s.%s@%s", start.Format("2006-01-02"), domain, r.Host),
			Policies:     byPolicy(counts),
		})
	}
	slices.SortFunc(reports, func(a, b Report) int {
		return strings.Compare(a.Policies[0].Policy.Domain, b.Policies[0].Policy.Domain)
	})
	return reports
}

// byPolicy adds up the counts of one domain, in an order that depends on them alone.
func byPolicy(counts []Count) []PolicyReport {
	var policies []PolicyReport
	for _, c := range counts {
		text := PolicyText{Type: c.Policy.Type, String: c.Policy.Strings, Domain: c.Policy.Domain, MX: c.Policy.MX}
		i := slices.IndexFunc(policies, func(p PolicyReport) bool {
			return p.Policy.Type == text.Type && slices.Equal(p.Policy.String, text.String)
		})
		if i < 0 {
			i = len(policies)
			policies = append(policies, PolicyReport{Policy: text})
		}
		policies[i].add(c)
	}
	for _, p := range policies {
		slices.SortFunc(p.Failures, func(a, b Failure) int {
			return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), cmp.Compare(a.Result, b.Result), strings.Compare(a.MX, b.MX),
				a.ReceiverIP.Compare(b.ReceiverIP), a.SendingIP.Compare(b.SendingIP), strings.Compare(a.Reason, b.Reason))
		})
	}
	slices.SortFunc(policies, func(a, b PolicyReport) int {
		return cmp.Or(cmp.Compare(a.Policy.Type, b.Policy.Type), slices.Compare(a.Policy.String, b.Policy.String))
	})
	return policies
}

func (p *PolicyReport) add(c Count) {
	s := c.Session
	if s.Result == Success {
		p.Summary.Successes += c.Sessions
		return
	}
	p.Summary.Failures += c.Sessions
	p.Failures = append(p.Failures, Failure{
		Result: s.Result, SendingIP: s.SendingIP, MX: s.MX, ReceiverIP: s.ReceiverIP, Sessions: c.Sessions, Reason: s.Reason,
	})
}
