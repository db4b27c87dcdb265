package smtp

import (
	"context"
	"net"
	"time"
)

// mail is a message ready to go: checked, and known for what it demands.
type mail struct {
	env      Envelope
	body     net.Buffers
	size     int64 // of body
	declared int64
	eightBit bool
	utf8     bool
}

// Send hands one message to the server for one recipient and blocks until its
// outcome is known. The message is complete, header and body, with CRLF line ends
// and no line of more than 998 octets; it is only read. A server with PIPELINING
// and CHUNKING takes it in one round trip, with PIPELINING in two.
//
// After a Result that is no failure the session can be used again unless Usable
// says otherwise. A cancelled ctx closes the connection.
func (s *Session) Send(ctx context.Context, env Envelope, msg net.Buffers) Result {
	if r := s.Check(); !r.OK() {
		return r
	}
	if !s.Usable() {
		return Result{Stage: Idle, Failure: Closed, Detail: "the server takes no more messages in this session"}
	}
	m, r := s.prepare(env, msg)
	if r.Failure != None {
		return r
	}
	if ctx.Err() != nil {
		return cancelled(Mail, ctx)
	}
	stop := context.AfterFunc(ctx, s.cut)
	s.handed = false
	s.mails++
	r = s.transact(&m)
	if !stop() {
		s.lost = true
		if r.Failure != None {
			r.Failure, r.Detail = Cancelled, escape([]byte(context.Cause(ctx).Error()))
		}
	}
	r.Handed = s.handed
	if s.lost {
		s.end()
	} else {
		s.conn.SetDeadline(time.Time{}) // idle sessions have no timer
	}
	return r
}

// prepare checks everything that can be known before MAIL.
func (s *Session) prepare(env Envelope, msg net.Buffers) (mail, Result) {
	invalid := func(stage Stage, why string) (mail, Result) {
		return mail{}, Result{Stage: stage, Failure: Invalid, Detail: why}
	}
	if env.From != "" {
		if flaw := checkPath(env.From); flaw != "" {
			return invalid(Mail, "sender: "+flaw)
		}
	}
	if flaw := checkPath(env.To); flaw != "" {
		return invalid(Rcpt, "recipient: "+flaw)
	}
	if len(env.EnvelopeID) > 100 {
		return invalid(Mail, "envelope id of more than 100 bytes")
	}
	t := inspect(msg)
	if t.flaw != "" {
		return invalid(Body, t.flaw)
	}
	m := mail{env: env, body: msg, size: t.size, declared: max(env.Size, t.size), eightBit: t.eightBit}
	m.utf8 = env.UTF8 || !ascii(env.From) || !ascii(env.To)
	switch {
	case m.utf8 && !s.caps.SMTPUTF8:
		return m, Result{Stage: Mail, Failure: NeedsUTF8}
	case m.eightBit && !s.caps.EightBitMIME:
		return m, Result{Stage: Mail, Failure: Needs8Bit}
	case s.caps.MaxSize > 0 && m.declared > s.caps.MaxSize:
		return m, Result{Stage: Mail, Failure: TooLarge}
	}
	return m, Result{}
}

// transact holds one transaction in as few round trips as the server allows.
func (s *Session) transact(m *mail) Result {
	switch {
	case s.caps.Pipelining && s.caps.Chunking:
		return s.oneTrip(m)
	case s.caps.Pipelining:
		return s.twoTrips(m)
	default:
		return s.lockstep(m)
	}
}

// oneTrip sends MAIL, RCPT and BDAT with the message in one go, and then reads all
// of their replies, matched one to one (RFC 2920 §3.1, RFC 3030 §4.2).
func (s *Session) oneTrip(m *mail) Result {
	reset := s.startOpening(s.times.Block)
	s.out.opening(m, &s.caps)
	s.out.bdat(m)
	if err := s.out.finish(); err != nil {
		return s.broken(err, reset, Mail, Rcpt, Body)
	}
	s.handed = true
	if r := s.resetReply(reset); !r.OK() {
		return r
	}
	r, _ := s.answers(Mail, Rcpt, Body)
	// What a failed BDAT leaves behind is undefined (RFC 3030 §2): only success is
	// known to have ended the transaction.
	s.open = !r.OK()
	return r
}

