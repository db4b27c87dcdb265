package rsa8

import (
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
)

// needIFMA says in the test's output what isn't tested on this machine.
func needIFMA(t testing.TB) {
	t.Helper()
	if !supported() {
		t.Skip("NOT TESTED: this processor has no AVX-512 IFMA, which the kernels need")
	}
}

// The assembly is what the generator writes.
func TestGenerated(t *testing.T) {
	want, err := exec.CommandContext(t.Context(), "go", "run", "./gen").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("kernels_amd64.s isn't what gen writes: run go generate in dkim/rsa8")
	}
}

// oddModulus has exactly n bits.
func oddModulus(r *rand.Rand, n uint) *big.Int {
	m := random(r, n)
	return m.SetBit(m.SetBit(m, 0, 1), int(n-1), 1)
}

// checkProduct compares a lane with a*b/R mod n and the promised bound.
func checkProduct(t *testing.T, got, a, b, n *big.Int, shift, bound uint) {
	t.Helper()
	want := new(big.Int).Mul(a, b)
	left := new(big.Int).Lsh(got, shift)
	if left.Sub(left, want).Mod(left, n).Sign() != 0 {
		t.Fatalf("%x is not %x * %x / 2^%d mod %x", got, a, b, shift, n)
	}
	if got.BitLen() > int(bound) {
		t.Fatalf("%x is not below 2^%d", got, bound)
	}
}

func TestAmm20(t *testing.T) {
	needIFMA(t)
	r := rand.New(rand.NewPCG(11, 12))
	w := workspaces.Get().(*workspace)
	defer w.release()
	for range 1000 {
		checkAmm20(t, w, r)
	}
}

// checkAmm20 runs amm20 and ams20 on what r says, once with the result in place.
func checkAmm20(t *testing.T, w *workspace, r *rand.Rand) {
	t.Helper()
	n := oddModulus(r, 1024)
	var words [limbs]uint64
	split(words[:], n)
	k0 := negInverse(words[0])
	a, b, got := &w.base, &w.power, &w.sp
	for l := range Lanes {
		set(a[:], l, random(r, 1032), r)
		set(b[:], l, random(r, 1032), r)
	}
	amm20(got, a, b, &words, k0)
	for l := range Lanes {
		checkProduct(t, lane(got[:], l), lane(a[:], l), lane(b[:], l), n, radix*limbs, 1025)
	}
	ams20(got, a, &w.scratch, &words, k0)
	for l := range Lanes {
		checkProduct(t, lane(got[:], l), lane(a[:], l), lane(a[:], l), n, radix*limbs, 1025)
	}
	before := *a
	ams20(a, a, &w.scratch, &words, k0)
	if *a != *got {
		t.Fatal("ams20 in place gives something else")
	}
	amm20(got, &before, b, &words, k0)
	amm20(b, &before, b, &words, k0)
	if *b != *got {
		t.Fatal("amm20 in place gives something else")
	}
}

func TestAmm40(t *testing.T) {
	needIFMA(t)
	r := rand.New(rand.NewPCG(13, 14))
	w := workspaces.Get().(*workspace)
	defer w.release()
	for range 300 {
		n := oddModulus(r, 2048)
		var words [wideLimbs]uint64
		split(words[:], n)
		k0 := negInverse(words[0])
		a, b, got := &w.message, &w.want, &w.check
		for l := range Lanes {
			set(a[:], l, random(r, 2064), r)
			set(b[:], l, random(r, 2064), r)
		}
		amm40(got, a, b, &w.wide, &words, k0)
		for l := range Lanes {
			checkProduct(t, lane(got[:], l), lane(a[:], l), lane(b[:], l), n, radix*wideLimbs, 2049)
		}
		amm40(a, a, b, &w.wide, &words, k0)
		if *a != *got {
			t.Fatal("amm40 in place gives something else")
		}
	}
}

func TestSel20(t *testing.T) {
	needIFMA(t)
	r := rand.New(rand.NewPCG(15, 16))
	w := workspaces.Get().(*workspace)
	defer w.release()
	for i := range w.table {
		for j := range w.table[i] {
			for l := range w.table[i][j] {
				w.table[i][j][l] = r.Uint64()
			}
		}
	}
	for i := range w.table {
		sel20(&w.power, &w.table, uint64(i))
		if w.power != w.table[i] {
			t.Errorf("entry %d isn't what was chosen", i)
		}
	}
}

func FuzzAmm20(f *testing.F) {
	needIFMA(f)
	for seed := range uint64(8) {
		f.Add(seed, ^seed)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		w := workspaces.Get().(*workspace)
		defer w.release()
		checkAmm20(t, w, rand.New(rand.NewPCG(a, b)))
	})
}
