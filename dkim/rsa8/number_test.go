package rsa8

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// lane reads a lane of masked or unmasked limbs: what stands above bit 51 was
// carried already.
func lane(x []vec, l int) *big.Int {
	n := new(big.Int)
	for j := len(x) - 1; j >= 0; j-- {
		n.Lsh(n, radix)
		n.Or(n, new(big.Int).SetUint64(x[j][l]&low))
	}
	return n
}

// set fills a lane, leaving garbage above bit 51 when it is given a source of it.
func set(x []vec, l int, n *big.Int, garbage *rand.Rand) {
	words := make([]uint64, len(x))
	split(words, n)
	for j := range x {
		x[j][l] = words[j]
		if garbage != nil {
			x[j][l] |= garbage.Uint64() << radix
		}
	}
}

// random is a number below 2^n, or one of those that arithmetic gets wrong.
func random(r *rand.Rand, n uint) *big.Int {
	limit := new(big.Int).Lsh(big.NewInt(1), n)
	switch r.IntN(8) {
	case 0:
		return new(big.Int).Sub(limit, big.NewInt(1+r.Int64N(2)))
	case 1:
		return big.NewInt(r.Int64N(3))
	case 2: // long runs of ones and zeros
		x := new(big.Int)
		for x.BitLen() < int(n) {
			run := 1 + r.UintN(120)
			x.Lsh(x, run)
			if r.IntN(2) == 0 {
				x.Add(x, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), run), big.NewInt(1)))
			} else {
				x.Add(x, big.NewInt(1))
			}
		}
		return x.Mod(x, limit)
	}
	x := new(big.Int)
	for range n/64 + 1 {
		x.Or(x.Lsh(x, 64), new(big.Int).SetUint64(r.Uint64()))
	}
	return x.Mod(x, limit)
}

func TestLoadStore(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var text, again [Lanes][Size]byte
		var want [Lanes]*big.Int
		for l := range text {
			want[l] = random(r, 8*Size)
			want[l].FillBytes(text[l][:])
		}
		var x wideNumber
		x.load(&text)
		for l := range text {
			if got := lane(x[:], l); got.Cmp(want[l]) != 0 {
				t.Fatalf("lane %d holds %x, want %x", l, got, want[l])
			}
		}
		if x.store(&again); again != text {
			t.Fatal("store doesn't write what load read")
		}
	}
}

func TestReduceOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := new(big.Int).SetBit(random(r, 1024), 1023, 1)
		var words [limbs]uint64
		split(words[:], n)
		var x, tmp number
		var want [Lanes]*big.Int
		for l := range want {
			v := new(big.Int).Mod(random(r, 1026), n)
			if l == 0 {
				v.SetInt64(0)
			}
			want[l] = v
			set(x[:], l, new(big.Int).Add(v, new(big.Int).Mul(n, big.NewInt(r.Int64N(2)))), nil)
		}
		reduceOnce(x[:], tmp[:], words[:])
		for l := range want {
			if got := lane(x[:], l); got.Cmp(want[l]) != 0 {
				t.Fatalf("lane %d: %x, want %x", l, got, want[l])
			}
		}
	}
}

func TestAddProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var sum wideNumber
		var a number
		var b [limbs]uint64
		factor := random(r, 1024)
		split(b[:], factor)
		var want [Lanes]*big.Int
		for l := range want {
			x, y := random(r, 1024), random(r, 1024)
			set(a[:], l, x, nil)
			set(sum[:], l, y, nil)
			want[l] = y.Add(y, x.Mul(x, factor))
		}
		addProduct(&sum, &a, &b)
		carry(sum[:])
		for l := range want {
			if got := lane(sum[:], l); got.Cmp(want[l]) != 0 {
				t.Fatalf("lane %d: %x, want %x", l, got, want[l])
			}
		}
	}
}

// One wrong bit anywhere shows in its lane and in no other.
func TestEqual(t *testing.T) {
	var a, b wideNumber
	r := rand.New(rand.NewPCG(7, 8))
	for l := range Lanes {
		set(a[:], l, random(r, 2048), nil)
	}
	b = a
	if equal(&a, &b) != 0xff {
		t.Fatal("the same numbers differ")
	}
	for j := range b {
		for l := range b[j] {
			b[j][l] ^= 1 << r.UintN(radix)
			if got, want := equal(&a, &b), ^uint8(1<<l); got != want {
				t.Fatalf("a bit in limb %d of lane %d: %08b, want %08b", j, l, got, want)
			}
			b[j][l] = a[j][l]
		}
	}
}

func TestNegInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 1000 {
		n := r.Uint64()&low | 1
		if got := negInverse(n); n*got&low != low {
			t.Fatalf("negInverse(%#x) = %#x", n, got)
		}
	}
}
