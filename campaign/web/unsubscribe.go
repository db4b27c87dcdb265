package web

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// RecipientStore is what the recipients' pages need.
type RecipientStore interface {
	RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error)
	ListByName(ctx context.Context, name string) (campaign.List, error)
	Unsubscribe(ctx context.Context, contact campaign.ContactID, list campaign.ListID, now time.Time) error
}

var unsubscribePage = template.Must(template.ParseFS(pageFiles, "pages/unsubscribe.html"))

type recipients struct {
	store  RecipientStore
	tokens *token.Maker
	log    *slog.Logger
}

// Recipients serves /u/TOKEN and /healthz, which need no user.
func Recipients(store RecipientStore, tokens *token.Maker, log *slog.Logger) http.Handler {
	h := &recipients{store: store, tokens: tokens, log: log}
	mux := http.NewServeMux()
	// GET changes nothing: mailbox providers and scanners follow links (RFC 8058 §3.1).
	mux.HandleFunc("GET /u/{token}", h.ask)
	mux.HandleFunc("POST /u/{token}", h.unsubscribe)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return mux
}

type unsubscribeView struct {
	Title, Text string
	Button      bool
}

var incompleteLink = unsubscribeView{Title: "This link is not complete", Text: "Please use the whole link from the message."}

func (h *recipients) ask(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.tokens.Read(token.Unsubscribe, r.PathValue("token")); err != nil {
		h.show(w, http.StatusNotFound, incompleteLink)
		return
	}
	h.show(w, http.StatusOK, unsubscribeView{Title: "Unsubscribe?", Text: "You will get no more messages from this list.", Button: true})
}

// unsubscribe acts on a click of the button and on RFC 8058 one-click requests, which
// carry no cookie and follow no redirect.
func (h *recipients) unsubscribe(w http.ResponseWriter, r *http.Request) {
	run, contact, err := h.tokens.Read(token.Unsubscribe, r.PathValue("token"))
	if err != nil {
		h.show(w, http.StatusNotFound, incompleteLink)
		return
	}
	if err := h.leave(r.Context(), campaign.RunID(run), campaign.ContactID(contact)); err != nil {
		h.log.Error("web: unsubscribing failed", "run", run, "contact", contact, "error", err)
		h.show(w, http.StatusServiceUnavailable, unsubscribeView{Title: "That did not work", Text: "Please try again in a minute.", Button: true})
		return
	}
	h.show(w, http.StatusOK, unsubscribeView{Title: "You are unsubscribed", Text: "You will get no more messages from this list."})
}

// leave takes a contact off the lists of the run it got the link from.
func (h *recipients) leave(ctx context.Context, id campaign.RunID, contact campaign.ContactID) error {
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

func (h *recipients) show(w http.ResponseWriter, status int, v unsubscribeView) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := unsubscribePage.Execute(w, v); err != nil {
		h.log.Debug("web: page not sent", "error", err)
	}
}
