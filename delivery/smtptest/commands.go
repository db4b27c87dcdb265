package smtptest

import "strconv"

// command answers one command line.
func (s *session) command(line []byte) next {
	s.wire.latency, s.wire.idle = s.rules.Latency, s.rules.Idle
	if s.rules.Tarpit > 0 {
		if s.wire.pause(s.rules.Tarpit) != nil {
			return hangUp
		}
	}
	if s.rules.Close421 > 0 && s.rng.Float64() < s.rules.Close421 {
		return s.reply("421 4.3.2 " + s.host + " Service shutting down and closing transmission channel")
	}
	v, args := splitVerb(line)
	s.checkLine(v, line)
	switch v {
	case verbMAIL:
		return s.mail(args)
	case verbRCPT:
		return s.rcpt(args)
	case verbBDAT:
		return s.bdat(args)
	case verbDATA:
		return s.data()
	case verbEHLO:
		return s.ehlo(args)
	case verbHELO:
		return s.helo(args)
	case verbSTARTTLS:
		return s.starttls()
	case verbRSET:
		return s.simple(AtRset, "250 2.0.0 OK")
	case verbNOOP:
		return s.simple(AtNoop, "250 2.0.0 OK")
	case verbQUIT:
		return s.quit()
	case verbVRFY:
		return s.reply("252 2.5.2 Cannot VRFY user, but will accept message")
	}
	s.breach(UnknownCommand, line)
	return s.reply("500 5.5.2 Unrecognized command")
}

// checkLine is the witness of what came and when.
func (s *session) checkLine(v verb, line []byte) {
	limit := 510
	if v == verbMAIL || v == verbRCPT {
		limit += 500 // for parameters: SIZE 26, BODY 17, DSN 500 and more
	}
	if len(line) > limit {
		s.breach(LongCommand, line)
	}
	if s.wire.buffered() == 0 || v == verbBDAT || v == verbSTARTTLS {
		return
	}
	mustBeLast := v == verbEHLO || v == verbHELO || v == verbDATA || v == verbQUIT || v == verbNOOP || v == verbVRFY
	if mustBeLast || !s.offered.pipelining {
		s.breach(NotPipelining, line)
	}
}

func (s *session) ehlo(args []byte) next {
	if len(args) == 0 {
		s.breach(BadSyntax, []byte("EHLO without a name"))
		return s.reply("501 5.5.4 EHLO needs a name")
	}
	if done, then := s.scripted(AtEHLO, nil); done {
		return then
	}
	b := &s.rules.Behaviour
	s.greeted, s.hello = true, string(args)
	s.transaction.reset()
	s.offered = offer{
		pipelining: !b.NoPipelining, chunking: !b.NoChunking, eightBit: !b.No8BITMIME,
		utf8: !b.NoSMTPUTF8, size: !b.NoSize, dsn: !b.NoDSN,
	}
	words := "250 " + s.host + " at your service"
	add := func(offered bool, keyword string) {
		if offered {
			words += "\n250 " + keyword
		}
	}
	add(s.offered.pipelining, "PIPELINING")
	add(s.offered.chunking, "CHUNKING")
	add(s.offered.eightBit, "8BITMIME")
	add(s.offered.utf8, "SMTPUTF8")
	add(s.offered.dsn, "DSN")
	add(b.StartTLS && !s.secure, "STARTTLS")
	for _, line := range b.Extensions {
		add(true, line)
	}
	add(s.offered.size, "SIZE "+strconv.FormatInt(b.MaxSize, 10))
	add(true, "ENHANCEDSTATUSCODES")
	return s.reply(words)
}

func (s *session) helo(args []byte) next {
	if len(args) == 0 {
		s.breach(BadSyntax, []byte("HELO without a name"))
		return s.reply("501 5.5.4 HELO needs a name")
	}
	if done, then := s.scripted(AtHELO, nil); done {
		return then
	}
	s.greeted = true
	s.offered = offer{}
	s.transaction.reset()
	return s.reply("250 " + s.host)
}

func (s *session) starttls() next {
	if done, then := s.scripted(AtStartTLS, nil); done {
		return then
	}
	if !s.rules.StartTLS || s.secure {
		s.breach(BadSequence, []byte("STARTTLS"))
		return s.reply("502 5.5.1 STARTTLS is not offered")
	}
	if s.reply("220 2.0.0 Ready to start TLS") == hangUp || !s.handshake() {
		return hangUp
	}
	return goOn
}

// simple answers a command that only ends the transaction, if at all.
func (s *session) simple(at Stage, words string) next {
	if done, then := s.scripted(at, nil); done {
		return then
	}
	if at == AtRset {
		s.transaction.reset()
	}
	return s.reply(words)
}

func (s *session) quit() next {
	if done, then := s.scripted(AtQuit, nil); done {
		return then
	}
	s.gone() // the client may be back before we have closed
	s.reply("221 2.0.0 Bye")
	return hangUp
}
