package web

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// pages are the templates, each with the layout.
type pages struct{ byName map[string]*template.Template }

var functions = template.FuncMap{
	"group":   group,
	"asset":   assetURL,
	"percent": percent,
	"share":   share,
	"plural":  plural,
	"lower":   strings.ToLower,
	"dict":    dict,
	"list":    func(all ...string) []string { return all },
	// kilobytes are whole ones, rounded up.
	"kilobytes": func(bytes int) int { return (bytes + 1023) >> 10 },
	"barOf":     barOf,
	"place":     place,
	"brake":     brakeWords,
}

// place is what people call the place of a finding: what is written in is the text.
func place(where string) string {
	for _, format := range []string{"html", "markdown"} {
		if rest, ok := strings.CutPrefix(where, format); ok && (rest == "" || rest[0] == ',') {
			where = "text" + rest
		}
	}
	return strings.NewReplacer("_", " ", ".", ", ").Replace(where)
}

func parsePages() *pages {
	p := &pages{byName: map[string]*template.Template{}}
	shared := template.Must(template.New("").Funcs(functions).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html"))
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "parts" {
			continue
		}
		p.byName[base] = template.Must(template.Must(shared.Clone()).ParseFS(pageFiles, name))
	}
	return p
}

// view is what a template sees.
type view struct {
	Title string
	Page  string // the template's name
	Path  string // of the request
	User  account.User
	May   account.Permission
	Flash string
	Now   time.Time
	Body  any
}

// Can tells whether the user may do something, by its name.
func (v view) Can(name string) (bool, error) {
	p, err := account.ParsePermissions([]string{name})
	return v.May&p == p, err
}

// When writes a time in the user's zone, with the zone.
func (v view) When(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	local := t.In(v.User.Location())
	if local.Year() == v.Now.In(v.User.Location()).Year() {
		return local.Format("Mon 2 Jan, 15:04 MST")
	}
	return local.Format("2 Jan 2006, 15:04 MST")
}

// Day writes the day of a time in the user's zone; what stands beside it has the zone.
func (v view) Day(t time.Time) string {
	if t.IsZero() {
		return "not begun"
	}
	return t.In(v.User.Location()).Format("2 Jan 2006")
}

// when writes a time in the user's zone, as the page does.
func (v *visit) when(t time.Time) string { return view{User: v.User, Now: v.app.Now()}.When(t) }

// Noted writes a note that was kept with its times in the user's zone.
func (v view) Noted(note string) string { return campaign.InZone(note, v.User.Location()) }

// Ago says how long a time is past.
func (v view) Ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return ago(v.Now.Sub(t))
}

// In marks the part of the menu that the page is in.
func (v view) In(prefix string) bool {
	if prefix == "/" {
		return v.Path == "/"
	}
	return v.Path == prefix || strings.HasPrefix(v.Path, prefix+"/")
}

// render answers with a page. Nothing is sent before the template has succeeded.
func (v *visit) render(status int, page, title string, body any) error {
	data := view{Title: title, Page: page, Path: v.r.URL.Path, User: v.User, May: v.May, Flash: v.takeFlash(), Now: v.app.Now(), Body: body}
	return v.execute(status, page, "layout", data)
}

// renderPart answers with a part of a page, without the house around it.
func (v *visit) renderPart(page, part string, body any) error {
	return v.execute(http.StatusOK, page, part, view{Page: page, Path: v.r.URL.Path, User: v.User, May: v.May, Now: v.app.Now(), Body: body})
}

// part is a part of a page as text.
func (v *visit) part(page, part string, body any) (string, error) {
	var out bytes.Buffer
	data := view{Page: page, Path: v.r.URL.Path, User: v.User, May: v.May, Now: v.app.Now(), Body: body}
	if err := v.app.pages.byName[page].ExecuteTemplate(&out, part, data); err != nil {
		return "", fmt.Errorf("page %s: %w", page, err)
	}
	return out.String(), nil
}

func (v *visit) execute(status int, page, template string, data view) error {
	var out bytes.Buffer
	if err := v.app.pages.byName[page].ExecuteTemplate(&out, template, data); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	v.status = status
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	if _, err := v.w.Write(out.Bytes()); err != nil {
		v.app.Log.Debug("web: page not sent", "page", page, "error", err)
	}
	return nil
}

const flashCookie = "broadside_flash"

// flash keeps a line for the next page that is shown.
func (v *visit) flash(format string, args ...any) {
	text := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Value: text, Path: "/", MaxAge: 60, Secure: v.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (v *visit) takeFlash() string {
	c, err := v.r.Cookie(flashCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(v.w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, Secure: v.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return string(text)
}

// group writes a number with its thousands apart: 12,345,678.
func group(n any) string {
	s := fmt.Sprint(n)
	digits := strings.TrimPrefix(s, "-")
	if _, err := strconv.ParseUint(digits, 10, 64); err != nil {
		return s
	}
	sign := s[:len(s)-len(digits)]
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// percent of a whole, with a decimal where it matters.
func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part > 0 && p < 0.1:
		return "< 0.1 %"
	case part < whole && p > 99.9:
		return "> 99.9 %"
	case p == 0 || p == 100 || p >= 10:
		return fmt.Sprintf("%.0f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// plural writes a number with its word: 1 person, 2,000 people.
func plural(n any, one, many string) string {
	if number := group(n); number != "1" {
		return number + " " + many
	}
	return "1 " + one
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int64(d/time.Minute), "minute", "minutes") + " ago"
	case d < 48*time.Hour:
		return plural(int64(d/time.Hour), "hour", "hours") + " ago"
	}
	return plural(int64(d/(24*time.Hour)), "day", "days") + " ago"
}

// dict makes the arguments of a part.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict of %d values: they are pairs", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}
