package smtptest

import (
	"bytes"
	"strconv"
	"time"
)

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
