package listfile

import (
	"bytes"
	"io"
)

// window is a growing view of a stream: what is between start and end has been read
// and not been used yet.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int
	eof        bool
}

func newWindow(r io.Reader) window { return window{r: r, buf: make([]byte, 64<<10)} }

func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

func (w *window) use(n int) { w.start += n }

// more reads until the buffer is full, which doubles when nothing in it can go; so a
// record that is looked at again after each more costs no more than twice its length.
func (w *window) more() error {
	if w.start > 0 {
		w.end = copy(w.buf, w.buf[w.start:w.end])
		w.start = 0
	}
	if w.end == len(w.buf) {
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	for w.end < len(w.buf) {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if err == io.EOF {
			w.eof = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// line returns the bytes before the next end of line and how long both are; -1 when
// more must be read.
func (w *window) line(end byte) (line []byte, length int) {
	b := w.bytes()
	i := bytes.IndexByte(b, end)
	switch {
	case i >= 0:
		line, length = b[:i], i+1
	case w.eof && len(b) > 0:
		line, length = b, len(b)
	default:
		return nil, -1
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, length
}
