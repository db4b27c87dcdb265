// Package token makes and reads the opaque tokens in return paths and unsubscribe
// links: which recipient of which run, under an HMAC, so that nobody can act for
// another. A token says what it may be used for; one made for bounces does not
// unsubscribe. Tokens outlive their campaign: nothing in them expires.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
)

// Purpose is what a token may be used for.
type Purpose byte

// The purposes; they are part of the HMAC: never renumber them.
const (
	Bounce      Purpose = 'b' // the local part of a return path (VERP)
	Unsubscribe Purpose = 'u'
	MessageID   Purpose = 'm'
	Complaint   Purpose = 'c' // the local part of a CFBL-Address (RFC 9477)
)

// ErrInvalid says that a token is not ours, or was changed.
var ErrInvalid = errors.New("token is not valid")

// macSize bytes of HMAC-SHA256: guessing one of 2^80 through SMTP or HTTP is
// hopeless, and the return path stays within 64 characters.
const macSize = 10

// encoding survives systems that fold the case of local parts.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Maker makes and reads tokens with one secret. It is safe for concurrent use.
type Maker struct{ secret []byte }

// NewMaker uses a secret of at least 32 random bytes.
func NewMaker(secret []byte) *Maker { return &Maker{secret: append([]byte(nil), secret...)} }

// Append appends the token for a run's contact to dst.
func (m *Maker) Append(dst []byte, p Purpose, run, contact int64) []byte {
	body := make([]byte, 0, 2*binary.MaxVarintLen64+macSize)
	body = binary.AppendUvarint(body, uint64(run))
	body = binary.AppendUvarint(body, uint64(contact))
	return encoding.AppendEncode(dst, append(body, m.mac(p, body)...))
}

// Read checks a token, in any case of letters, and returns whom it names.
func (m *Maker) Read(p Purpose, token string) (run, contact int64, err error) {
	token = strings.ToLower(token)
	raw, err := encoding.DecodeString(token)
	// The decoder skips line ends and ignores spare bits: one token has one spelling.
	if err != nil || len(raw) <= macSize || encoding.EncodeToString(raw) != token {
		return 0, 0, ErrInvalid
	}
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, m.mac(p, body)) {
		return 0, 0, ErrInvalid
	}
	r, n := binary.Uvarint(body)
	if n <= 0 {
		return 0, 0, ErrInvalid
	}
	c, k := binary.Uvarint(body[n:])
	if k <= 0 || n+k != len(body) {
		return 0, 0, ErrInvalid
	}
	return int64(r), int64(c), nil
}

func (m *Maker) mac(p Purpose, body []byte) []byte {
	h := hmac.New(sha256.New, m.secret)
	h.Write([]byte{byte(p)})
	h.Write(body)
	return h.Sum(nil)[:macSize]
}
