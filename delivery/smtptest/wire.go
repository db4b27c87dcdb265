package smtptest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// wire is a connection's bytes in both directions. One buffer holds what was read,
// so that a message is looked at where it arrived; one goroutine does everything,
// replies that a simulated latency holds back included.
type wire struct {
	conn    net.Conn
	in      []byte // in[r:] is read and not consumed yet
	r       int
	out     []byte // replies that the client does not wait for yet
	flying  []flight
	latency time.Duration
	idle    time.Duration
	trips   *atomic.Int64
	closing <-chan struct{} // of the Internet: ends all waiting
}

// flight is replies on their way to the client.
type flight struct {
	due     time.Time
	replies []byte
}

const (
	smallBuffer = 4 << 10
	// largeBuffer is what a buffer may stay at between messages.
	largeBuffer = 1 << 20
	// outBuffer is how many bytes of replies may pile up before they are sent
	// although more commands are there.
	outBuffer = 32 << 10
)

var (
	errLineTooLong = errors.New("command line too long")
	errClosing     = errors.New("the simulator is closing")
)

// maxLine is how long a command line may get before the session is given up; that
// is more than any client may send.
const maxLine = 8 << 10

// line returns the next command line without its line end, and whether that was
// CRLF. It is valid until the next call.
func (w *wire) line() (line []byte, crlf bool, err error) {
	scanned := 0
	for {
		if n := bytes.IndexByte(w.in[w.r+scanned:], '\n'); n >= 0 {
			line = w.in[w.r : w.r+scanned+n]
			w.r += scanned + n + 1
			if len(line) > 0 && line[len(line)-1] == '\r' {
				return line[:len(line)-1], true, nil
			}
			return line, false, nil
		}
		scanned = len(w.in) - w.r
		if scanned > maxLine {
			return nil, false, errLineTooLong
		}
		if err := w.depart(); err != nil {
			return nil, false, err
		}
		if err := w.fill(1); err != nil {
			return nil, false, err
		}
	}
}

// take returns the next n bytes, valid until the next call. The client is still
// sending them, so no reply goes out meanwhile.
func (w *wire) take(n int) ([]byte, error) {
	for w.buffered() < n {
		if err := w.fill(n); err != nil {
			return nil, err
		}
	}
	b := w.in[w.r : w.r+n]
	w.r += n
	return b, nil
}

// skip consumes n bytes without keeping them.
func (w *wire) skip(n int64) error {
	for n > 0 {
		if w.buffered() == 0 {
			if err := w.fill(1); err != nil {
				return err
			}
		}
		step := min(int64(w.buffered()), n)
		w.r += int(step)
		n -= step
	}
	return nil
}

var (
	endOfData = []byte("\r\n.\r\n")
	stuffing  = []byte("\r\n.")
)

// takeData returns a message sent with DATA, up to its final dot and without dot
// stuffing (RFC 5321 §4.5.2), valid until the next call. Of a message over limit
// bytes it returns nothing but its true size.
func (w *wire) takeData(limit int64) (msg []byte, size int64, err error) {
	if err := w.depart(); err != nil {
		return nil, 0, err
	}
	var dropped int64
	scanned := 0
	for {
		if dropped == 0 && w.buffered() >= 3 && string(w.in[w.r:w.r+3]) == ".\r\n" {
			w.r += 3
			return nil, 0, nil
		}
		rest := w.in[w.r:]
		if n := bytes.Index(rest[scanned:], endOfData); n >= 0 {
			end := scanned + n
			w.r += end + len(endOfData)
			size = dropped + int64(end) + 2
			if size > limit {
				return nil, size, nil
			}
			return unstuff(rest[:end+2]), size, nil
		}
		scanned = max(0, len(rest)-len(endOfData)+1)
		if int64(scanned) > limit {
			w.r += scanned
			dropped += int64(scanned)
			scanned = 0
		}
		if err := w.fill(1); err != nil {
			return nil, 0, err
		}
	}
}

// unstuff removes the first dot of every line that starts with one, in place.
func unstuff(msg []byte) []byte {
	if len(msg) > 0 && msg[0] == '.' {
		msg = msg[1:]
	}
	n := bytes.Index(msg, stuffing)
	if n < 0 {
		return msg
	}
	from, to := n+3, n+2
	for {
		n = bytes.Index(msg[from:], stuffing)
		if n < 0 {
			to += copy(msg[to:], msg[from:])
			return msg[:to]
		}
		to += copy(msg[to:], msg[from:from+n+2])
		from += n + 3
	}
}

