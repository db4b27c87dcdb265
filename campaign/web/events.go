package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"broadside/campaign/upload"
)

// events is an answer of server-sent events.
type events struct {
	out     io.Writer
	control *http.ResponseController
}

// events begins one, at once: a browser shows that it is connected before the first comes.
func (v *visit) events() (events, error) {
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects them first makes nothing live
	v.status = http.StatusOK
	v.w.WriteHeader(v.status)
	e := events{v.slowly(), http.NewResponseController(v.w)}
	return e, e.control.Flush()
}

// send tells one event.
func (e events) send(event string, data any) error {
	text, err := eventOf(event, data)
	if err != nil {
		return err
	}
	return e.write(text)
}

// write tells an event that is written out.
func (e events) write(text []byte) error {
	if _, err := e.out.Write(text); err != nil {
		return err
	}
	return e.control.Flush()
}

// eventOf writes an event out.
func eventOf(event string, data any) ([]byte, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, text), nil
}

// json answers a script.
func (v *visit) json(status int, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	v.status = status
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	_, err = v.w.Write(text)
	return err
}

// progressEvery is how often a bar moves.
const progressEvery = 250 * time.Millisecond

// uploadEvents tells how far an upload's step is, and when it is over.
func uploadEvents(v *visit) error {
	id := v.r.PathValue("id")
	if _, err := v.app.Uploads.Get(id); err != nil {
		return err
	}
	out, err := v.events()
	if err != nil {
		return nil // the page was closed
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		p, err := v.app.Uploads.Progress(id)
		if err != nil {
			return out.send("over", upload.Progress{})
		}
		if !p.Phase.Busy() {
			return out.send("over", p)
		}
		if out.send("progress", p) != nil {
			return nil // the page was closed
		}
		select {
		case <-v.r.Context().Done():
			return nil
		case <-v.app.stopping:
			return nil
		case <-tick.C:
		}
	}
}
