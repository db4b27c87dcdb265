package dkim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"broadside/dkim/rsa8"
)

// Signer signs messages of one domain. It is safe for concurrent use and owns nothing
// that must be ended. On processors that can, the RSA signatures that callers ask for
// at the same time are computed together, see package rsa8: the more of them, the
// less each costs.
type Signer struct {
	// Expiry is how long a signature is valid (x=), forever when zero. Choose it
	// longer than a message may wait for its last retry. Set it before the first Sign.
	Expiry time.Duration

	keys []signingKey
}

type signingKey struct {
	*Key
	backend backend
}

// NewSigner signs with a key, and with a second one when it is given: an RSA key
// may be followed by an Ed25519 key of the same domain (RFC 8463 §3). One RSA key is
// the right choice today, since receivers that don't know Ed25519 may count its
// signature as a failed one.
func NewSigner(keys ...*Key) (*Signer, error) {
	if err := checkKeys(keys); err != nil {
		return nil, err
	}
	s := new(Signer)
	for _, k := range keys {
		s.keys = append(s.keys, signingKey{Key: k, backend: newBackend(k)})
	}
	return s, nil
}

func checkKeys(keys []*Key) error {
	switch len(keys) {
	case 0:
		return errors.New("no DKIM key to sign with: name one")
	case 1:
		return nil
	case 2:
		if keys[0].Domain != keys[1].Domain {
			return fmt.Errorf("two DKIM keys of different domains, %s and %s: give keys of one domain", keys[0].Domain, keys[1].Domain)
		}
		if keys[0].Algorithm() == RSA2048 && keys[1].Algorithm() == Ed25519 {
			return nil
		}
	}
	return errors.New("these DKIM keys can't sign together: give one key, or an RSA key and then an Ed25519 key")
}

// Backend says what computes the signatures of the first key: "rsa8 (AVX-512 IFMA)",
// "crypto/rsa" or "ed25519".
func (s *Signer) Backend() string { return s.keys[0].backend.name() }

// Lanes is what the accelerated backend of the first key has done so far, zero when
// there is none. A signature that it got wrong is a sign of failing hardware.
func (s *Signer) Lanes() rsa8.Stats {
	if b, ok := s.keys[0].backend.(*laneBackend); ok {
		return b.batch.Stats()
	}
	return rsa8.Stats{}
}

// Sign appends the DKIM-Signature fields of a message to dst, one per key, each with
// its CRLF, to be sent before the message. The message is whole, with CRLF line ends
// and without dot-stuffing; the bytes sent must be these. It must have a From field,
// a blank line after the header, and no CR or LF alone; the CRLF that SMTP adds to a
// body without a final one doesn't break the signature. now becomes t=.
func (s *Signer) Sign(dst, msg []byte, now time.Time) ([]byte, error) {
	return s.SignShared(dst, msg, nil, now)
}

// SignShared is Sign for a message whose body begins like that of many others:
// what shared covers isn't hashed again. A body that begins otherwise, or a nil
// shared, is hashed whole.
func (s *Signer) SignShared(dst, msg []byte, shared *BodyPrefix, now time.Time) ([]byte, error) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	if err := w.read(msg, shared); err != nil {
		return dst, fmt.Errorf("sign a message for %s: %w", s.keys[0].Domain, err)
	}
	var expires time.Time
	if s.Expiry > 0 {
		expires = now.Add(s.Expiry)
	}
	for _, k := range s.keys {
		start := len(dst)
		field := signature{buf: dst}
		field.tags(k.Key, &w.headers, &w.body, now, expires)
		digest := w.headers.digest(field.buf[start+len(signatureName+":"):])
		var err error
		if w.sig, err = k.backend.sign(w.sig[:0], &digest); err != nil {
			return dst[:start], fmt.Errorf("sign a message for %s with the key %s: %w", k.Domain, k.Selector, err)
		}
		field.value(w.sig)
		dst = field.buf
	}
	return dst, nil
}

// workspace is what one signature needs, kept for the next.
type workspace struct {
	headers signedHeaders
	hasher  bodyHasher
	body    [sha256.Size]byte
	sig     []byte
}

var workspaces = sync.Pool{New: func() any {
	return &workspace{hasher: bodyHasher{hash: sha256.New()}}
}}

// read hashes the body and collects the header.
func (w *workspace) read(msg []byte, shared *BodyPrefix) error {
	if at := bareNewline(msg); at >= 0 {
		return fmt.Errorf("a CR or LF stands alone at byte %d: end every line with CRLF", at)
	}
	body, err := w.headers.read(msg)
	if err != nil {
		return err
	}
	w.hasher.sum(body, shared, &w.body)
	return nil
}
