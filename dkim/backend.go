package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"

	"broadside/dkim/rsa8"
)

// backend computes signatures with one private key; it is safe for concurrent use.
type backend interface {
	// sign appends to dst the signature of a message's SHA-256 digest.
	sign(dst []byte, digest *[sha256.Size]byte) ([]byte, error)
	name() string
}

func newBackend(k *Key) backend {
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return edBackend{private}
	case *rsa.PrivateKey:
		if batch, ok := rsa8.New(private); ok {
			return newLaneBackend(batch)
		}
		return rsaBackend{private}
	}
	panic("newKey admits RSA and Ed25519 only")
}

// rsaBackend signs with RSASSA-PKCS1-v1_5 (RFC 6376 §3.3.1).
type rsaBackend struct{ private *rsa.PrivateKey }

func (rsaBackend) name() string { return "crypto/rsa" }

func (b rsaBackend) sign(dst []byte, digest *[sha256.Size]byte) ([]byte, error) {
	sig, err := rsa.SignPKCS1v15(nil, b.private, crypto.SHA256, digest[:])
	return append(dst, sig...), err
}

// edBackend signs the digest as its message: PureEdDSA over SHA-256 (RFC 8463 §3).
type edBackend struct{ private ed25519.PrivateKey }

func (edBackend) name() string { return "ed25519" }

func (b edBackend) sign(dst []byte, digest *[sha256.Size]byte) ([]byte, error) {
	return append(dst, ed25519.Sign(b.private, digest[:])...), nil
}
