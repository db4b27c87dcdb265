package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Algorithm is what a key signs with; RFC 8301 leaves SHA-256 as the only hash.
type Algorithm uint8

// The algorithms of RFC 6376 §3.3.1 and RFC 8463 §3.
const (
	RSA2048 Algorithm = iota // any RSA key of 1024 bits or more; 2048 when generated
	Ed25519
)

// String is the a= tag of a signature.
func (a Algorithm) String() string {
	if a == Ed25519 {
		return "ed25519-sha256"
	}
	return "rsa-sha256"
}

// minRSABits is what RFC 8301 §3.2 asks of a signer at the least.
const minRSABits = 1024

// Key is the private key that signs for a domain under a selector. It is not
// changed after it was made, so it may be shared.
type Key struct {
	Domain   string // d=, in lower-case A-labels
	Selector string // s=, in lower case

	private crypto.Signer // *rsa.PrivateKey or ed25519.PrivateKey
}

// Generate makes a new key: 2048 bits of RSA, or Ed25519.
func Generate(domain, selector string, alg Algorithm) (*Key, error) {
	if alg == Ed25519 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("generate an Ed25519 key: %w", err)
		}
		return newKey(domain, selector, private)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate an RSA key: %w", err)
	}
	return newKey(domain, selector, private)
}

// ParseKey reads a private key in PEM: PKCS#8, or PKCS#1 as other signers write it.
// RSA keys under 1024 bits are refused (RFC 8301 §3.2).
func ParseKey(domain, selector string, text []byte) (*Key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block: expected a file that begins with -----BEGIN PRIVATE KEY-----")
	}
	private, err := parsePrivate(block)
	if err != nil {
		return nil, err
	}
	return newKey(domain, selector, private)
}

func parsePrivate(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse the PKCS#1 private key: %w", err)
		}
		return private, nil
	case "PRIVATE KEY":
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse the PKCS#8 private key: %w", err)
		}
		return private, nil
	}
	return nil, fmt.Errorf("a PEM block of type %q is no private key: convert it with openssl pkcs8 -topk8 -nocrypt", block.Type)
}

func newKey(domain, selector string, private any) (*Key, error) {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if !validName(domain) || !strings.Contains(domain, ".") {
		return nil, fmt.Errorf("%q is no domain to sign for: give it like example.org, in A-labels", domain)
	}
	selector = strings.ToLower(selector)
	if !validName(selector) {
		return nil, fmt.Errorf("%q is no selector: use letters, digits, hyphens and dots", selector)
	}
	switch k := private.(type) {
	case *rsa.PrivateKey:
		if bits := k.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("the RSA key for %s has %d bits, at least %d are needed: generate one of 2048", domain, bits, minRSABits)
		}
		return &Key{Domain: domain, Selector: selector, private: k}, nil
	case ed25519.PrivateKey:
		return &Key{Domain: domain, Selector: selector, private: k}, nil
	}
	return nil, fmt.Errorf("a key of type %T can't sign mail: use RSA or Ed25519", private)
}

// validName holds for dot-separated labels that are safe in DNS, in a signature's
// tags and as a file name. Underscores occur in selectors in the wild.
func validName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// Algorithm is what the key signs with.
func (k *Key) Algorithm() Algorithm {
	if _, ok := k.private.(ed25519.PrivateKey); ok {
		return Ed25519
	}
	return RSA2048
}

// PEM is the private key as PKCS#8.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("encode the key %s of %s: %w", k.Selector, k.Domain, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
