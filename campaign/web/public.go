package web

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"

	"broadside/campaign/locale"
)

// public shows the pages that are for everybody, in their language.
type public struct{ log *slog.Logger }

// publicPages are the templates by name.
var publicPages = parsePublic("notice", "preferences", "join", "confirm")

func parsePublic(names ...string) map[string]*template.Template {
	pages := map[string]*template.Template{}
	for _, name := range names {
		t := template.New("").Funcs(template.FuncMap{"asset": assetURL})
		pages[name] = template.Must(t.ParseFS(pageFiles, "pages/public/layout.html", "pages/public/"+name+".html"))
	}
	return pages
}

// publicView is what the template of such a page sees.
type publicView struct {
	*locale.Words
	Title     string
	Languages []*locale.Words // that the page can be had in
	Leads     string          // the origin that its form may lead to, beside ours
	Body      any
}

// publicPolicy lets a page use our style sheet and nothing else, and be framed by nobody.
const publicPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "

func (p public) show(w http.ResponseWriter, status int, page string, v publicView) {
	var out bytes.Buffer
	if err := publicPages[page].ExecuteTemplate(&out, "layout", v); err != nil {
		p.log.Error("web: page not made", "page", page, "error", err)
		http.Error(w, v.Say("trouble/title"), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", v.Tag)
	header.Set("Content-Security-Policy", publicPolicy+v.Leads)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(out.Bytes()); err != nil {
		p.log.Debug("web: page not sent", "page", page, "error", err)
	}
}

// note is what a page says that only says something, below a sign: done, mail or stop.
type note struct{ Sign, Text string }

// notice shows such a page.
func (p public) notice(w http.ResponseWriter, status int, words *locale.Words, title, text string) {
	sign := "done"
	if status >= 400 {
		sign = "stop"
	}
	p.show(w, status, "notice", publicView{Words: words, Title: title, Body: note{sign, text}})
}

// nowhere says that a link leads nowhere: it is not whole, or what it led to is gone.
func (p public) nowhere(w http.ResponseWriter, r *http.Request) {
	words := wordsFor(r, nil)
	p.notice(w, http.StatusNotFound, words, words.Say("trouble/nowhere-title"), words.Say("trouble/nowhere-text"))
}

// LinkRefused shows a reader whose link cannot be followed why, in the browser's language:
// it leads nowhere (404), or not just now.
func LinkRefused(log *slog.Logger) func(w http.ResponseWriter, r *http.Request, status int) {
	p := public{log}
	return func(w http.ResponseWriter, r *http.Request, status int) {
		if status == http.StatusNotFound {
			p.nowhere(w, r)
			return
		}
		words := wordsFor(r, nil)
		p.notice(w, status, words, words.Say("trouble/title"), words.Say("trouble/text"))
	}
}

// wordsFor chooses the language of a page: the one that was clicked, the contact's own
// (by its attributes), the browser's.
func wordsFor(r *http.Request, attributes []byte) *locale.Words {
	return locale.Choose(r.URL.Query().Get("lang"), locale.Wish(attributes), r.Header.Get("Accept-Language"))
}

type clientKey struct{}

// withClient tells the recipients' pages where a request came from.
func (a *App) withClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, a.client(r))))
	})
}

// clientOf is the address that a request of such a page came from.
func clientOf(r *http.Request) netip.Addr {
	if addr, ok := r.Context().Value(clientKey{}).(netip.Addr); ok {
		return addr
	}
	return peerOf(r)
}
