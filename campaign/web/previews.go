package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"

	"broadside/campaign"
)

// previewPolicy lets a message show itself and do nothing: no script, no form, and an
// origin of its own, away from our cookies.
const previewPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; font-src data: https:; frame-ancestors 'self'"

// showPreview shows a campaign's message alone, for the frame of the compose page.
func showPreview(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	r, err := v.rendered(c)
	v.w.Header().Set("Content-Security-Policy", previewPolicy)
	if err != nil {
		return v.document(previewNote(err.Error()))
	}
	if q.Get("view") == "text" || r.HTML == "" {
		return v.document(previewText(r.Text, q.Get("dark") != ""))
	}
	return v.document(inScheme(r.HTML, q.Get("dark") != ""))
}

// rendered is the variant that the query names, as whom it names.
func (v *visit) rendered(c campaign.Campaign) (campaign.Rendered, error) {
	q := v.r.URL.Query()
	spec, err := c.Spec.Pick(q.Get("variant"))
	if err != nil {
		return campaign.Rendered{}, err
	}
	return v.app.Service.Render(v.r.Context(), spec, q.Get("as"))
}

func (v *visit) document(text string) error {
	v.status = http.StatusOK
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(v.status)
	_, err := v.w.Write([]byte(text))
	return err
}

var (
	darkMedia   = regexp.MustCompile(`(?i)@media[^{]*\(\s*prefers-color-scheme\s*:\s*dark\s*\)`)
	lightMedia  = regexp.MustCompile(`(?i)@media[^{]*\(\s*prefers-color-scheme\s*:\s*light\s*\)`)
	schemeMeta  = regexp.MustCompile(`(?i)(<meta\s+name="(?:supported-)?color-schemes?"\s+content=")[^"]*(")`)
	never, ever = "@media not all", "@media all"
)

// inScheme shows a message as a dark or a light mail program would, whatever the
// browser's own scheme is.
func inScheme(page string, dark bool) string {
	on, off, scheme := lightMedia, darkMedia, "light"
	if dark {
		on, off, scheme = darkMedia, lightMedia, "dark"
	}
	page = on.ReplaceAllString(page, ever)
	page = off.ReplaceAllString(page, never)
	return schemeMeta.ReplaceAllString(page, "${1}"+scheme+"${2}")
}

var links = regexp.MustCompile(`https?://[^\s<>")]+`)

func previewText(text string, dark bool) string {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	text = links.ReplaceAllString(html.EscapeString(strings.ReplaceAll(text, "\r\n", "\n")), "<u>$0</u>")
	return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>:root{color-scheme:` + scheme + `}body{margin:0;padding:20px}pre{font:14px/1.6 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}</style><pre>` + text + `</pre>`
}

func previewNote(text string) string {
	return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>:root{color-scheme:light}body{margin:0;padding:28px;font:15px/1.6 system-ui,sans-serif;color:#8a1c24;background:#fff7f7}p{white-space:pre-wrap;overflow-wrap:anywhere}</style><b>There is no preview yet</b><p>` + html.EscapeString(text) + `</p>`
}

// inbox is what a mail program shows before a message is opened.
type inbox struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Subject string   `json:"subject"`
	Bytes   int      `json:"bytes"`
	Files   []string `json:"files,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

func showInbox(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	r, err := v.rendered(c)
	if err != nil {
		return v.json(http.StatusOK, inbox{Problem: err.Error()})
	}
	return v.json(http.StatusOK, inbox{From: r.From, To: r.Contact.Email, Subject: r.Subject, Bytes: r.Bytes, Files: r.Files})
}
