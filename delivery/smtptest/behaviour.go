package smtptest

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Behaviour is how a provider's hosts answer. The zero value accepts everything at
// once and offers PIPELINING, CHUNKING, 8BITMIME, SMTPUTF8, SIZE, DSN and
// ENHANCEDSTATUSCODES, without STARTTLS.
//
// Fields named …Reply are whole replies, "421 4.7.28 Too fast", with a newline
// between the lines of a longer one; {rcpt} and {ip} become the recipient and the
// client's address. After a 421 the server closes the connection.
type Behaviour struct {
	// Latency is the simulated round-trip time. Replies reach the client this long
	// after the commands they answer arrived, so that commands sent together wait
	// together. The greeting and a TLS handshake wait once as well.
	Latency time.Duration

	// Rate is how many transactions (MAIL) a second the provider takes over all of
	// its connections, with bursts of Burst (at least 1); 0: no limit.
	Rate      float64
	Burst     int
	RateReply string // default 421 4.7.28
	// MaxConnections caps the connections open at once; 0: no limit.
	MaxConnections  int
	ConnectionReply string // default 421 4.7.0
	// MessagesPerConnection caps the messages taken over one connection; the next
	// MAIL gets MessagesReply. 0: no limit.
	MessagesPerConnection int
	MessagesReply         string // default 421 4.7.0
	// SilentClose closes the connection without a word at both connection caps: over
	// MaxConnections instead of a greeting, and right after the last of
	// MessagesPerConnection.
	SilentClose bool

	NoPipelining, NoChunking, No8BITMIME, NoSMTPUTF8, NoSize, NoDSN bool
	// Extensions are further lines of the EHLO reply: "LIMITS MAILMAX=3".
	Extensions []string
	// MaxSize is the largest message in bytes, advertised with SIZE; default 35 MiB.
	MaxSize int64
	// MaxRecipients is how many a transaction may have, then 452 4.5.3; default 100.
	MaxRecipients int

	StartTLS    bool
	RequireTLS  bool        // MAIL in clear text gets 530 5.7.0
	ImplicitTLS bool        // the handshake comes before the greeting (port 465)
	TLS         *tls.Config // nil: TLS ≥ 1.2 with the simulator's certificate, see Internet.CertPool

	// Greylist refuses a first contact of (sender, recipient, client) with
	// GreylistReply until it is this long ago.
	Greylist      time.Duration
	GreylistReply string // default 451 4.7.1

	// UnknownUser and MailboxFull are the parts (0 to 1) of all addresses that do not
	// exist and that are over quota. A hash of the address decides, so that it is the
	// same people in every run. A full mailbox has room again MailboxFullFor after
	// its first refusal; 0: never.
	UnknownUser    float64
	UnknownReply   string // default 550 5.1.1
	MailboxFull    float64
	FullReply      string // default 452 4.2.2
	MailboxFullFor time.Duration

	// Replies are scripted exceptions; the first that applies is used.
	Replies []Reply

	// DropAfterDot is the part of messages that are accepted, counted as such, and
	// then cost the client its connection instead of being answered.
	DropAfterDot float64
	// Close421 is the part of commands that are answered with 421 4.3.2.
	Close421 float64
	// Tarpit is waited before every command is looked at.
	Tarpit time.Duration
	// Idle closes a connection with 421 4.4.2 when nothing comes for so long;
	// default 5 minutes.
	Idle time.Duration

	// Down refuses connections and cuts those that exist; DownHosts does so for some
	// of the provider's MX hosts.
	Down      bool
	DownHosts []string
}

// Stage is a point of the dialogue at which a Reply can be scripted.
type Stage string

// The stages.
const (
	AtConnect  Stage = "connect" // instead of the greeting
	AtEHLO     Stage = "ehlo"
	AtHELO     Stage = "helo"
	AtStartTLS Stage = "starttls"
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"  // instead of 354
	AtChunk    Stage = "chunk" // after a BDAT that is not the last
	AtBody     Stage = "body"  // after the final dot, or after BDAT LAST
	AtRset     Stage = "rset"
	AtNoop     Stage = "noop"
	AtQuit     Stage = "quit"
)

var stages = []Stage{AtConnect, AtEHLO, AtHELO, AtStartTLS, AtMail, AtRcpt, AtData, AtChunk, AtBody, AtRset, AtNoop, AtQuit}

// Reply is a scripted exception to a server's normal answers.
type Reply struct {
	Stage       Stage
	Probability float64 // of being used when it applies; 0: always
	Recipient   string  // AtRcpt: only for this address; "": for all
	Times       int     // used so often, then never again; 0: no limit
	// Code and Text make the reply. With Code 0 and no Raw the stage goes on normally
	// after Delay, unless Close is set: then the connection is closed without a word.
	Code  int
	Text  string
	Raw   string        // sent as it is instead of Code and Text: for hostile servers
	Delay time.Duration // waited first
	Close bool          // closes the connection afterwards
	// Endless says Raw again and again until the client is gone; with Drip a byte at a
	// time, with this pause after each.
	Endless bool
	Drip    time.Duration
}

// rules is a Behaviour with its defaults filled in, ready to be asked per command.
type rules struct {
	Behaviour
	script []scripted
	used   []atomic.Int64 // per script entry
}

// scripted is a Reply put into words.
type scripted struct {
	Reply
	words string // "" when there are none
}

func compile(b Behaviour) (*rules, error) {
	setDefault(&b.RateReply, "421 4.7.28 Our system has detected an unusual rate of mail from your address {ip}; try again later")
	setDefault(&b.ConnectionReply, "421 4.7.0 Too many connections from {ip}; try again later")
	setDefault(&b.MessagesReply, "421 4.7.0 Too many messages on this connection; open another one")
	setDefault(&b.GreylistReply, "451 4.7.1 Greylisted, please try again later")
	setDefault(&b.UnknownReply, "550 5.1.1 <{rcpt}>: user unknown")
	setDefault(&b.FullReply, "452 4.2.2 <{rcpt}>: mailbox is over quota")
	setDefault(&b.MaxSize, 35<<20)
	setDefault(&b.MaxRecipients, 100)
	setDefault(&b.Idle, 5*time.Minute)
	setDefault(&b.Burst, 1)
	for _, words := range []string{b.RateReply, b.ConnectionReply, b.MessagesReply, b.GreylistReply, b.UnknownReply, b.FullReply} {
		if !wellFormed(words) {
			return nil, fmt.Errorf(`smtptest: reply %q must be like "450 4.2.1 text", newlines only between lines`, words)
		}
	}
	r := &rules{Behaviour: b, used: make([]atomic.Int64, len(b.Replies))}
	for _, reply := range b.Replies {
		s := scripted{Reply: reply, words: reply.Raw}
		if reply.Code != 0 && reply.Raw == "" {
			s.words = fmt.Sprintf("%03d %s", reply.Code, reply.Text)
			if !wellFormed(s.words) {
				return nil, fmt.Errorf("smtptest: scripted reply %q is not one an SMTP server can give; use Raw for that", s.words)
			}
		}
		if !slices.Contains(stages, reply.Stage) {
			return nil, fmt.Errorf("smtptest: no stage %q; the stages are %q", reply.Stage, stages)
		}
		r.script = append(r.script, s)
	}
	return r, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func wellFormed(words string) bool {
	return len(words) >= 4 && words[0] >= '2' && words[0] <= '5' &&
		words[1] >= '0' && words[1] <= '9' && words[2] >= '0' && words[2] <= '9' &&
		words[3] == ' ' && !strings.ContainsAny(words, "\r\x00")
}
