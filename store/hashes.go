package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync"

	"broadside/campaign"
)

// hashSize bytes of HMAC-SHA256 stand for an address.
const hashSize = 16

// hasher makes of an address what is kept of it when the person is erased: an
// HMAC-SHA256, cut to 128 bits, under a secret that stays in the database, after four
// bytes that name the secret, so that a hash of another installation can be told. Every
// look-up of suppressions hashes, so its states are used again.
type hasher struct {
	start  string // of every hash of this database
	states *sync.Pool
}

func (db *DB) openHashes(ctx context.Context) error {
	key, err := db.Secret(ctx, "suppressions")
	if err != nil {
		return err
	}
	db.hashes.states = &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
	name := db.hashes.append(nil, nil)
	db.hashes.start = campaign.HashPrefix + hex.EncodeToString(name[:4]) + "-"
	return nil
}

// append appends the whole HMAC.
func (h *hasher) append(dst, address []byte) []byte {
	mac := h.states.Get().(hash.Hash)
	defer h.states.Put(mac)
	mac.Reset()
	mac.Write(address)
	return mac.Sum(dst)
}

func (h *hasher) one(address string) string { return h.of([]string{address})[0] }

// of returns the hashes of addresses (in lower case).
func (h *hasher) of(addresses []string) []string {
	hashes := make([]string, len(addresses))
	var address, sum []byte
	text := append(make([]byte, 0, len(h.start)+2*hashSize), h.start...)
	for i, a := range addresses {
		address = append(address[:0], a...)
		sum = h.append(sum[:0], address)
		hashes[i] = string(hex.AppendEncode(text, sum[:hashSize]))
	}
	return hashes
}

// OwnHash reports whether a hash was made by this database.
func (db *DB) OwnHash(hash string) bool { return strings.HasPrefix(hash, db.hashes.start) }
