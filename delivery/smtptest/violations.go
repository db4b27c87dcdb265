package smtptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Breach is a kind of offence of a client against the protocol.
type Breach string

// The breaches.
const (
	BareCR              Breach = "bare CR in the message"           // RFC 5321 §2.3.8
	BareLF              Breach = "bare LF in the message"           // RFC 5321 §2.3.8
	BadCommandLine      Breach = "command line not ended by CRLF"   // RFC 5321 §2.3.8
	LongLine            Breach = "line over 998 octets"             // RFC 5321 §4.5.3.1.6
	LongCommand         Breach = "command line over 512 octets"     // RFC 5321 §4.5.3.1.4
	LongPath            Breach = "address part too long"            // RFC 5321 §4.5.3.1
	EightBit            Breach = "8-bit data without BODY=8BITMIME" // RFC 6152
	UnfinishedMessage   Breach = "message does not end with CRLF"   // RFC 5321 §2.3.8
	NoMessageID         Breach = "no single Message-ID"             // RFC 5322 §3.6.4
	NotPipelining       Breach = "pipelining that is not allowed"   // RFC 2920 §3.1
	NotChunking         Breach = "BDAT without CHUNKING"            // RFC 3030
	MixedDataBdat       Breach = "DATA and BDAT in a transaction"   // RFC 3030 §2
	ParameterNotOffered Breach = "parameter that is not offered"    // RFC 5321 §2.2
	BadSequence         Breach = "command out of sequence"          // RFC 5321 §4.1.4
	BadSyntax           Breach = "syntax error"
	UnknownCommand      Breach = "unknown command"
	MailAfter421        Breach = "new transaction after 421"      // RFC 5321 §3.8
	PlaintextBeforeTLS  Breach = "plaintext before the handshake" // RFC 3207 §4
	WrongSize           Breach = "SIZE below the message's size"  // RFC 1870 §6
	NoQuit              Breach = "closed without QUIT"            // RFC 5321 §4.1.1.10
)

// Violation is how often a breach happened, with the first few.
type Violation struct {
	Breach   Breach
	Count    int
	Examples []string // "google connection 3: MAIL FROM: <a@b>"
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %d, like %q", v.Breach, v.Count, v.Examples)
}

type violations struct {
	mu     sync.Mutex
	counts map[Breach]*Violation
}

func (v *violations) add(b Breach, where string, what []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counts == nil {
		v.counts = make(map[Breach]*Violation)
	}
	one := v.counts[b]
	if one == nil {
		one = &Violation{Breach: b}
		v.counts[b] = one
	}
	one.Count++
	if len(one.Examples) < examples {
		one.Examples = append(one.Examples, fmt.Sprintf("%s: %.200q", where, what))
	}
}

// Violations returns what clients did against the protocol, by name; none is a
// well-behaved client. Closing a connection without QUIT is among them only when
// nothing was wrong before it.
func (l *Ledger) Violations() []Violation {
	l.violations.mu.Lock()
	defer l.violations.mu.Unlock()
	var all []Violation
	for _, v := range l.violations.counts {
		one := *v
		one.Examples = slices.Clone(v.Examples)
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Violation) int { return strings.Compare(string(a.Breach), string(b.Breach)) })
	return all
}
