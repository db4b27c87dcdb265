package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// RecipientStore is what the recipients' pages need.
type RecipientStore interface {
	RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error)                   // ErrNotFound
	ListByName(ctx context.Context, name string) (campaign.List, error)                     // ErrNotFound
	ContactByID(ctx context.Context, id campaign.ContactID) (campaign.Contact, error)       // ErrNotFound
	MessageByID(ctx context.Context, id campaign.MessageID) (campaign.MessageState, error)  // ErrNotFound
	MembershipsOf(ctx context.Context, c campaign.ContactID) ([]campaign.Membership, error) //
	SuppressionsOf(ctx context.Context, email string) ([]campaign.Suppression, error)       //
	// Leave takes a contact that wishes so off a list, or off all when list is 0; run is
	// the one whose message had the link.
	Leave(ctx context.Context, contact campaign.ContactID, list campaign.ListID, run campaign.RunID, now time.Time) error
	// Return brings it back to a list that it left by itself; false when it did not.
	Return(ctx context.Context, c campaign.Consent) (bool, error)
}

type recipients struct {
	store  RecipientStore
	tokens *token.Maker
	public
}

// Recipients serves /u/TOKEN and /healthz, which need no user.
func Recipients(store RecipientStore, tokens *token.Maker, log *slog.Logger) http.Handler {
	h := &recipients{store: store, tokens: tokens, public: public{log}}
	mux := http.NewServeMux()
	// GET changes nothing: mailbox providers and scanners follow links (RFC 8058 §3.1).
	mux.HandleFunc("GET /u/{token}", h.ask)
	mux.HandleFunc("POST /u/{token}", h.unsubscribe)
	mux.HandleFunc("GET /u/{token}/lists", h.ask) // who reloads what a POST answered
	mux.HandleFunc("POST /u/{token}/lists", h.choose)
	mux.HandleFunc("GET /u/", h.nowhere) // a link that was cut
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	return mux
}

// holder is who came with a link: the contact that the message went to.
type holder struct {
	token   string
	run     campaign.RunID
	contact campaign.Contact // only the ID when it was erased
	lists   []campaign.List  // of the run
}

// holder reads the token of a link, and what the store knows of whom it names; false
// when the answer is given.
func (h *recipients) holder(w http.ResponseWriter, r *http.Request) (holder, bool) {
	who := holder{token: r.PathValue("token")}
	run, contact, err := h.tokens.Read(token.Unsubscribe, who.token)
	if err != nil {
		words := wordsFor(r, nil)
		h.notice(w, http.StatusNotFound, words, words.Say("trouble/link-title"), words.Say("trouble/link-text"))
		return who, false
	}
	who.run, who.contact.ID = campaign.RunID(run), campaign.ContactID(contact)
	if err := h.load(r.Context(), &who); err != nil {
		h.failed(w, r, who, err)
		return who, false
	}
	return who, true
}

func (h *recipients) load(ctx context.Context, who *holder) error {
	// The link of a message to one person names the message.
	if message := campaign.MessageID(who.contact.ID); message >= campaign.FirstMessage {
		m, err := h.store.MessageByID(ctx, message)
		if err != nil && !errors.Is(err, campaign.ErrNotFound) {
			return err
		}
		who.contact.ID = m.Contact // 0 when the person was erased
	}
	contact, err := h.store.ContactByID(ctx, who.contact.ID)
	switch {
	case err == nil:
		who.contact = contact
	case !errors.Is(err, campaign.ErrNotFound):
		return err
	}
	run, err := h.store.RunByID(ctx, who.run)
	if errors.Is(err, campaign.ErrNotFound) {
		return nil
	}
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
		who.lists = append(who.lists, list)
	}
	return nil
}

func (h *recipients) failed(w http.ResponseWriter, r *http.Request, who holder, err error) {
	h.log.Error("web: a recipient's page failed", "path", r.URL.Path, "run", who.run, "contact", who.contact.ID, "error", err)
	words := wordsFor(r, who.contact.Attributes)
	h.notice(w, http.StatusServiceUnavailable, words, words.Say("trouble/title"), words.Say("trouble/text"))
}
