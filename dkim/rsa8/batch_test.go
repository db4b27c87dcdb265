package rsa8

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"
)

func generate(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func prepare(t testing.TB, key *rsa.PrivateKey) *Batch {
	t.Helper()
	needIFMA(t)
	b, ok := New(key)
	if !ok {
		t.Fatal("New refuses a key of 2048 bits")
	}
	return b
}

func randomDigests(n int) [][sha256.Size]byte {
	digests := make([][sha256.Size]byte, n)
	for i := range digests {
		rand.Read(digests[i][:])
	}
	return digests
}

// checkSigs compares with crypto/rsa, byte by byte.
func checkSigs(t testing.TB, key *rsa.PrivateKey, sigs [][Size]byte, digests [][sha256.Size]byte) {
	t.Helper()
	for i := range digests {
		want, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digests[i][:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sigs[i][:], want) {
			t.Errorf("signature %d of %d: %x, want %x", i, len(digests), sigs[i], want)
		}
	}
}

func TestSign(t *testing.T) {
	needIFMA(t)
	for range 4 {
		key := generate(t, 2048)
		b := prepare(t, key)
		for n := 1; n <= Lanes; n++ {
			digests, sigs := randomDigests(n), make([][Size]byte, n)
			if err := b.Sign(sigs, digests); err != nil {
				t.Fatal(err)
			}
			checkSigs(t, key, sigs, digests)
		}
		if got, want := b.Stats(), (Stats{Batches: Lanes, Signatures: 36}); got != want {
			t.Errorf("Stats() = %+v, want %+v", got, want)
		}
	}
}

// A fault in any lane, at any stage, is seen in exactly that lane.
func TestFaults(t *testing.T) {
	needIFMA(t)
	b := prepare(t, generate(t, 2048))
	faults := []struct {
		name   string
		before func(w *workspace, lane int) // the halves are computed
		after  func(w *workspace, lane int) // the signatures are in text
	}{
		{name: "none"},
		{name: "half of p", before: func(w *workspace, l int) { w.sp[5][l] ^= 1 << 17 }},
		{name: "half of q", before: func(w *workspace, l int) { w.sq[19][l] ^= 1 }},
		{name: "signature", after: func(w *workspace, l int) { w.text[l][255] ^= 1 }},
		{name: "signature plus N", after: func(w *workspace, l int) {
			// Congruent, but no signature (RFC 8017 §5.2.2); too long for some keys.
			sum := new(big.Int).Add(new(big.Int).SetBytes(w.text[l][:]), b.key.N)
			sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 8*Size)).FillBytes(w.text[l][:])
		}},
		{name: "copy of the message", after: func(w *workspace, l int) { w.want[0][l] ^= 1 << 51 }},
	}
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			for l := range Lanes {
				w := workspaces.Get().(*workspace)
				w.encode(randomDigests(Lanes))
				b.exponentiate(w)
				want := uint8(0xff)
				if tt.before != nil {
					tt.before(w, l)
					want &^= 1 << l
				}
				b.combine(w)
				if tt.after != nil {
					tt.after(w, l)
					want &^= 1 << l
				}
				if got := b.verify(w); got != want {
					t.Errorf("a fault in lane %d: good lanes %08b, want %08b", l, got, want)
				}
				w.release()
			}
		})
	}
}

// A message that changes while it is signed gives no signature of something else.
func TestFaultInMessage(t *testing.T) {
	b := prepare(t, generate(t, 2048))
	w := workspaces.Get().(*workspace)
	defer w.release()
	w.encode(randomDigests(Lanes))
	w.message[0][6] ^= 1
	b.exponentiate(w)
	b.combine(w)
	if got := b.verify(w); got != 0xff&^(1<<6) {
		t.Errorf("good lanes %08b, want all but lane 6", got)
	}
}

// A machine that computes wrongly costs speed, not a single wrong signature.
func TestFallsBack(t *testing.T) {
	key := generate(t, 2048)
	b := prepare(t, key)
	b.p.exponent[100] ^= 1
	for i := range maxFaults + 2 {
		digests, sigs := randomDigests(2), make([][Size]byte, 2)
		if err := b.Sign(sigs, digests); err != nil {
			t.Fatal(err)
		}
		checkSigs(t, key, sigs, digests)
		n := uint64(min(i+1, maxFaults))
		want := Stats{Batches: n, Signatures: 2 * n, Wrong: Lanes * n, Off: n == maxFaults}
		if got := b.Stats(); got != want {
			t.Errorf("after %d wrong batches: %+v, want %+v", i+1, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	needIFMA(t)
	odd := *testKey()
	odd.E = 3
	short := generate(t, 1024)
	inconsistent := *testKey()
	inconsistent.D = new(big.Int).Add(inconsistent.D, big.NewInt(2))
	for name, key := range map[string]*rsa.PrivateKey{
		"1024 bits":         short,
		"3072 bits":         generate(t, 3072),
		"another exponent":  &odd,
		"a key that is off": &inconsistent,
	} {
		if _, ok := New(key); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSelfTest(t *testing.T) {
	needIFMA(t)
	if !selfTest() {
		t.Error("the self-test fails on this machine")
	}
}

// The known answer is OpenSSL's too.
func TestKnownAnswer(t *testing.T) {
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())})
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pemKey, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for i := range Lanes {
		cmd := exec.CommandContext(t.Context(), "openssl", "dgst", "-sha256", "-sign", path)
		cmd.Stdin = bytes.NewReader([]byte{byte(i)})
		sig, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl is missing or fails: apt-get install openssl (%v)", err)
		}
		sum.Write(sig)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != testSum {
		t.Errorf("OpenSSL's signatures hash to %s, want %s", got, testSum)
	}
}

// Nothing of a key stays in memory that others will use.
func TestWiped(t *testing.T) {
	b := prepare(t, testKey())
	w := workspaces.Get().(*workspace)
	if uintptr(unsafe.Pointer(w))%align != 0 {
		t.Error("the workspace isn't aligned")
	}
	w.encode(randomDigests(Lanes))
	b.exponentiate(w)
	if *w == (workspace{}) {
		t.Fatal("nothing was computed")
	}
	w.release()
	if *w != (workspace{}) {
		t.Error("the workspace wasn't wiped")
	}
}

func TestSignConcurrently(t *testing.T) {
	key := generate(t, 2048)
	b := prepare(t, key)
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			digests, sigs := randomDigests(n+1), make([][Size]byte, n+1)
			if err := b.Sign(sigs, digests); err != nil {
				t.Error(err)
			}
			checkSigs(t, key, sigs, digests)
		})
	}
	all.Wait()
}

func FuzzSign(f *testing.F) {
	needIFMA(f)
	key := testKey()
	b := prepare(f, key)
	f.Add([]byte("one"))
	f.Add(bytes.Repeat([]byte{0xff}, 300))
	f.Fuzz(func(t *testing.T, data []byte) {
		digests := make([][sha256.Size]byte, 1+len(data)%Lanes)
		for i := range digests {
			copy(digests[i][:], data[min(i*sha256.Size, len(data)):])
		}
		sigs := make([][Size]byte, len(digests))
		if err := b.Sign(sigs, digests); err != nil {
			t.Fatal(err)
		}
		checkSigs(t, key, sigs, digests)
		if b.Stats().Wrong != 0 {
			t.Fatal("a lane was wrong")
		}
	})
}
