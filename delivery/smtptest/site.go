package smtptest

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// site is a provider at work.
type site struct {
	Provider
	exchangers []exchanger
	relay      bool // takes mail for every domain
	rules      atomic.Pointer[rules]
	count      counters
	admitted   atomic.Int64 // sessions that are open and under the cap

	mu       sync.Mutex
	tokens   float64   // of the rate cap, as of refilled
	refilled time.Time // zero: never used, full
	contacts map[uint64]time.Time
}

// spend takes a token of the rate cap, and reports whether there was one.
func (s *site) spend(r *rules, now time.Time) bool {
	if r.Rate <= 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refilled.IsZero() {
		s.tokens = float64(r.Burst)
	} else {
		s.tokens = min(float64(r.Burst), s.tokens+r.Rate*now.Sub(s.refilled).Seconds())
	}
	s.refilled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// waitedSince records a first contact, and reports whether it was at least so long
// ago.
func (s *site) waitedSince(contact uint64, wait time.Duration, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, known := s.contacts[contact]
	if !known {
		if s.contacts == nil {
			s.contacts = make(map[uint64]time.Time)
		}
		s.contacts[contact] = now
		return false
	}
	return now.Sub(first) >= wait
}

// down reports whether a host of the provider refuses connections.
func (r *rules) down(host string) bool {
	return r.Down || slices.Contains(r.DownHosts, host)
}

// nobody and full tell what a lower-case address is: a hash puts everybody at a
// fixed place between 0 and 1; the unknown come first, then those over quota.
func (r *rules) nobody(place float64) bool { return place < r.UnknownUser }

func (r *rules) full(place float64) bool {
	return !r.nobody(place) && place < r.UnknownUser+r.MailboxFull
}

func placeOf(address []byte) float64 {
	return float64(hash(address)) / math.MaxUint64
}

// hash is the same in every process and run.
func hash(parts ...[]byte) uint64 {
	h := fnv.New128a()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	var sum [16]byte
	b := h.Sum(sum[:0])
	// The high half of FNV-1a varies too little for short inputs: mix both.
	x := binary.BigEndian.Uint64(b) ^ binary.BigEndian.Uint64(b[8:])
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
