package web

import (
	"io"
	"net/http"
	"time"
)

// stall is how long a transfer may stand still; as long as it moves it may take hours.
const stall = time.Minute

// slowly is the answer's body for what takes longer than other answers may.
func (v *visit) slowly() io.Writer { return slowWriter{v.w, http.NewResponseController(v.w)} }

type slowWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (s slowWriter) Write(p []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

// arriving is the request's body for what takes longer than other requests may.
func (v *visit) arriving() io.ReadCloser {
	return slowReader{v.r.Body, http.NewResponseController(v.w)}
}

type slowReader struct {
	io.ReadCloser
	control *http.ResponseController
}

func (s slowReader) Read(p []byte) (int, error) {
	deadline := time.Now().Add(stall)
	if err := s.control.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	if err := s.control.SetWriteDeadline(deadline.Add(stall)); err != nil { // of the answer that follows
		return 0, err
	}
	return s.ReadCloser.Read(p)
}
