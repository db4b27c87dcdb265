package api

import "io"

// arriving is the body of a request whose client may go away in the middle: that is the
// client's failure (408), not ours.
type arriving struct{ io.ReadCloser }

func (a arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = brokenOff{err}
	}
	return n, err
}

// brokenOff is a net.Error, which huma takes for a body that did not come in time.
type brokenOff struct{ error }

func (brokenOff) Timeout() bool   { return true }
func (brokenOff) Temporary() bool { return false }
func (b brokenOff) Unwrap() error { return b.error }
