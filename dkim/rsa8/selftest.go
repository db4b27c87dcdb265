package rsa8

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"sync"
)

// The key of the self-test, which protects nothing, and the SHA-256 of the eight
// signatures that crypto/rsa and OpenSSL make with it of the SHA-256 of the bytes 0
// to 7.
const (
	testP = "" +
		"e3fe29208a05f4550a0415589457fdf22628d3b2b38afa2b823f499a9d673260" +
		"bb99525161c167b23c37335ae94776ac86abe3669b8a47f2b6e7045e1bb1debe" +
		"1da3ad940615dae30399e1caba414af4328db60fd34c93009e347f4ad347a661" +
		"11071e240b0d8887663a4e73d32d0255b62ede4624a78f99b1a8885fd64531c3"
	testQ = "" +
		"d32dc715373a48a6f39e0a5808be7c16487ec376c66e11f7247f4845e850eb80" +
		"893aab5bc1698d22fe89c304a9ae013ffe918df2105ef12828a48607db0c7488" +
		"9039ef610afb9db9c45715ce8ced054a4cca70e330bb894e4ef0700f0fa654bd" +
		"af1660dc40cd7883f920a03c2eb7eeef32c3d90d33a100e566a970a00da47dc1"
	testSum = "" +
		"0d14da38c65138824d188689d58730c29c6968dead5c6497fd90e0e3c120549e"
)

// selfTest signs with a known key once per process and compares with the known
// answer: kernels that don't do what they should here are never used.
var selfTest = sync.OnceValue(func() bool {
	b, ok := newBatch(testKey())
	if !ok {
		return false
	}
	var digests [Lanes][sha256.Size]byte
	for i := range digests {
		digests[i] = sha256.Sum256([]byte{byte(i)})
	}
	w := workspaces.Get().(*workspace)
	defer w.release()
	w.encode(digests[:])
	b.exponentiate(w)
	b.combine(w)
	good := b.verify(w)
	sum := sha256.New()
	for _, sig := range w.text {
		sum.Write(sig[:])
	}
	want, err := hex.DecodeString(testSum)
	return err == nil && good == 1<<Lanes-1 && bytes.Equal(sum.Sum(nil), want)
})

func testKey() *rsa.PrivateKey {
	p, _ := new(big.Int).SetString(testP, 16)
	q, _ := new(big.Int).SetString(testQ, 16)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(big.NewInt(65537), phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	return key
}
