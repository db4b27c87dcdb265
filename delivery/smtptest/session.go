package smtptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"
)

// session is one connection from a client. One goroutine owns it; only conn is
// closed by others.
type session struct {
	internet *Internet
	site     *site
	host     string
	number   uint32
	conn     net.Conn // as accepted, below TLS
	client   string   // the client's IP address
	wire     wire
	rng      *rand.Rand

	rules    *rules // as of the current command
	offered  offer
	greeted  bool // by EHLO or HELO
	hello    string
	secure   bool
	said421  bool
	admitted bool // counted against the cap on connections
	left     bool // not counted as open any more
	messages int

	transaction
}

// offer is what the last EHLO reply offered.
type offer struct {
	pipelining, chunking, eightBit, utf8, size, dsn bool
}

// transaction is the mail being sent. Its slices are reused by the next one.
type transaction struct {
	open       bool
	from       []byte
	parameters []byte
	size       int64 // declared, -1 if not
	eightBit   bool
	recipients []byte // one after the other
	ends       []int  // where each recipient ends
	chunks     []byte // of BDAT, before the last
	chunked    bool
}

func (t *transaction) reset() {
	*t = transaction{from: t.from[:0], parameters: t.parameters[:0], recipients: t.recipients[:0], ends: t.ends[:0]}
}

// next says what becomes of a connection after a command.
type next bool

const (
	goOn   next = true
	hangUp next = false
)

// serve speaks with the client until one of them closes.
func (s *session) serve() {
	defer s.conn.Close()
	defer s.gone()
	s.rules = s.site.rules.Load()
	if !s.admit() {
		return
	}
	for {
		line, crlf, err := s.wire.line()
		if err != nil {
			s.lost(err)
			return
		}
		if !crlf {
			s.breach(BadCommandLine, line)
		}
		s.rules = s.site.rules.Load()
		if s.command(line) == hangUp {
			s.leave()
			return
		}
	}
}

// admit greets the client, or does not.
func (s *session) admit() bool {
	s.wire.latency, s.wire.idle = s.rules.Latency, s.rules.Idle
	s.admitted = true
	if n, most := s.site.admitted.Add(1), s.rules.MaxConnections; most > 0 && n > int64(most) {
		s.admitted = false
		s.site.admitted.Add(-1)
		if !s.rules.SilentClose {
			s.refuse(s.rules.ConnectionReply, nil)
			s.leave()
		}
		return false
	}
	if s.rules.ImplicitTLS && !s.handshake() {
		return false
	}
	if done, then := s.scripted(AtConnect, nil); done {
		if then == hangUp {
			s.leave()
			return false
		}
		return true
	}
	s.reply("220 " + s.host + " ESMTP")
	return true
}

// leave delivers the last replies and listens until the client has closed too, a
// second at most: a closed socket that still receives would take them back.
func (s *session) leave() {
	if s.wire.arrive() != nil {
		return
	}
	if half, ok := s.wire.conn.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() != nil {
			return
		}
	}
	s.gone()
	s.wire.idle = time.Second
	for until := time.Now().Add(time.Second); time.Now().Before(until); {
		line, _, err := s.wire.line()
		if err != nil {
			return
		}
		if v, _ := splitVerb(line); s.said421 && (v == verbMAIL || v == verbEHLO) {
			s.breach(MailAfter421, line)
			return
		}
	}
}

// gone takes the session out of the count of open connections, once.
func (s *session) gone() {
	if !s.left {
		s.left = true
		s.site.count.open.Add(-1)
		if s.admitted {
			s.site.admitted.Add(-1)
		}
	}
}

// lost ends a session whose client is gone or silent.
func (s *session) lost(err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reply("421 4.4.2 " + s.host + " Error: timeout exceeded")
		s.leave()
	case errors.Is(err, errLineTooLong):
		s.breach(LongCommand, nil)
		s.reply("500 5.5.6 Line too long")
		s.leave()
	case s.greeted && errors.Is(err, io.EOF):
		s.breach(NoQuit, nil)
	}
}

// reply queues a reply and counts it when it is a refusal.
func (s *session) reply(words string) next {
	if words[0] >= '4' {
		s.site.count.reject(int(words[0]-'0')*100 + int(words[1]-'0')*10 + int(words[2]-'0'))
	}
	if s.wire.say(words) != nil {
		return hangUp
	}
	if strings.HasPrefix(words, "421") {
		s.said421 = true
		return hangUp
	}
	return goOn
}

// refuse is reply with the placeholders of a configured reply filled in.
func (s *session) refuse(words string, recipient []byte) next {
	if strings.Contains(words, "{") {
		words = strings.NewReplacer("{rcpt}", string(recipient), "{ip}", s.client).Replace(words)
	}
	return s.reply(words)
}

// scripted uses the scripted reply of a stage, if one applies. Not done means that
// the stage goes on as if there were none.
func (s *session) scripted(at Stage, recipient []byte) (done bool, then next) {
	for i := range s.rules.script {
		r := &s.rules.script[i]
		if r.Stage != at || r.Recipient != "" && !bytes.EqualFold([]byte(r.Recipient), recipient) {
			continue
		}
		if r.Probability > 0 && s.rng.Float64() >= r.Probability {
			continue
		}
		if r.Times > 0 && s.rules.used[i].Add(1) > int64(r.Times) {
			continue
		}
		return s.use(r, recipient)
	}
	return false, goOn
}

func (s *session) use(r *scripted, recipient []byte) (done bool, then next) {
	if r.Delay > 0 && s.wire.pause(r.Delay) != nil {
		return true, hangUp
	}
	switch {
	case r.Raw != "":
		then = s.raw(r)
	case r.words != "":
		then = s.refuse(r.words, recipient)
	default:
		return r.Close, next(!r.Close)
	}
	if r.Close {
		then = hangUp
	}
	return true, then
}

// raw says what no server should.
func (s *session) raw(r *scripted) next {
	if r.Drip == 0 && !r.Endless {
		s.wire.out = append(s.wire.out, r.Raw...)
		return goOn
	}
	for {
		if s.wire.pour(r.Raw, r.Drip) != nil {
			return hangUp
		}
		if !r.Endless {
			return goOn
		}
	}
}

// handshake turns the connection into a TLS one.
func (s *session) handshake() bool {
	if s.wire.arrive() != nil || s.wire.pause(s.wire.latency) != nil {
		return false
	}
	if s.wire.buffered() > 0 {
		s.breach(PlaintextBeforeTLS, s.wire.in[s.wire.r:])
		return false
	}
	config := s.rules.TLS
	if config == nil {
		config = s.internet.tls
	}
	conn := tls.Server(s.conn, config)
	if s.conn.SetDeadline(time.Now().Add(s.rules.Idle)) != nil || conn.Handshake() != nil {
		return false
	}
	if s.conn.SetDeadline(time.Time{}) != nil {
		return false
	}
	s.wire.conn = conn
	s.secure = true
	s.greeted = false
	s.offered = offer{}
	s.transaction.reset()
	return true
}

func (s *session) breach(b Breach, what []byte) {
	where := fmt.Sprintf("%s connection %d", s.site.Name, s.number)
	s.internet.ledger.violations.add(b, where, what)
}
