package rsa8

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"math/bits"
	"sync/atomic"
)

// maxFaults is how many batches with a wrong lane it takes to distrust the machine.
const maxFaults = 3

// Batch signs with one RSA-2048 key. It is safe for concurrent use; each call needs
// 45 KB, which are pooled.
type Batch struct {
	key    *rsa.PrivateKey
	p, q   modulus
	qInv   [limbs]uint64 // 1/q mod p, times R
	n, nRR [wideLimbs]uint64
	nK0    uint64

	faults                     atomic.Int64 // batches with a wrong lane
	batches, signatures, wrong atomic.Uint64
}

// modulus is a prime of the key with what Montgomery multiplication needs.
type modulus struct {
	n, one, rr, rrr [limbs]uint64 // the prime; R, R^2 and R^3 modulo it
	k0              uint64        // -1/n mod 2^52
	exponent        [1024 / window]uint8
}

// New prepares a key. It is false when crypto/rsa must be used instead: the
// processor lacks AVX-512 IFMA, the self-test failed, or the key isn't one of two
// 1024-bit primes, a modulus of 2048 bits and the exponent 65537.
func New(key *rsa.PrivateKey) (*Batch, bool) {
	if !supported() || !selfTest() {
		return nil, false
	}
	return newBatch(key)
}

func newBatch(key *rsa.PrivateKey) (*Batch, bool) {
	if key.N.BitLen() != 8*Size || key.E != 65537 || len(key.Primes) != 2 ||
		key.Primes[0].BitLen() != 1024 || key.Primes[1].BitLen() != 1024 || key.Validate() != nil {
		return nil, false
	}
	p, q := key.Primes[0], key.Primes[1]
	b := &Batch{key: key}
	b.p.set(p, key.D)
	b.q.set(q, key.D)
	qInv := new(big.Int).ModInverse(q, p)
	split(b.qInv[:], qInv.Mod(qInv.Lsh(qInv, radix*limbs), p))
	split(b.n[:], key.N)
	split(b.nRR[:], power2(2*radix*wideLimbs, key.N))
	b.nK0 = negInverse(b.n[0])
	return b, true
}

func (m *modulus) set(prime, d *big.Int) {
	split(m.n[:], prime)
	split(m.one[:], power2(radix*limbs, prime))
	split(m.rr[:], power2(2*radix*limbs, prime))
	split(m.rrr[:], power2(3*radix*limbs, prime))
	m.k0 = negInverse(m.n[0])
	exponent := new(big.Int).Mod(d, new(big.Int).Sub(prime, big.NewInt(1)))
	for i := range m.exponent {
		for bit := range window {
			m.exponent[i] |= uint8(exponent.Bit(window*i+bit)) << bit
		}
	}
}

// power2 is 2^n mod m.
func power2(n uint, m *big.Int) *big.Int {
	x := new(big.Int).Lsh(big.NewInt(1), n)
	return x.Mod(x, m)
}

// Sign writes the PKCS #1 v1.5 signatures of up to eight SHA-256 digests. It takes
// the same time for one as for eight, about 0.8 ms. A signature that turns out wrong
// is computed again by crypto/rsa, the only source of an error here; when that
// happens repeatedly, all are.
func (b *Batch) Sign(sigs [][Size]byte, digests [][sha256.Size]byte) error {
	if b.Stats().Off {
		return b.fallBack(sigs, digests, 0)
	}
	w := workspaces.Get().(*workspace)
	defer w.release()
	w.encode(digests)
	b.exponentiate(w)
	b.combine(w)
	good := b.verify(w)
	b.batches.Add(1)
	b.signatures.Add(uint64(len(digests)))
	for i := range digests {
		if good>>i&1 == 1 {
			sigs[i] = w.text[i]
		}
	}
	if good == 1<<Lanes-1 {
		return nil
	}
	b.faults.Add(1)
	b.wrong.Add(uint64(Lanes - bits.OnesCount8(good)))
	return b.fallBack(sigs, digests, good)
}

// fallBack signs with crypto/rsa the lanes that aren't good.
func (b *Batch) fallBack(sigs [][Size]byte, digests [][sha256.Size]byte, good uint8) error {
	for i := range digests {
		if good>>i&1 == 1 {
			continue
		}
		sig, err := rsa.SignPKCS1v15(nil, b.key, crypto.SHA256, digests[i][:])
		if err != nil {
			return fmt.Errorf("sign with crypto/rsa: %w", err)
		}
		copy(sigs[i][:], sig)
	}
	return nil
}

// Stats is what a Batch has done.
type Stats struct {
	Batches    uint64 // of up to eight
	Signatures uint64 // asked for in them
	Wrong      uint64 // lanes that didn't verify and were signed by crypto/rsa
	Off        bool   // so many batches were wrong that crypto/rsa does all the work
}

// Stats is a snapshot.
func (b *Batch) Stats() Stats {
	return Stats{
		Batches:    b.batches.Load(),
		Signatures: b.signatures.Load(),
		Wrong:      b.wrong.Load(),
		Off:        b.faults.Load() >= maxFaults,
	}
}
