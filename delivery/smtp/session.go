package smtp

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Session is an open conversation with one address of one server. It is used by
// one goroutine at a time, and must be closed.
type Session struct {
	host  Host
	cfg   *Config
	times Timeouts
	raw   net.Conn // closing it unblocks whoever reads or writes
	conn  net.Conn // raw, or TLS over it
	in    replyReader
	out   writer
	caps  Capabilities
	trust trust

	// replies carries what the reading goroutine reads; closed when it ends.
	replies chan answer
	quit    chan struct{} // closed to end the reading goroutine
	cut     func()        // closes raw
	once    sync.Once

	mails  int  // MAIL commands sent
	open   bool // a transaction may be under way at the server: RSET goes before the next
	handed bool // the last octet of this transaction's message was given to the kernel
	lost   bool // closed or out of step: never to be used again
}

// answer is a reply, or why there will be none any more.
type answer struct {
	reply Reply
	err   error
}

func newSession(h Host, cfg *Config, raw net.Conn) *Session {
	s := &Session{host: h, cfg: cfg, times: cfg.Timeouts.withDefaults(), raw: raw}
	s.in = replyReader{
		maxLines: cmp.Or(cfg.MaxReplyLines, defaultReplyLines),
		maxBytes: cmp.Or(cfg.MaxReplyBytes, defaultReplyBytes),
	}
	s.cut = func() { raw.Close() }
	s.use(raw)
	return s
}

// use makes conn the connection to talk on and forgets what was read ahead.
func (s *Session) use(conn net.Conn) {
	s.conn = conn
	s.out.conn = conn
	s.in.in = bufio.NewReader(conn)
}

// Host is the host the session was opened with.
func (s *Session) Host() Host { return s.host }

// Capabilities is what the server offered last, after TLS if there is any. The
// caller must not change its slice.
func (s *Session) Capabilities() Capabilities { return s.caps }

// TLS returns the state of the encryption, false if there is none.
func (s *Session) TLS() (tls.ConnectionState, bool) {
	c, ok := s.conn.(*tls.Conn)
	if !ok {
		return tls.ConnectionState{}, false
	}
	return c.ConnectionState(), true
}

// Sent is the number of transactions begun: what the server counts against its
// messages per connection.
func (s *Session) Sent() int { return s.mails }

// Usable reports whether another message may be sent: the session is in step, not
// closed, and below the server's MAILMAX (RFC 9422 §4.1). It doesn't look at the
// connection; Check does.
func (s *Session) Usable() bool {
	return !s.lost && (s.caps.MailMax == 0 || s.mails < s.caps.MailMax)
}

// Check tells what happened while the session was idle: a Result that is OK if
// nothing did, else a 421, a close or a protocol error at the Idle stage, after
// which the session is over (RFC 5321 §3.8). It doesn't block.
func (s *Session) Check() Result {
	if s.lost {
		return Result{Stage: Idle, Failure: Closed, Detail: "the session is over"}
	}
	select {
	case got, ok := <-s.replies:
		r := Result{Stage: Idle, Reply: got.reply}
		switch {
		case !ok || got.err != nil:
			r = failed(Idle, got.err)
		case got.reply.Code != 421:
			r.Failure, r.Detail = Malformed, "a reply to no command"
		}
		s.end()
		return r
	default:
		return Result{Stage: Idle}
	}
}

// Close ends the session, with QUIT and its reply if it is in step, for which it
// waits Timeouts.Quit at most. It may be called again.
func (s *Session) Close() {
	if !s.lost && s.Check().OK() && s.write(s.times.Quit, "QUIT\r\n") == nil {
		s.conn.SetReadDeadline(time.Now().Add(s.times.Quit))
		<-s.replies
		s.conn.Close() // says so under TLS
	}
	s.end()
}

// end closes the connection and waits for the reading goroutine.
func (s *Session) end() {
	s.lost = true
	s.once.Do(func() {
		close(s.quit)
		s.raw.Close()
	})
	for range s.replies {
	}
}

// read passes on what the server says until the connection ends.
func (s *Session) read() {
	defer close(s.replies)
	for {
		var got answer
		code, err := s.in.read()
		if err != nil {
			got.err = err
		} else {
			got.reply = newReply(code, s.in.text)
		}
		select {
		case s.replies <- got:
		case <-s.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// expect waits for the next reply. Anything but a reply of a class that the stage
// allows ends the session, and so does 421.
func (s *Session) expect(stage Stage, limit time.Duration) Result {
	if s.lost {
		return Result{Stage: stage, Failure: Closed, Detail: "the session is over"}
	}
	s.conn.SetReadDeadline(time.Now().Add(limit))
	got, ok := <-s.replies
	if !ok || got.err != nil {
		s.lost = true
		return failed(stage, got.err)
	}
	r := Result{Stage: stage, Reply: got.reply}
	switch class := got.reply.Code / 100; {
	case got.reply.Code == 421:
		s.lost = true
	case class == 4 || class == 5 || class == positive(stage):
	default:
		s.lost = true
		r.Failure, r.Detail = Malformed, "a reply that does not belong to the command"
	}
	return r
}

// positive is the class of replies that lets a transaction go on.
func positive(stage Stage) int {
	if stage == Data {
		return 3
	}
	return 2
}

// write sends a command. The server is to take it within limit.
func (s *Session) write(limit time.Duration, command string) error {
	s.out.start(limit)
	s.out.string(command)
	return s.out.finish()
}

// failed makes a Result of an error of the connection; nil is the end of it.
func failed(stage Stage, err error) Result {
	r := Result{Stage: stage, Failure: Closed}
	if err == nil {
		return r
	}
	r.Detail = escape([]byte(err.Error()))
	timeout, isNet := errors.AsType[net.Error](err)
	_, isMalformed := errors.AsType[malformed](err)
	switch {
	case isMalformed:
		r.Failure = Malformed
	case errors.Is(err, os.ErrDeadlineExceeded) || isNet && timeout.Timeout():
		r.Failure = TimedOut
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.Detail = "by the server, without a word"
	case stage == Connect && errors.Is(err, syscall.ECONNREFUSED):
		r.Failure = Refused
	case stage == Connect:
		r.Failure = Unreachable
	}
	return r
}
