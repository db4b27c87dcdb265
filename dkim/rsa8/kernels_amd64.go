package rsa8

import "golang.org/x/sys/cpu"

//go:generate sh -c "go run ./gen > kernels_amd64.s"

// supported holds when the processor has what the kernels use and the operating
// system saves the registers they use.
func supported() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW &&
		cpu.X86.HasAVX512VL && cpu.X86.HasAVX512IFMA
}

// amm20 is the almost-Montgomery product a*b/2^1040 mod n, in every lane: with a and
// b below 2^1032 the result is below 2^1025, and it isn't reduced further. Limbs of
// a and b may hold anything above bit 51, and those of r do: bits that were carried
// upward already. k0 is -1/n mod 2^52. r may be a or b.
//
//go:noescape
func amm20(r, a, b *number, n *[limbs]uint64, k0 uint64)

// ams20 is amm20 of a and a. tmp is scratch and neither r nor a.
//
//go:noescape
func ams20(r, a, tmp *number, n *[limbs]uint64, k0 uint64)

// sel20 copies an entry of the table, reading all of it.
//
//go:noescape
func sel20(r *number, tab *[1 << window]number, index uint64)

// amm40 is amm20 for 2048 bits: a*b/2^2080 mod n, inputs below 2^2064, the result
// below 2^2049. acc is scratch and none of the others.
//
//go:noescape
func amm40(r, a, b, acc *wideNumber, n *[wideLimbs]uint64, k0 uint64)
