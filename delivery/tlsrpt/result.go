package tlsrpt

import "net/netip"

// PolicyType is what kind of policy a session was held under.
type PolicyType string

// The types (RFC 8460 §4.4).
const (
	NoPolicy PolicyType = "no-policy-found"
	STS      PolicyType = "sts"
	TLSA     PolicyType = "tlsa"
)

// ResultType is how a session failed; empty: it did not.
type ResultType string

// The types (RFC 8460 §4.3).
const (
	Success              ResultType = ""
	StartTLSNotSupported ResultType = "starttls-not-supported"
	HostMismatch         ResultType = "certificate-host-mismatch"
	CertificateExpired   ResultType = "certificate-expired"
	NotTrusted           ResultType = "certificate-not-trusted"
	ValidationFailure    ResultType = "validation-failure"
	TLSAInvalid          ResultType = "tlsa-invalid"
	DNSSECInvalid        ResultType = "dnssec-invalid"
	PolicyFetchError     ResultType = "sts-policy-fetch-error"
	PolicyInvalid        ResultType = "sts-policy-invalid"
	WebPKIInvalid        ResultType = "sts-webpki-invalid"
)

// Policy is what a domain demanded.
type Policy struct {
	Type    PolicyType
	Domain  string
	Strings []string // its text: the lines of the policy file, or the TLSA records
	MX      []string // the patterns of an MTA-STS policy
}

// Session is how one attempt to hold a session fared.
type Session struct {
	Result     ResultType
	MX         string     // the host by the name its MX record has; empty when it came to none
	SendingIP  netip.Addr // ours; zero when not known
	ReceiverIP netip.Addr // the host's; zero when it came to none
	Reason     string     // in a few words, empty on success
}

// Count is how many sessions of a UTC day were alike. Sessions that succeeded are
// alike whatever their hosts and addresses, which are then left out.
type Count struct {
	Day      int // days since 1970-01-01
	Policy   Policy
	Session  Session
	Sessions int64
}
