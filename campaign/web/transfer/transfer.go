// Package transfer keeps long uploads and downloads alive: they may take hours as long
// as they move, while other requests end with the server's time-outs. It keeps nothing.
package transfer

import (
	"io"
	"net/http"
	"time"
)

// stall is how long a transfer may stand still.
const stall = time.Minute

// Writer is an answer's body for what takes longer than other answers may.
func Writer(w http.ResponseWriter) io.Writer { return writer{w, http.NewResponseController(w)} }

type writer struct {
	w       io.Writer
	control *http.ResponseController
}

func (s writer) Write(p []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

// Reader is a request's body for what takes longer than other requests may.
func Reader(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	return reader{r.Body, http.NewResponseController(w)}
}

type reader struct {
	io.ReadCloser
	control *http.ResponseController
}

func (s reader) Read(p []byte) (int, error) {
	deadline := time.Now().Add(stall)
	if err := s.control.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	if err := s.control.SetWriteDeadline(deadline.Add(stall)); err != nil { // of the answer that follows
		return 0, err
	}
	return s.ReadCloser.Read(p)
}
