package rsa8

import "crypto/sha256"

// encoding is EMSA-PKCS1-v1_5 (RFC 8017 §9.2) for 2048 bits up to the SHA-256 digest.
var encoding = func() (text [Size - sha256.Size]byte) {
	info := []byte{
		0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
	}
	for i := range text {
		text[i] = 0xff
	}
	text[0], text[1] = 0x00, 0x01
	copy(text[len(text)-len(info):], info)
	return text
}()

// encode fills the lanes, those that are left over with the first digest.
func (w *workspace) encode(digests [][sha256.Size]byte) {
	for l := range w.text {
		copy(w.text[l][:], encoding[:])
		copy(w.text[l][len(encoding):], digests[0][:])
		if l < len(digests) {
			copy(w.text[l][len(encoding):], digests[l][:])
		}
	}
	w.message.load(&w.text)
	w.want = w.message
}

// exponentiate computes both halves of the signatures (RFC 8017 §5.1.2).
func (b *Batch) exponentiate(w *workspace) {
	b.p.power(w, &w.sp)
	b.q.power(w, &w.sq)
}

// power sets r to the messages to the exponent, modulo the prime, fully reduced. The
// exponent is the same in all lanes and its digits are used up in the same steps
// whatever they are.
func (m *modulus) power(w *workspace, r *number) {
	m.enter(w)
	broadcast(w.table[0][:], m.one[:])
	w.table[1] = w.base
	for i := 2; i < len(w.table); i++ {
		amm20(&w.table[i], &w.table[i-1], &w.base, &m.n, m.k0)
	}
	digits := m.exponent[:]
	sel20(&w.power, &w.table, uint64(digits[len(digits)-1]))
	for i := len(digits) - 2; i >= 0; i-- {
		for range window {
			ams20(&w.power, &w.power, &w.scratch, &m.n, m.k0)
		}
		sel20(&w.base, &w.table, uint64(digits[i]))
		amm20(&w.power, &w.power, &w.base, &m.n, m.k0)
	}
	broadcast(w.base[:], []uint64{0: 1, limbs - 1: 0})
	amm20(r, &w.power, &w.base, &m.n, m.k0)
	mask(r[:])
	reduceOnce(r[:], w.scratch[:], m.n[:])
}

// enter sets base to the messages modulo the prime, times R. A message of 40 limbs
// is high*R + low, so that is high*R^2 + low*R.
func (m *modulus) enter(w *workspace) {
	lower, upper := (*number)(w.message[:limbs]), (*number)(w.message[limbs:])
	broadcast(w.scratch[:], m.rr[:])
	amm20(&w.base, lower, &w.scratch, &m.n, m.k0)
	broadcast(w.scratch[:], m.rrr[:])
	amm20(&w.power, upper, &w.scratch, &m.n, m.k0)
	mask(w.base[:])
	mask(w.power[:])
	for j := range w.base {
		for l := range w.base[j] {
			w.base[j][l] += w.power[j][l]
		}
	}
	carry(w.base[:])
}

// combine joins the halves by Garner's formula, sq + q*((sp-sq)/q mod p), and writes
// the signatures as bytes.
func (b *Batch) combine(w *workspace) {
	difference, h := &w.base, &w.power
	for j := range difference {
		for l := range difference[j] {
			// 2p keeps the difference positive: both primes have 1024 bits.
			difference[j][l] = w.sp[j][l] + 2*b.p.n[j] - w.sq[j][l]
		}
	}
	carry(difference[:])
	broadcast(w.scratch[:], b.qInv[:])
	amm20(h, difference, &w.scratch, &b.p.n, b.p.k0)
	mask(h[:])
	reduceOnce(h[:], w.scratch[:], b.p.n[:])

	w.sig = wideNumber{}
	copy(w.sig[:], w.sq[:])
	addProduct(&w.sig, h, &b.q.n)
	carry(w.sig[:])
	w.sig.store(&w.text)
}

// verify returns the lanes whose bytes are the signature of what was to be signed:
// sig^65537 mod N, with sig below N. A fault in one half of a signature would give the key away to
// anyone who sees it (Boneh, DeMillo, Lipton 1997), so none leaves unverified.
func (b *Batch) verify(w *workspace) (good uint8) {
	acc := &w.message // not needed any more
	w.sig.load(&w.text)
	broadcast(w.wide[:], b.nRR[:])
	amm40(&w.check, &w.sig, &w.wide, acc, &b.n, b.nK0)
	for range 16 {
		amm40(&w.check, &w.check, &w.check, acc, &b.n, b.nK0)
	}
	amm40(&w.check, &w.check, &w.sig, acc, &b.n, b.nK0)
	mask(w.check[:])
	reduceOnce(w.check[:], w.wide[:], b.n[:])
	return equal(&w.check, &w.want) & below(&w.sig, &b.n)
}
