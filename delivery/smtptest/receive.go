package smtptest

import (
	"bytes"
	"fmt"
	"time"
)

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
	if s.internet.accepted != nil {
		s.internet.accepted(s.message(msg, now))
	}
	if !ledger.kept.full() {
		ledger.kept.keep(s.message(bytes.Clone(msg), now))
	}
}

func (s *session) message(msg []byte, now time.Time) Message {
	m := Message{
		Provider: s.site.Name, Host: s.host, Connection: int(s.number), TLS: s.secure,
		Client: s.client, Hello: s.hello, From: string(s.from), Parameters: string(s.parameters), Data: msg, At: now,
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
