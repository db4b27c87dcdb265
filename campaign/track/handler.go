package track

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// Config is what a Handler works with.
type Config struct {
	Tokens *token.Maker
	// Links reads where the links of a run lead.
	Links func(ctx context.Context, run campaign.RunID) ([]campaign.Link, error)
	// Writer makes hits durable.
	Writer *Writer
	// Scanners are networks of mail filters, beside those that are known here.
	Scanners []netip.Prefix
	// Refused shows a reader that a link leads nowhere (404), or cannot be followed just now
	// (503). Default: a line of text.
	Refused func(w http.ResponseWriter, r *http.Request, status int)
	Log     *slog.Logger
}

// Handler answers readers' requests, and never breaks a link for the sake of counting.
type Handler struct {
	Config
	tables   tables
	patience time.Duration // that a reader waits for a hit to become durable
}

// NewHandler makes a handler.
func NewHandler(c Config) *Handler {
	if c.Refused == nil {
		c.Refused = refusedInText
	}
	return &Handler{Config: c, tables: tables{read: c.Links, runs: map[campaign.RunID][]campaign.Link{}}, patience: 2 * time.Second}
}

// pixel is a GIF of one transparent dot.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// Opened serves the pixel of the path's token to a client at an address.
func (h *Handler) Opened(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	who, link, rest, err := h.Tokens.ReadHit(r.PathValue("token"))
	if err != nil || link != 0 || len(rest) > 0 {
		unseen(w)
		http.Error(w, "There is no such image.", http.StatusNotFound)
		return
	}
	h.record(r, h.hit(r, from, who, 0))
	unseen(w)
	w.Header().Set("Content-Type", "image/gif")
	_, _ = w.Write(pixel) // who has gone needs none
}

// Clicked leads to where the link of the path's token does.
func (h *Handler) Clicked(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	who, number, rest, err := h.Tokens.ReadHit(r.PathValue("token"))
	if err != nil || number == 0 {
		h.refuse(w, r, http.StatusNotFound)
		return
	}
	h.record(r, h.hit(r, from, who, number))
	link, err := h.tables.link(r.Context(), campaign.RunID(who.Run), int(number))
	switch {
	case errors.Is(err, campaign.ErrNotFound):
		h.refuse(w, r, http.StatusNotFound)
		return
	case err != nil:
		h.Log.Error("track: a click cannot be led on, its reader is asked to try again", "run", who.Run, "link", number, "error", err)
		w.Header().Set("Retry-After", "10")
		h.refuse(w, r, http.StatusServiceUnavailable)
		return
	}
	unseen(w)
	w.Header().Set("Location", destination(link, rest))
	w.WriteHeader(http.StatusFound)
}

// hit is what a request says.
func (h *Handler) hit(r *http.Request, from netip.Addr, who token.Holder, link int64) campaign.Hit {
	return campaign.Hit{
		Run: campaign.RunID(who.Run), Contact: campaign.ContactID(who.Contact), Variant: campaign.Variant(who.Variant),
		Link: int(link), At: time.Now(), Evidence: evidenceOf(r, from, h.Scanners),
	}
}

// record makes a hit durable. While the queue cannot be reached nobody waits for it: the
// writer keeps the hit, and says so.
func (h *Handler) record(r *http.Request, hit campaign.Hit) {
	durable, wait := h.Writer.Add(hit)
	if !wait {
		return
	}
	timer := time.NewTimer(h.patience)
	defer timer.Stop()
	select {
	case <-durable:
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// unseen keeps an answer out of caches and search engines, and the message's address
// from the site that a link leads to.
func unseen(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Cache-Control", "no-store, private")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex, nofollow")
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int) {
	unseen(w)
	h.Refused(w, r, status)
}

func refusedInText(w http.ResponseWriter, _ *http.Request, status int) {
	text := "This link leads nowhere. Please use the whole link from the message."
	if status != http.StatusNotFound {
		text = "That did not work. Please try the link again in a minute."
	}
	http.Error(w, text, status)
}

// destination is where a link leads: what is the same for everybody is the campaign's
// own table's to say, and only what follows its host the token's, which we made.
func destination(l campaign.Link, rest []byte) string {
	var b strings.Builder
	for _, part := range []string{l.Target[:l.Fixed], string(rest)} {
		for _, c := range []byte(part) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", c) >= 0 {
				const hex = "0123456789ABCDEF"
				b.WriteByte('%')
				b.WriteByte(hex[c>>4])
				c = hex[c&15]
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}
