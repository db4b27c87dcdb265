// Package rsa8 computes eight RSA-2048 signatures at once in the eight 64-bit lanes
// of AVX-512 registers, all with the same key, which is what a mailing needs: a
// batch takes less time than one signature of crypto/rsa, however many lanes are
// used.
//
// Numbers are in radix 2^52, one register holding the same limb of eight numbers.
// Four kernels in assembly, written by gen, multiply; everything else is Go that
// treats all values alike: no branch and no address depends on a secret. A key's
// setup uses math/big and is done once.
//
// The package keeps no data but the key it was given. Its memory is pooled and wiped
// after each batch, and no signature leaves before it was verified. Where the
// processor, the key or the self-test says no, New does, and crypto/rsa serves.
package rsa8
