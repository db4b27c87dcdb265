package smtptest

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// command answers one command line.
func (s *session) command(line []byte) next {
	s.wire.latency = s.rules.Latency
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
	s.greeted = true
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
	s.reply("221 2.0.0 Bye")
	return hangUp
}

func (s *session) mail(args []byte) next {
	now := time.Now()
	s.site.count.transaction(now.Sub(s.internet.ledger.start))
	if !s.greeted || s.transaction.open {
		s.breach(BadSequence, append([]byte("MAIL "), args...))
		return s.reply("503 5.5.1 Bad sequence of commands")
	}
	from, parameters, strict, ok := splitPath(args, "FROM:")
	if !ok || !s.checkPath(from, true) {
		s.breach(BadSyntax, append([]byte("MAIL "), args...))
		return s.reply("501 5.1.7 Bad sender address syntax")
	}
	if !strict {
		s.breach(BadSyntax, append([]byte("MAIL "), args...))
	}
	if s.rules.RequireTLS && !s.secure {
		return s.reply("530 5.7.0 Must issue a STARTTLS command first")
	}
	if most := s.rules.MessagesPerConnection; most > 0 && s.messages >= most {
		return s.refuse(s.rules.MessagesReply, nil)
	}
	if !s.site.spend(s.rules, now) {
		return s.refuse(s.rules.RateReply, nil)
	}
	if done, then := s.scripted(AtMail, nil); done {
		return then
	}
	s.transaction.reset()
	if words := s.mailParameters(parameters); words != "" {
		return s.reply(words)
	}
	if !s.utf8Allowed(from, parameters) {
		return s.reply("553 5.6.7 Address needs SMTPUTF8")
	}
	s.transaction.open = true
	s.from = append(s.from, from...)
	s.parameters = append(s.parameters, parameters...)
	return s.reply("250 2.1.0 OK")
}

// utf8Allowed reports whether an address is ASCII or the client asked for SMTPUTF8.
func (s *session) utf8Allowed(address, parameters []byte) bool {
	return isASCII(address) || bytes.Contains(bytes.ToUpper(parameters), []byte("SMTPUTF8"))
}

// mailParameters returns the reply that refuses the parameters of MAIL, or "".
func (s *session) mailParameters(parameters []byte) string {
	s.transaction.size = -1
	for len(parameters) > 0 {
		var one []byte
		one, parameters, _ = bytes.Cut(parameters, []byte{' '})
		name, value, _ := bytes.Cut(one, []byte{'='})
		known := false
		switch string(bytes.ToUpper(name)) {
		case "":
			known = true
		case "SIZE":
			size, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil || size < 0 {
				s.breach(BadSyntax, one)
				return "501 5.5.4 Bad SIZE"
			}
			if size > s.rules.MaxSize {
				return "552 5.3.4 Message size exceeds fixed limit"
			}
			s.transaction.size, known = size, s.offered.size
		case "BODY":
			s.transaction.eightBit = bytes.EqualFold(value, []byte("8BITMIME"))
			known = s.offered.eightBit
		case "SMTPUTF8":
			known = s.offered.utf8
		case "RET", "ENVID":
			known = s.offered.dsn
		}
		if !known {
			s.breach(ParameterNotOffered, one)
			return "555 5.5.4 Unsupported option"
		}
	}
	return ""
}

// checkPath checks an address of MAIL or RCPT and its limits (RFC 5321 §4.5.3.1).
func (s *session) checkPath(address []byte, emptyAllowed bool) bool {
	if len(address) == 0 {
		return emptyAllowed
	}
	local, domain, ok := splitAddress(address)
	if !ok {
		return false
	}
	if len(local) > 64 || len(domain) > 255 || len(address) > 254 {
		s.breach(LongPath, address)
	}
	return true
}

func (s *session) rcpt(args []byte) next {
	to, parameters, strict, ok := splitPath(args, "TO:")
	if !ok || !s.checkPath(to, false) {
		s.breach(BadSyntax, append([]byte("RCPT "), args...))
		return s.reply("501 5.1.3 Bad recipient address syntax")
	}
	if !strict {
		s.breach(BadSyntax, append([]byte("RCPT "), args...))
	}
	if !s.transaction.open {
		// After a refused MAIL this is what a pipelining client sends: no breach.
		return s.reply("503 5.5.1 Need MAIL before RCPT")
	}
	if len(parameters) > 0 && !s.offered.dsn {
		s.breach(ParameterNotOffered, parameters)
		return s.reply("555 5.5.4 Unsupported option")
	}
	if done, then := s.scripted(AtRcpt, to); done {
		return then
	}
	if !s.utf8Allowed(to, s.parameters) {
		return s.reply("553 5.6.7 Address needs SMTPUTF8")
	}
	if len(s.ends) >= s.rules.MaxRecipients {
		return s.reply("452 4.5.3 Too many recipients")
	}
	return s.admitRecipient(to)
}

