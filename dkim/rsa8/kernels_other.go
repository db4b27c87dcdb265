//go:build !amd64

package rsa8

// supported is never true here, so that New never makes a Batch and nothing below
// is ever called.
func supported() bool { return false }

func amm20(r, a, b *number, n *[limbs]uint64, k0 uint64)              { panic(noKernels) }
func ams20(r, a, tmp *number, n *[limbs]uint64, k0 uint64)            { panic(noKernels) }
func sel20(r *number, tab *[1 << window]number, index uint64)         { panic(noKernels) }
func amm40(r, a, b, acc *wideNumber, n *[wideLimbs]uint64, k0 uint64) { panic(noKernels) }

const noKernels = "rsa8 has no kernels for this processor"
