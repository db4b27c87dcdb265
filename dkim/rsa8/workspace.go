package rsa8

import (
	"sync"
	"unsafe"
)

// window is how many bits of an exponent are worked off per multiplication. The
// table of 2^window powers, 20 KB, stays in the first-level cache.
const window = 4

// workspace is the memory of one batch. Every field is a multiple of 64 bytes long,
// so that all are aligned when the first is.
type workspace struct {
	table   [1 << window]number
	base    number     // the message, then a chosen power
	power   number     // the running result
	scratch number     // for ams20, and halves
	sp, sq  number     // the signature modulo p and q
	message wideNumber // the encoded messages
	want    wideNumber // a copy of them from before anything was computed
	sig     wideNumber // the signatures
	check   wideNumber // sig^65537 mod N on the way
	wide    wideNumber // scratch

	text [Lanes][Size]byte // encoded messages, then signatures
}

// align is that of a register: a load that crosses a cache line costs two.
const align = 64

var workspaces = sync.Pool{New: func() any {
	memory := make([]byte, unsafe.Sizeof(workspace{})+align-1)
	at := unsafe.Pointer(unsafe.SliceData(memory))
	offset := -uintptr(at) & (align - 1)
	return (*workspace)(unsafe.Add(at, offset)) // no pointers inside, so bytes will do
}}

// release wipes what depends on the key and gives the memory back.
func (w *workspace) release() {
	*w = workspace{}
	workspaces.Put(w)
}
