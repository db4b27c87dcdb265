package rsa8

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

const (
	// Lanes is how many messages are signed at once.
	Lanes = 8
	// Size is the length of a signature in bytes.
	Size = 256

	radix     = 52 // bits of a limb
	limbs     = 20 // of a 1024-bit number, R = 2^1040
	wideLimbs = 40 // of a 2048-bit number, R = 2^2080
	low       = 1<<radix - 1
)

// vec is the same limb of eight numbers, one register.
type vec [Lanes]uint64

// number is eight numbers of up to 1040 bits, least limb first. What the kernels
// return has had its carries added to the limb above, but they still stand above bit
// 51: mask before limbs are added, compared or shifted, or they count twice.
type number [limbs]vec

// wideNumber is eight numbers of up to 2080 bits.
type wideNumber [wideLimbs]vec

// mask drops the bits that were carried already.
func mask(x []vec) {
	for j := range x {
		for l := range x[j] {
			x[j][l] &= low
		}
	}
}

// carry moves what exceeds a limb to the limb above; limbs may be negative.
func carry(x []vec) {
	var c vec
	for j := range x {
		for l := range x[j] {
			t := x[j][l] + c[l]
			c[l] = uint64(int64(t) >> radix)
			x[j][l] = t & low
		}
	}
}

// reduceOnce subtracts n from the lanes that are not below it. x is masked and below
// 2n; tmp is scratch of the same length. The same instructions run for every value.
func reduceOnce(x, tmp []vec, n []uint64) {
	var borrow vec
	for j := range x {
		for l := range x[j] {
			t := x[j][l] - n[j] - borrow[l]
			borrow[l] = t >> 63
			tmp[j][l] = t & low
		}
	}
	for j := range x {
		for l := range x[j] {
			keep := -borrow[l] // all ones where x was below n
			x[j][l] = x[j][l]&keep | tmp[j][l]&^keep
		}
	}
}

// addProduct adds a*b in every lane to sum, whose limbs it leaves uncarried. a is
// masked, and sum has room for twice as many limbs.
func addProduct(sum *wideNumber, a *number, b *[limbs]uint64) {
	for i, bi := range b {
		for j := range a {
			for l := range a[j] {
				hi, lo := bits.Mul64(a[j][l]<<(64-radix), bi)
				sum[i+j][l] += lo >> (64 - radix)
				sum[i+j+1][l] += hi
			}
		}
	}
}

// broadcast puts the same number into every lane.
func broadcast(x []vec, n []uint64) {
	for j := range x {
		for l := range x[j] {
			x[j][l] = n[j]
		}
	}
}

// equal has a bit set for every lane in which a and b, both masked, are the same.
func equal(a, b *wideNumber) (lanes uint8) {
	var differ vec
	for j := range a {
		for l := range a[j] {
			differ[l] |= a[j][l] ^ b[j][l]
		}
	}
	for l, d := range differ {
		lanes |= uint8((d|-d)>>63^1) << l
	}
	return lanes
}

// below has a bit set for every lane of x, which is masked, that is less than n.
func below(x *wideNumber, n *[wideLimbs]uint64) (lanes uint8) {
	var borrow vec
	for j := range x {
		for l := range x[j] {
			borrow[l] = (x[j][l] - n[j] - borrow[l]) >> 63
		}
	}
	for l, b := range borrow {
		lanes |= uint8(b) << l
	}
	return lanes
}

// load takes the lanes from big-endian bytes.
func (x *wideNumber) load(text *[Lanes][Size]byte) {
	for l := range text {
		var words [Size/8 + 1]uint64
		for i := range Size / 8 {
			words[i] = binary.BigEndian.Uint64(text[l][Size-8*(i+1):])
		}
		for j := range x {
			i, shift := radix*j/64, radix*j%64
			x[j][l] = (words[i]>>shift | words[i+1]<<(64-shift)) & low
		}
	}
}

// store writes the lanes, which are masked, as big-endian bytes.
func (x *wideNumber) store(text *[Lanes][Size]byte) {
	for l := range text {
		var words [Size/8 + 1]uint64
		for j := range x {
			i, shift := radix*j/64, radix*j%64
			words[i] |= x[j][l] << shift
			words[i+1] |= x[j][l] >> (64 - shift)
		}
		for i := range Size / 8 {
			binary.BigEndian.PutUint64(text[l][Size-8*(i+1):], words[i])
		}
	}
}

// split cuts a number into limbs.
func split(limbs []uint64, x *big.Int) {
	var rest, limb big.Int
	rest.Set(x)
	for j := range limbs {
		limbs[j] = limb.And(&rest, big.NewInt(low)).Uint64()
		rest.Rsh(&rest, radix)
	}
}

// negInverse is -1/n mod 2^52 for an odd n, of which it needs the lowest limb.
func negInverse(n uint64) uint64 {
	inverse := n // right in the lowest three bits; each step doubles them
	for range 5 {
		inverse *= 2 - n*inverse
	}
	return -inverse & low
}
