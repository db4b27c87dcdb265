package smtp

import (
	"bytes"
	"net"
	"strconv"
	"sync"
	"time"
)

// blockSize is how much is written at once. A message of ordinary size leaves with
// its commands in one write, which under TLS also means full records.
const blockSize = 32 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// writer gathers commands and message octets and writes them in blocks, each under
// a timer of its own. It holds a block only between start and finish: an idle
// session owns no buffer.
type writer struct {
	conn  net.Conn
	limit time.Duration // for each block to be taken by the kernel
	block *[blockSize]byte
	buf   []byte
	err   error // the first; nothing is written after it
}

// start begins something to write. The timer of the last reply must not run out
// while no reply is waited for.
func (w *writer) start(limit time.Duration) {
	w.conn.SetReadDeadline(time.Time{})
	w.limit = limit
	w.block = blocks.Get().(*[blockSize]byte)
	w.buf = w.block[:0]
	w.err = nil
}

// finish writes what is left and returns the first error of all since start.
func (w *writer) finish() error {
	w.flush()
	blocks.Put(w.block)
	w.block, w.buf = nil, nil
	return w.err
}

func (w *writer) flush() {
	if w.err == nil && len(w.buf) > 0 {
		w.conn.SetWriteDeadline(time.Now().Add(w.limit))
		_, w.err = w.conn.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

func (w *writer) bytes(p []byte) {
	for len(p) > 0 && w.err == nil {
		n := copy(w.buf[len(w.buf):cap(w.buf)], p)
		w.buf = w.buf[:len(w.buf)+n]
		p = p[n:]
		if len(w.buf) == cap(w.buf) {
			w.flush()
		}
	}
}

func (w *writer) string(s string) { w.buf = append(w.buf, s...) }

// opening adds the commands that begin a transaction. They fit into a fresh block:
// paths and parameters are bounded.
func (w *writer) opening(m *mail, c *Capabilities) {
	w.buf = appendMail(w.buf, m, c)
	w.buf = appendRcpt(w.buf, m, c)
}

// bdat adds the whole message as one last chunk: octets as they are, no dots
// stuffed (RFC 3030 §2).
func (w *writer) bdat(m *mail) {
	w.string("BDAT ")
	w.buf = strconv.AppendInt(w.buf, m.size, 10)
	w.string(" LAST\r\n")
	for _, b := range m.body {
		w.bytes(b)
	}
}

// dotted adds the message as it follows DATA: every dot that begins a line is
// doubled, and a lone dot ends it (RFC 5321 §4.5.2). The message ends in CRLF.
func (w *writer) dotted(m *mail) {
	lineStart := true
	for _, b := range m.body {
		if len(b) == 0 {
			continue
		}
		if lineStart && b[0] == '.' {
			w.bytes(dot)
		}
		lineStart = b[len(b)-1] == '\n'
		for {
			i := bytes.Index(b, lfDot)
			if i < 0 {
				break
			}
			w.bytes(b[:i+2])
			w.bytes(dot)
			b = b[i+2:]
		}
		w.bytes(b)
	}
	w.bytes(endOfData)
}

var (
	dot       = []byte(".")
	lfDot     = []byte("\n.")
	endOfData = []byte(".\r\n")
)
