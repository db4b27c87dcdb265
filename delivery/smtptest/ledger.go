package smtptest

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"sync"
	"time"
)

// Ledger is what reached the simulator. All methods may be called at any time, also
// after Internet.Close.
type Ledger struct {
	start      time.Time
	shards     [256]shard
	sites      []*site
	violations violations
	kept       keeper
}

// Key is a hash of an envelope recipient and a Message-ID, the same in every
// process. Two of ten million different pairs share one with a chance of 3 in a
// million.
type Key uint64

// KeyOf hashes a recipient, in any case, and a Message-ID with its angle brackets.
func KeyOf(recipient, messageID string) Key {
	return keyOf([]byte(recipient), []byte(messageID))
}

func keyOf(recipient, messageID []byte) Key {
	var space [512]byte
	pair := append(space[:0], recipient...)
	lower(pair)
	pair = append(pair, '\n')
	pair = append(pair, messageID...)
	sum := sha256.Sum256(pair)
	return Key(binary.LittleEndian.Uint64(sum[:]))
}

// Receipt says how often a message reached a recipient, and how.
type Receipt struct {
	Copies      int
	Connection  int // number of the connection that brought the latest copy, from 1
	First, Last time.Time
}

// shard is a part of the ledger by key. An entry is kept small because there may be
// ten million; what a second copy adds is kept apart, because that is rare.
type shard struct {
	mu      sync.Mutex
	first   map[Key]entry
	repeats map[Key]repeat
}

type entry struct {
	connection uint32
	ms         uint32 // since the ledger's start: good for 49 days
}

type repeat struct {
	entry
	copies uint32 // all of them, the first included
}

// accept records a copy and reports whether it was the first.
func (l *Ledger) accept(key Key, connection uint32, now time.Time) bool {
	e := entry{connection, uint32(now.Sub(l.start).Milliseconds())}
	s := &l.shards[key>>56]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = make(map[Key]entry)
	}
	if _, known := s.first[key]; !known {
		s.first[key] = e
		return true
	}
	if s.repeats == nil {
		s.repeats = make(map[Key]repeat)
	}
	copies := max(s.repeats[key].copies, 1)
	s.repeats[key] = repeat{e, copies + 1}
	return false
}

// Copies is how often a message was accepted for a recipient: 0, 1, or too often.
func (l *Ledger) Copies(recipient, messageID string) int {
	r, _ := l.Receipt(KeyOf(recipient, messageID))
	return r.Copies
}

// Receipt returns what is known of a key, and whether anything is.
func (l *Ledger) Receipt(key Key) (Receipt, bool) {
	s := &l.shards[key>>56]
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.first[key]
	if !known {
		return Receipt{}, false
	}
	return l.receipt(s, key, e), true
}

func (l *Ledger) receipt(s *shard, key Key, e entry) Receipt {
	r := Receipt{Copies: 1, Connection: int(e.connection), First: l.at(e), Last: l.at(e)}
	if again, ok := s.repeats[key]; ok {
		r.Copies, r.Connection, r.Last = int(again.copies), int(again.connection), l.at(again.entry)
	}
	return r
}

func (l *Ledger) at(e entry) time.Time {
	return l.start.Add(time.Duration(e.ms) * time.Millisecond)
}

// Accepted yields every key with its receipt, in no order. It holds copies of one
// 256th at a time, so mail may go on arriving; what arrives meanwhile may be missed.
func (l *Ledger) Accepted() iter.Seq2[Key, Receipt] {
	return func(yield func(Key, Receipt) bool) {
		for i := range l.shards {
			for _, c := range l.copyShard(&l.shards[i]) {
				if !yield(c.key, c.receipt) {
					return
				}
			}
		}
	}
}

type line struct {
	key     Key
	receipt Receipt
}

func (l *Ledger) copyShard(s *shard) []line {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]line, 0, len(s.first))
	for key, e := range s.first {
		lines = append(lines, line{key, l.receipt(s, key, e)})
	}
	return lines
}

// Message is a message kept whole, see Config.Keep.
type Message struct {
	Provider   string
	Host       string // the MX host that took it
	Connection int
	TLS        bool
	Client     string   // the address that it came from
	Hello      string   // the name given with EHLO
	From       string   // envelope sender, without brackets
	To         []string // envelope recipients, as they were written
	Parameters string   // of MAIL, as they were written: "SIZE=1234 BODY=8BITMIME"
	Data       []byte   // as transmitted, dot-stuffing undone
	At         time.Time
}

// keeper holds the first messages whole, as many as it has room for.
type keeper struct {
	mu       sync.Mutex
	room     int
	messages []Message
}

// Messages returns the kept messages in order of acceptance. The caller must not
// change their contents.
func (l *Ledger) Messages() []Message {
	l.kept.mu.Lock()
	defer l.kept.mu.Unlock()
	return append([]Message(nil), l.kept.messages...)
}

func (k *keeper) full() bool {
	if k.room == 0 {
		return true // the usual case, without the lock
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.messages) >= k.room
}

func (k *keeper) keep(m Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.messages) < k.room {
		k.messages = append(k.messages, m)
	}
}