func (w *wire) buffered() int { return len(w.in) - w.r }

// fill reads more; the buffer gets room for at least want unconsumed bytes.
func (w *wire) fill(want int) error {
	w.makeRoom(want)
	for {
		deadline := time.Now().Add(w.idle)
		held := len(w.flying) > 0 && w.flying[0].due.Before(deadline)
		if held {
			deadline = w.flying[0].due
		}
		if err := w.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		n, err := w.conn.Read(w.in[len(w.in):cap(w.in)])
		w.in = w.in[:len(w.in)+n]
		if err := w.land(); err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
		if held && errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		return err
	}
}

// makeRoom moves the unconsumed bytes to the buffer's start, or into a larger one.
func (w *wire) makeRoom(want int) {
	have := w.buffered()
	if have == 0 && cap(w.in) > largeBuffer && want <= smallBuffer {
		w.in = nil
	}
	if cap(w.in)-w.r > max(want, have) && cap(w.in)-len(w.in) >= smallBuffer/4 {
		return
	}
	if need := max(want, have+smallBuffer/2); cap(w.in) < need {
		grown := make([]byte, have, max(need, 2*cap(w.in), smallBuffer))
		copy(grown, w.in[w.r:])
		w.in, w.r = grown, 0
		return
	}
	copy(w.in[:have], w.in[w.r:])
	w.in, w.r = w.in[:have], 0
}

// say adds a reply: a code, a space and its text on each line, with a newline between
// lines.
func (w *wire) say(words string) error {
	for {
		first, rest, more := strings.Cut(words, "\n")
		if !more {
			w.out = append(append(w.out, first...), '\r', '\n')
			break
		}
		w.out = append(append(w.out, first[:3]...), '-')
		w.out = append(append(w.out, first[4:]...), '\r', '\n')
		words = rest
	}
	if len(w.out) > outBuffer {
		return w.depart()
	}
	return nil
}

// depart sends the replies so far, because the client now waits for them. Those
// that leave while others are still in the air belong to the same round trip.
func (w *wire) depart() error {
	if len(w.out) == 0 {
		return nil
	}
	if len(w.flying) == 0 {
		w.trips.Add(1)
	}
	if w.latency > 0 || len(w.flying) > 0 {
		w.flying = append(w.flying, flight{time.Now().Add(w.latency), bytes.Clone(w.out)})
		w.out = w.out[:0]
		return nil
	}
	_, err := w.conn.Write(w.out)
	w.out = w.out[:0]
	return err
}

// land delivers the flights that are due.
func (w *wire) land() error {
	for len(w.flying) > 0 && !time.Now().Before(w.flying[0].due) {
		if _, err := w.conn.Write(w.flying[0].replies); err != nil {
			return err
		}
		w.flying = w.flying[1:]
	}
	return nil
}

// arrive waits until all replies are delivered.
func (w *wire) arrive() error {
	if err := w.depart(); err != nil {
		return err
	}
	for len(w.flying) > 0 {
		if err := w.pause(time.Until(w.flying[len(w.flying)-1].due)); err != nil {
			return err
		}
	}
	return nil
}

// pause waits without reading, while replies go on arriving.
func (w *wire) pause(d time.Duration) error {
	if err := w.depart(); err != nil {
		return err
	}
	for until := time.Now().Add(d); ; {
		next := time.Until(until)
		if len(w.flying) > 0 {
			next = min(next, time.Until(w.flying[0].due))
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-w.closing:
			timer.Stop()
			return errClosing
		}
		if err := w.land(); err != nil {
			return err
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}

// pour sends text past the replies' queue: whole, or a byte at a time with a pause after
// each. A client that does not take it in the idle time is given up.
func (w *wire) pour(text string, drip time.Duration) error {
	step := len(text)
	if drip > 0 {
		step = 1
	}
	for ; text != ""; text = text[step:] {
		if err := w.arrive(); err != nil {
			return err
		}
		if err := w.conn.SetWriteDeadline(time.Now().Add(w.idle)); err != nil {
			return err
		}
		if _, err := w.conn.Write([]byte(text[:step])); err != nil {
			return err
		}
		if err := w.pause(drip); err != nil {
			return err
		}
	}
	return w.conn.SetWriteDeadline(time.Time{})
}
