package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"broadside/campaign/upload"
)

// events begins an answer of server-sent events.
func (v *visit) events() (send func(event string, data any) error) {
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects them first makes nothing live
	v.status = http.StatusOK
	control, out := http.NewResponseController(v.w), v.slowly()
	return func(event string, data any) error {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "event: %s\ndata: %s\n\n", event, text); err != nil {
			return err
		}
		return control.Flush()
	}
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
	send := v.events()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		p, err := v.app.Uploads.Progress(id)
		if err != nil {
			return send("over", upload.Progress{})
		}
		if !p.Phase.Busy() {
			return send("over", p)
		}
		if send("progress", p) != nil {
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
