package smtptest

import (
	"bytes"
	"time"
)

// receive answers a whole message; it ends the transaction.
func (s *session) receive(msg []byte) next {
	defer s.transaction.reset()
	f := inspect(msg)
	s.testify(msg, f)
	if done, then := s.scripted(AtBody, nil); done {
		return then
	}
	s.accept(msg, f)
	if s.rules.DropAfterDot > 0 && s.rng.Float64() < s.rules.DropAfterDot {
		s.site.count.dropped.Add(1)
		return hangUp
	}
	s.messages++
	then := s.reply("250 2.0.0 OK")
	if s.rules.SilentClose && s.messages == s.rules.MessagesPerConnection {
		return hangUp
	}
	return then
}

// accept puts a message into the ledger.
func (s *session) accept(msg []byte, f findings) {
	now := time.Now()
	count, ledger := &s.site.count, s.internet.ledger
	number := count.messages.Add(1)
	count.bytes.Add(int64(len(msg)))
	switch verify := s.internet.verify; {
	case verify == nil || number%s.internet.verifyEvery != 0:
		count.unverified.Add(1)
	default:
		count.verify(verify(msg))
	}
	id := f.messageID
	if id == nil {
		id = msg
	}
	start := 0
	for _, end := range s.ends {
		count.accepted.Add(1)
		if !ledger.accept(keyOf(s.recipients[start:end], id), s.number, now) {
			count.duplicates.Add(1)
		}
		start = end
	}
	if !ledger.kept.full() {
		ledger.kept.keep(s.keepsake(msg, now))
	}
}

func (s *session) keepsake(msg []byte, now time.Time) Message {
	m := Message{
		Provider: s.site.Name, Host: s.host, Connection: int(s.number), TLS: s.secure,
		From: string(s.from), Parameters: string(s.parameters), Data: bytes.Clone(msg), At: now,
	}
	start := 0
	for _, end := range s.ends {
		m.To = append(m.To, string(s.recipients[start:end]))
		start = end
	}
	return m
}

// testify records what is wrong with a message.
func (s *session) testify(msg []byte, f findings) {
	beginning := msg[:min(len(msg), 80)]
	if f.bareCR {
		s.breach(BareCR, beginning)
	}
	if f.bareLF {
		s.breach(BareLF, beginning)
	}
	if f.unfinished {
		s.breach(UnfinishedMessage, msg[max(0, len(msg)-80):])
	}
	if f.longLine != nil {
		s.breach(LongLine, f.longLine)
	}
	if f.messageID == nil {
		s.breach(NoMessageID, beginning)
	}
	if f.eightBit && !s.eightBit {
		s.breach(EightBit, beginning)
	}
	if s.size >= 0 && int64(len(msg)) > s.size {
		s.breach(WrongSize, s.parameters)
	}
}