// admitRecipient answers for the mailbox itself.
func (s *session) admitRecipient(to []byte) next {
	start := len(s.recipients)
	s.recipients = append(s.recipients, to...)
	address := append(s.recipients[start+len(to):], to...)
	lower(address)
	_, domain, _ := splitAddress(address)
	words, now := "", time.Now()
	place := 1.0
	if s.rules.UnknownUser > 0 || s.rules.MailboxFull > 0 {
		place = placeOf(address)
	}
	switch {
	case s.internet.domains.find(domain) != s.site && !s.site.relay:
		words = "550 5.7.1 <{rcpt}>: Relay access denied"
	case s.rules.nobody(place):
		words = s.rules.UnknownReply
	case s.rules.full(place) && !s.emptied(address, now):
		words = s.rules.FullReply
	case s.rules.Greylist > 0 && !s.site.waitedSince(hash(s.from, address, []byte(s.client)), s.rules.Greylist, now):
		words = s.rules.GreylistReply
	}
	if words != "" {
		s.recipients = s.recipients[:start]
		return s.refuse(words, to)
	}
	s.ends = append(s.ends, len(s.recipients))
	return s.reply("250 2.1.5 OK")
}

// emptied reports whether a full mailbox has room again.
func (s *session) emptied(address []byte, now time.Time) bool {
	wait := s.rules.MailboxFullFor
	return wait > 0 && s.site.waitedSince(hash(address), wait, now)
}

// needRecipients answers a message that has none. After refused recipients this is
// what a pipelining client sends: no breach.
func (s *session) needRecipients() next {
	if s.transaction.open {
		return s.reply("554 5.5.1 No valid recipients")
	}
	return s.reply("503 5.5.1 Need MAIL first")
}

func (s *session) data() next {
	if s.chunked {
		s.breach(MixedDataBdat, nil)
		return s.reply("503 5.5.1 DATA after BDAT")
	}
	if len(s.ends) == 0 {
		return s.needRecipients()
	}
	if done, then := s.scripted(AtData, nil); done {
		return then
	}
	if s.reply("354 End data with <CR><LF>.<CR><LF>") == hangUp {
		return hangUp
	}
	msg, size, err := s.wire.takeData(s.rules.MaxSize)
	if err != nil {
		return hangUp
	}
	if size > s.rules.MaxSize {
		s.transaction.reset()
		return s.reply("552 5.3.4 Message size exceeds fixed limit")
	}
	return s.receive(msg)
}

func (s *session) bdat(args []byte) next {
	size, last, ok := chunkSize(args)
	if !ok {
		s.breach(BadSyntax, append([]byte("BDAT "), args...))
		s.reply("501 5.5.4 Bad BDAT; the chunk cannot be found")
		return hangUp
	}
	if !s.offered.chunking {
		s.breach(NotChunking, append([]byte("BDAT "), args...))
		s.reply("502 5.5.1 BDAT is not offered")
		return hangUp
	}
	if len(s.ends) == 0 {
		if s.wire.skip(size) != nil {
			return hangUp
		}
		return s.needRecipients()
	}
	if size+int64(len(s.chunks)) > s.rules.MaxSize {
		s.transaction.reset()
		if s.wire.skip(size) != nil {
			return hangUp
		}
		return s.reply("552 5.3.4 Message size exceeds fixed limit")
	}
	chunk, err := s.wire.take(int(size))
	if err != nil {
		return hangUp
	}
	if last && !s.chunked {
		return s.receive(chunk)
	}
	s.chunked = true
	s.chunks = append(s.chunks, chunk...)
	if last {
		return s.receive(s.chunks)
	}
	if done, then := s.scripted(AtChunk, nil); done {
		return then
	}
	return s.reply(fmt.Sprintf("250 2.0.0 %d octets received", size))
}
