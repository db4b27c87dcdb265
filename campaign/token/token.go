// Package token makes and reads the opaque tokens in return paths, unsubscribe links and
// counted links: which recipient of which run, under an HMAC, so that nobody can act for
// another. A token says what it may be used for; one made for bounces does not
// unsubscribe. Tokens outlive their campaign: nothing in them expires.
//
// A token names the key that it was made with, so that keys can be rotated: new tokens
// are made with a newer key, and those of older keys stay good. The oldest tokens name
// none; they are the first key's. A key that is retired reads nothing any more; the first
// goes on making Message-IDs, which nobody can read then.
package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"strings"
	"sync"
	"sync/atomic"
)

// Purpose is what a token may be used for.
type Purpose byte

// The purposes; they are part of the HMAC: never renumber them.
const (
	Bounce      Purpose = 'b' // the local part of a return path (VERP)
	Unsubscribe Purpose = 'u'
	MessageID   Purpose = 'm'
	Complaint   Purpose = 'c' // the local part of a CFBL-Address (RFC 9477)
	Hit         Purpose = 'h' // a counted link, or the pixel: see AppendHit
	VariantHit  Purpose = 'v' // the same in an A/B test, of a variant instead of a contact
	SignUp      Purpose = 's' // of a form and a sign-up, instead of a run and a contact
)

// ErrInvalid says that a token is not ours, or was changed.
var ErrInvalid = errors.New("token is not valid")

// macSize bytes of HMAC-SHA256: guessing one of 2^80 through SMTP or HTTP is
// hopeless, and the return path stays within 64 characters.
const macSize = 10

// named is the first byte of a token that names its key. One that names none begins
// with the number of its run, which is not 0.
const named = 0

// encoding survives systems that fold the case of local parts.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Maker makes and reads tokens. It is safe for concurrent use.
type Maker struct{ keys atomic.Pointer[keys] }

type keys struct {
	// states are those of the HMACs of key 1, 2, …: each message has several tokens.
	// That of a retired key is nil; the first key's stays.
	states  []*sync.Pool
	newest  int  // the number of the key that tokens are made with
	onlyIDs bool // the first key is retired: it makes Message-IDs alone, and reads nothing
}

// Key is a key of tokens.
type Key struct {
	Secret []byte
	// Retired: it reads no tokens. The first key makes Message-IDs nevertheless.
	Retired bool
}

// NewMaker uses secrets of at least 32 random bytes each, of the keys 1, 2, … in their
// order, and makes tokens with the last.
func NewMaker(first []byte, later ...[]byte) *Maker {
	known := []Key{{Secret: first}}
	for _, secret := range later {
		known = append(known, Key{Secret: secret})
	}
	m := new(Maker)
	m.Renew(known, len(known))
	return m
}

// Renew reads tokens of all the keys 1, 2, … from now on, and makes them with one of
// them, which is not retired: a key that is not yet known wherever tokens are read must
// not make any.
func (m *Maker) Renew(known []Key, newest int) {
	k := &keys{newest: newest, onlyIDs: known[0].Retired}
	for i, key := range known {
		if i > 0 && key.Retired {
			k.states = append(k.states, nil)
			continue
		}
		secret := bytes.Clone(key.Secret)
		k.states = append(k.states, &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }})
	}
	m.keys.Store(k)
}

// Append appends the token for a run's contact to dst.
func (m *Maker) Append(dst []byte, p Purpose, run, contact int64) []byte {
	return m.seal(dst, p, nil, run, contact)
}

// seal appends a token of numbers and what follows them.
func (m *Maker) seal(dst []byte, p Purpose, rest []byte, numbers ...int64) []byte {
	k := m.keys.Load()
	number, signed := 1, append(make([]byte, 0, 2+3*binary.MaxVarintLen64+sha256.Size), byte(p))
	// A Message-ID is the same for all attempts of a recipient, also while keys change:
	// it is the first key's for ever, and names none.
	if p != MessageID {
		number = k.newest
		signed = binary.AppendUvarint(append(signed, named), uint64(number))
	}
	signed = append(appendNumbers(signed, numbers...), rest...)
	return encoding.AppendEncode(dst, k.appendMAC(signed, number, signed)[1:len(signed)+macSize])
}

// Read checks a token, in any case of letters, and returns whom it names.
func (m *Maker) Read(p Purpose, token string) (run, contact int64, err error) {
	names, err := m.open(p, token)
	if err != nil {
		return 0, 0, err
	}
	var whom [2]int64
	if rest, ok := readNumbers(names, whom[:]); !ok || len(rest) > 0 {
		return 0, 0, ErrInvalid
	}
	return whom[0], whom[1], nil
}

// open checks a token, and returns what it names.
func (m *Maker) open(p Purpose, token string) (names []byte, err error) {
	token = strings.ToLower(token)
	raw, err := encoding.DecodeString(token)
	// The decoder skips line ends and ignores spare bits: one token has one spelling.
	if err != nil || len(raw) <= macSize || encoding.EncodeToString(raw) != token {
		return nil, ErrInvalid
	}
	k := m.keys.Load()
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	number, names := uint64(1), body
	if body[0] == named {
		var n int
		if number, n = binary.Uvarint(body[1:]); n <= 0 || number < 1 || number > uint64(len(k.states)) {
			return nil, ErrInvalid
		}
		names = body[1+n:]
	}
	if k.states[number-1] == nil || number == 1 && k.onlyIDs {
		return nil, ErrInvalid
	}
	if !hmac.Equal(mac, k.appendMAC(nil, int(number), append([]byte{byte(p)}, body...))[:macSize]) {
		return nil, ErrInvalid
	}
	return names, nil
}

func appendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// readNumbers reads as many numbers as dst takes, and returns what follows them.
func readNumbers(b []byte, dst []int64) (rest []byte, ok bool) {
	for i := range dst {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > math.MaxInt64 {
			return nil, false
		}
		dst[i], b = int64(v), b[n:]
	}
	return b, true
}

// appendMAC appends a key's whole HMAC of a purpose with the body that follows it.
func (k *keys) appendMAC(dst []byte, number int, signed []byte) []byte {
	h := k.states[number-1].Get().(hash.Hash)
	defer k.states[number-1].Put(h)
	h.Reset()
	h.Write(signed)
	return h.Sum(dst)
}
