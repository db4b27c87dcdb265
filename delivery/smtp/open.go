package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"
)

// Open connects to a host and takes the session to where a message can be sent:
// greeted, introduced, encrypted and authenticated as cfg says. The session is nil
// unless the Result is OK. A cancelled ctx ends it at once; it doesn't touch the
// session afterwards.
func Open(ctx context.Context, h Host, cfg *Config) (*Session, Result) {
	if !validHello(cfg.Hello) {
		return nil, Result{Stage: Hello, Failure: Invalid, Detail: "our EHLO name must be a host name or an address literal"}
	}
	if cfg.AllowAddr != nil && !cfg.AllowAddr(h.Addr.Addr()) {
		return nil, Result{Failure: Forbidden, Detail: h.Addr.Addr().String() + " must not be connected to"}
	}
	raw, r := connect(ctx, h, cfg)
	if r.Failure != None {
		return nil, r
	}
	s := newSession(h, cfg, raw)
	stop := context.AfterFunc(ctx, s.cut)
	r = s.begin()
	if !r.OK() {
		s.leave(r)
	}
	if !stop() {
		raw.Close()
		return nil, cancelled(r.Stage, ctx)
	}
	if !r.OK() {
		return nil, r
	}
	raw.SetDeadline(time.Time{})
	// Three replies are the most that is ever waited for.
	s.replies = make(chan answer, 4)
	s.quit = make(chan struct{})
	go s.read() // until the connection ends; Close waits for it
	return s, r
}

func connect(ctx context.Context, h Host, cfg *Config) (net.Conn, Result) {
	dial := cfg.Dial
	if dial == nil {
		var d net.Dialer
		if local := cfg.LocalAddr; local.IsValid() {
			if local.Is4() != h.Addr.Addr().Unmap().Is4() {
				return nil, Result{Failure: Unreachable, Detail: "no source address of the family of " + h.Addr.String()}
			}
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
		}
		dial = d.DialContext
	}
	limited, cancel := context.WithTimeout(ctx, cfg.Timeouts.withDefaults().Connect)
	defer cancel()
	conn, err := dial(limited, "tcp", h.Addr.String())
	if err == nil {
		return conn, Result{}
	}
	if ctx.Err() != nil {
		return nil, cancelled(Connect, ctx)
	}
	if limited.Err() != nil {
		return nil, Result{Failure: TimedOut, Detail: "no connection to " + h.Addr.String()}
	}
	return nil, failed(Connect, err)
}

func cancelled(stage Stage, ctx context.Context) Result {
	return Result{Stage: stage, Failure: Cancelled, Detail: escape([]byte(context.Cause(ctx).Error()))}
}

// begin holds the conversation up to the first MAIL, in lockstep.
func (s *Session) begin() Result {
	if s.cfg.TLS == Implicit {
		if r := s.encrypt(); r.Failure != None {
			return r
		}
	}
	r := s.hear(Greeting, s.times.Greeting)
	if !r.OK() {
		return r
	}
	if r = s.hello(); !r.OK() {
		return r
	}
	if s.cfg.TLS == Opportunistic && s.caps.StartTLS || s.cfg.TLS == Require {
		secure := s.startTLS()
		switch {
		case secure.Failure == TLSUnavailable && s.cfg.TLS == Opportunistic:
			// Refused: carry on in clear text, as RFC 3207 §4.1 lets us.
		case !secure.OK():
			return secure
		}
	}
	if s.cfg.Auth != nil {
		return s.authenticate()
	}
	return r
}

// hello introduces us: EHLO, or HELO to a server that knows nothing newer
// (RFC 5321 §3.2). Whatever the server offered before is forgotten.
func (s *Session) hello() Result {
	s.caps = Capabilities{}
	r := s.ask(Hello, s.times.Hello, "EHLO "+s.cfg.Hello+"\r\n")
	if r.OK() {
		s.caps = parseCapabilities(s.in.text)
		return r
	}
	if r.Failure != None || r.Reply.Code/100 != 5 {
		return r
	}
	return s.ask(Hello, s.times.Hello, "HELO "+s.cfg.Hello+"\r\n")
}

// startTLS encrypts the session and introduces us again. TLSUnavailable leaves the
// session as it was.
func (s *Session) startTLS() Result {
	if !s.caps.StartTLS {
		return Result{Stage: StartTLS, Failure: TLSUnavailable, TLS: TLSNotOffered, Detail: "STARTTLS is not offered"}
	}
	r := s.ask(StartTLS, s.times.TLS, "STARTTLS\r\n")
	switch {
	case r.Failure != None || r.Reply.Code == 421:
		return r
	case r.Reply.Code/100 != 2:
		r.Failure, r.TLS, r.Detail = TLSUnavailable, TLSNotOffered, "STARTTLS was refused"
		return r
	case s.in.in.Buffered() > 0:
		// Whoever put bytes here wants them to count as sent under encryption
		// (RFC 3207 §6, CVE-2011-0411).
		return Result{Stage: StartTLS, Failure: TLSFailed, TLS: TLSNegotiation, Detail: "the server sent text between its reply and the handshake"}
	}
	if r = s.encrypt(); r.Failure != None {
		return r
	}
	return s.hello() // RFC 3207 §4.2
}

// encrypt shakes hands. Any failure is TLSFailed, a silent server and a reset
// included: that is what a ClientHello too large for a middlebox looks like.
func (s *Session) encrypt() Result {
	c := tls.Client(s.raw, s.cfg.tlsConfig(s.host.Name))
	s.raw.SetDeadline(time.Now().Add(s.times.TLS))
	if err := c.Handshake(); err != nil {
		return Result{Stage: StartTLS, Failure: TLSFailed, TLS: faultOf(err), Detail: escape([]byte(err.Error()))}
	}
	s.raw.SetDeadline(time.Time{})
	s.use(c)
	return Result{Stage: StartTLS}
}

// ask sends a command and hears the reply.
func (s *Session) ask(stage Stage, limit time.Duration, command string) Result {
	if s.in.in.Buffered() > 0 {
		return Result{Stage: stage, Failure: Malformed, Detail: "a reply to no command"}
	}
	if err := s.write(limit, command); err != nil {
		return failed(stage, err)
	}
	return s.hear(stage, limit)
}

// hear reads a reply; its text stays in s.in. It is how replies are read before
// the reading goroutine is started.
func (s *Session) hear(stage Stage, limit time.Duration) Result {
	s.conn.SetReadDeadline(time.Now().Add(limit))
	code, err := s.in.read()
	if err != nil {
		return failed(stage, err)
	}
	r := Result{Stage: stage, Reply: newReply(code, s.in.text)}
	if code/100 == 3 && stage != Auth {
		r.Failure, r.Detail = Malformed, "a reply that does not belong to the command"
	}
	return r
}

// leave ends what could not be opened: with QUIT if the server still listens, as
// it does after 521 (RFC 7504 §3).
func (s *Session) leave(r Result) {
	polite := r.Reply.Code != 0 && r.Reply.Code != 421 && r.Failure != Malformed ||
		r.Failure == TLSUnavailable || r.Failure == AuthUnavailable
	if polite && s.write(s.times.Quit, "QUIT\r\n") == nil {
		s.hear(Idle, s.times.Quit)
	}
	s.raw.Close()
}
