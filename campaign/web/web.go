// Package web answers what recipients ask over HTTP: to be taken off a list. It
// keeps nothing; what a recipient decides is written by the campaign package's store.
package web

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// Store is what the pages need.
type Store interface {
	RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error)
	ListByName(ctx context.Context, name string) (campaign.List, error)
	Unsubscribe(ctx context.Context, contact campaign.ContactID, list campaign.ListID, now time.Time) error
}

//go:embed unsubscribe.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "unsubscribe.html"))

type handler struct {
	store  Store
	tokens *token.Maker
	log    *slog.Logger
}

// Handler serves /u/TOKEN and /healthz.
func Handler(store Store, tokens *token.Maker, log *slog.Logger) http.Handler {
	h := &handler{store: store, tokens: tokens, log: log}
	mux := http.NewServeMux()
	// GET changes nothing: mailbox providers and scanners follow links (RFC 8058 §3.1).
	mux.HandleFunc("GET /u/{token}", h.ask)
	mux.HandleFunc("POST /u/{token}", h.unsubscribe)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return mux
}

type view struct {
	Title, Text string
	Button      bool
}

func (h *handler) ask(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.tokens.Read(token.Unsubscribe, r.PathValue("token")); err != nil {
		h.show(w, http.StatusNotFound, view{Title: "This link is not complete", Text: "Please use the whole link from the message."})
		return
	}
	h.show(w, http.StatusOK, view{Title: "Unsubscribe?", Text: "You will get no more messages from this list.", Button: true})
}

// unsubscribe acts on a click of the button and on RFC 8058 one-click requests, which
// carry no cookie and follow no redirect.
func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request) {
	run, contact, err := h.tokens.Read(token.Unsubscribe, r.PathValue("token"))
	if err != nil {
		h.show(w, http.StatusNotFound, view{Title: "This link is not complete", Text: "Please use the whole link from the message."})
		return
	}
	if err := h.leave(r.Context(), campaign.RunID(run), campaign.ContactID(contact)); err != nil {
		h.log.Error("web: unsubscribing failed", "run", run, "contact", contact, "error", err)
		h.show(w, http.StatusServiceUnavailable, view{Title: "That did not work", Text: "Please try again in a minute.", Button: true})
		return
	}
	h.show(w, http.StatusOK, view{Title: "You are unsubscribed", Text: "You will get no more messages from this list."})
}

// leave takes a contact off the lists of the run it got the link from.
func (h *handler) leave(ctx context.Context, id campaign.RunID, contact campaign.ContactID) error {
	run, err := h.store.RunByID(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range run.Spec.Lists {
		list, err := h.store.ListByName(ctx, name)
		if errors.Is(err, campaign.ErrNotFound) {
			continue // the list is gone, and nobody is on it
		}
		if err != nil {
			return err
		}
		err = h.store.Unsubscribe(ctx, contact, list.ID, time.Now())
		if err != nil && !errors.Is(err, campaign.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (h *handler) show(w http.ResponseWriter, status int, v view) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		h.log.Debug("web: page not sent", "error", err)
	}
}
