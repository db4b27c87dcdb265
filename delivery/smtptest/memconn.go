package smtptest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memoryConn is one end of an in-memory connection. Other than net.Pipe it has a
// buffer, as TCP does, so that two ends that write at once do not block each other.
type memoryConn struct {
	in, out       *stream
	local, remote net.Addr
}

// memoryPipe returns the two ends of a connection.
func memoryPipe(client, server net.Addr) (net.Conn, net.Conn) {
	a, b := newStream(), newStream()
	return &memoryConn{a, b, client, server}, &memoryConn{b, a, server, client}
}

func (c *memoryConn) Read(p []byte) (int, error)         { return c.in.read(p) }
func (c *memoryConn) Write(p []byte) (int, error)        { return c.out.write(p) }
func (c *memoryConn) LocalAddr() net.Addr                { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr               { return c.remote }
func (c *memoryConn) SetReadDeadline(t time.Time) error  { c.in.readBy.set(c.in, t); return nil }
func (c *memoryConn) SetWriteDeadline(t time.Time) error { c.out.writeBy.set(c.out, t); return nil }

func (c *memoryConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite ends the outgoing direction: the peer reads what is left, then EOF.
func (c *memoryConn) CloseWrite() error {
	c.out.close(false)
	return nil
}

// Close ends both directions and discards what was not read.
func (c *memoryConn) Close() error {
	c.out.close(false)
	c.in.close(true)
	return nil
}

// streamBuffer is how much a writer may be ahead of its reader.
const streamBuffer = 1 << 20

// stream is one direction of a connection.
type stream struct {
	mu              sync.Mutex
	changed         *sync.Cond
	data            []byte
	ended           bool // the writer has closed
	gone            bool // the reader has closed
	readBy, writeBy deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// deadline wakes its stream when it passes. It is guarded by the stream's mutex.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) set(s *stream, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), s.wake)
	}
	s.changed.Broadcast()
}

// wake holds the mutex so that no reader is between its look at the clock and Wait.
func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.gone:
			return 0, net.ErrClosed
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.data) > 0:
			n := copy(p, s.data)
			s.data = append(s.data[:0], s.data[n:]...)
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		switch {
		case s.ended:
			return written, net.ErrClosed
		case s.gone:
			return written, io.ErrClosedPipe
		case s.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		}
		n := min(len(p), streamBuffer-len(s.data))
		s.data = append(s.data, p[:n]...)
		p, written = p[n:], written+n
		if n > 0 {
			s.changed.Broadcast()
		}
		if len(p) == 0 {
			return written, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) close(reader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reader {
		s.gone = true
		s.data = nil
	} else {
		s.ended = true
	}
	for _, d := range []*deadline{&s.readBy, &s.writeBy} {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	s.changed.Broadcast()
}