// twoTrips sends MAIL, RCPT and DATA in one go, then the message.
func (s *Session) twoTrips(m *mail) Result {
	reset := s.startOpening(s.times.MailRcpt)
	s.out.opening(m, &s.caps)
	s.out.string("DATA\r\n")
	if err := s.out.finish(); err != nil {
		return s.broken(err, reset, Mail, Rcpt, Data)
	}
	if r := s.resetReply(reset); !r.OK() {
		return r
	}
	first, last := s.answers(Mail, Rcpt, Data)
	ready := last.Stage == Data && last.Reply.Code/100 == 3
	switch {
	case s.lost || !ready:
		return first
	case first.Stage == Data:
		return s.data(m)
	}
	// 354 without a recipient: the server waits for a message, and an empty one is
	// the only one that reaches nobody (RFC 2920 §3.1).
	s.out.start(s.times.MailRcpt)
	s.out.bytes(endOfData)
	if s.out.finish() != nil {
		s.lost = true
		return first
	}
	s.answers(Body)
	s.open = false
	return first
}

// lockstep sends each command after the reply to the one before.
func (s *Session) lockstep(m *mail) Result {
	if s.startOpening(s.times.MailRcpt) {
		if err := s.out.finish(); err != nil {
			return s.broken(err, true)
		}
		if r := s.resetReply(true); !r.OK() {
			return r
		}
		s.out.start(s.times.MailRcpt)
	}
	s.out.buf = appendMail(s.out.buf, m, &s.caps)
	if r := s.step(Mail); !r.OK() {
		s.open = false
		return r
	}
	s.out.start(s.times.MailRcpt)
	s.out.buf = appendRcpt(s.out.buf, m, &s.caps)
	if r := s.step(Rcpt); !r.OK() {
		return r
	}
	if s.caps.Chunking {
		s.out.start(s.times.Block)
		s.out.bdat(m)
		r := s.deliver()
		s.open = !r.OK()
		return r
	}
	s.out.start(s.times.Data)
	s.out.string("DATA\r\n")
	if r := s.step(Data); r.Failure != None || r.Reply.Code/100 != 3 {
		return r
	}
	return s.data(m)
}

// data sends the message after 354. Whatever the server says to it ends the
// transaction.
func (s *Session) data(m *mail) Result {
	s.out.start(s.times.Block)
	s.out.dotted(m)
	s.open = false
	return s.deliver()
}

// deliver finishes the message and waits for what the server says to it.
func (s *Session) deliver() Result {
	if err := s.out.finish(); err != nil {
		return s.broken(err, false, Body)
	}
	s.handed = true
	r, _ := s.answers(Body)
	return r
}

// step finishes a single command and waits for its reply.
func (s *Session) step(stage Stage) Result {
	if err := s.out.finish(); err != nil {
		return s.broken(err, false, stage)
	}
	r, _ := s.answers(stage)
	return r
}

// startOpening starts to write a transaction. A RSET goes before it if the last one
// may still be under way at the server, at no cost where commands are pipelined.
func (s *Session) startOpening(limit time.Duration) (reset bool) {
	s.out.start(limit)
	if s.open {
		s.out.string("RSET\r\n")
	}
	reset, s.open = s.open, true
	return reset
}

// resetReply reads the reply to RSET if one was sent. What it says doesn't matter
// as long as the session goes on: the reply to MAIL will tell.
func (s *Session) resetReply(reset bool) Result {
	if reset {
		if r := s.expect(Mail, s.times.MailRcpt); s.lost {
			return r
		}
	}
	return Result{Stage: Idle}
}

// answers reads the replies to commands sent together. It reads on after a refusal,
// to stay in step, and returns the first reply that was not positive, or else the
// last, and the last one that was read.
func (s *Session) answers(stages ...Stage) (first, last Result) {
	for _, stage := range stages {
		last = s.expect(stage, s.replyTimer(stage))
		if first.Reply.Code/100 <= positive(first.Stage) && first.Failure == None {
			first = last
		}
		if s.lost {
			break
		}
	}
	return first, last
}

func (s *Session) replyTimer(stage Stage) time.Duration {
	switch stage {
	case Data:
		return s.times.Data
	case Body:
		return s.times.Final
	default:
		return s.times.MailRcpt
	}
}

// broken ends a session that took only part of what was written. A server that
// hangs up often says why first, and that explains more than a broken pipe.
func (s *Session) broken(err error, reset bool, pending ...Stage) Result {
	stage := Mail
	if len(pending) > 0 {
		stage = pending[len(pending)-1]
	}
	r := failed(stage, err)
	grace := s.times.Quit
	if r.Failure == TimedOut {
		grace = 0 // it had its time
	}
	if reset {
		s.expect(Mail, grace)
	}
	for _, stage := range pending {
		said := s.expect(stage, grace)
		if said.Failure != None {
			break
		}
		if said.Reply.Code/100 > positive(stage) {
			r = said
			break
		}
	}
	s.lost = true
	return r
}
