package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// draft is the form of the compose page, with some fields changed.
func draft(version string, changes ...string) []string {
	fields := []string{"version", version, "name", "Spring", "from", "News <news@example.org>", "subject", "Spring is here", "format", "markdown", "content", "It is spring.", "postal_address", "Harbour 1", "weight", "10", "give_up", "72h", "priority", "bulk", "on_unknown", "resend"}
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(fields); j += 2 {
			if fields[j] == changes[i] {
				fields[j+1], found = changes[i+1], true
			}
		}
		if !found {
			fields = append(fields, changes[i], changes[i+1])
		}
	}
	return fields
}

// save stores a draft as the page's script does.
func (b *browser) save(path string, status int, fields ...string) saved {
	b.w.Helper()
	form := []string{}
	for i := 0; i < len(fields); i += 2 {
		form = append(form, fields[i]+"="+strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", ";", "%3B").Replace(fields[i+1]))
	}
	resp, text := b.do("POST", path, strings.NewReader(strings.Join(form, "&")), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}})
	var s saved
	if err := json.Unmarshal([]byte(text), &s); err != nil || resp.StatusCode != status {
		b.w.Fatalf("POST %s: %s, want %d\n%s (%v)", path, resp.Status, status, text, err)
	}
	return s
}

func (b *browser) version(path string) string {
	b.w.Helper()
	_, rest, _ := strings.Cut(b.get(path, http.StatusOK), `name="version" value="`)
	version, _, _ := strings.Cut(rest, `"`)
	return version
}

func TestComposing(t *testing.T) {
	w := newWorld(t)
	author := w.as("author")
	_, path := author.post("/campaigns", http.StatusSeeOther, "name", "Spring", "starter", "newsletter")
	if text, _ := author.post("/campaigns", http.StatusUnprocessableEntity, "name", "Spring"); !strings.Contains(text, "choose another name") {
		t.Errorf("the same name: %s", text)
	}
	old := author.version(path)
	s := author.save(path+"/draft", http.StatusOK, draft(old)...)
	if len(s.Findings) == 0 || !s.Findings[0].Blocks || s.Findings[0].Where != "lists" {
		t.Errorf("findings %+v", s.Findings)
	}
	if s := author.save(path+"/draft", http.StatusConflict, draft(old, "subject", "Mine")...); !strings.Contains(s.Problem, "meanwhile") {
		t.Errorf("over newer text: %+v", s)
	}
	now := author.version(path)
	author.save(path+"/draft", http.StatusOK, draft(now)...) // as a page does that is opened
	if looked := author.version(path); looked != now {
		t.Errorf("who looks at a campaign makes version %s of %s", looked, now)
	}
	for field, value := range map[string]string{"weight": "many", "give_up": "long", "spread": "wide", "name": ""} {
		if s := author.save(path+"/draft", http.StatusConflict, draft(now, field, value)...); s.Problem == "" || s.Field != field {
			t.Errorf("%s %q: %+v, want a problem with the field", field, value, s)
		}
	}
	if text := author.get(path+"/inbox", http.StatusOK); !strings.Contains(text, `"subject":"Spring is here"`) {
		t.Errorf("inbox %s", text)
	}
	author.post(path+"/start", http.StatusForbidden, "when", "now")
	if _, copied := author.post(path+"/clone", http.StatusSeeOther); copied == path {
		t.Error("no copy")
	}
	if text := w.as("viewer").get(path, http.StatusOK); !strings.Contains(text, "disabled") {
		t.Error("a viewer may type")
	}
}

// A campaign that is put away is found in the archive and comes back from it.
func TestArchive(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring fair")
	w.admin.post(path+"/archive", http.StatusSeeOther)
	w.admin.get("/campaigns", http.StatusOK) // takes the word of it
	if text := w.admin.get("/campaigns", http.StatusOK); strings.Contains(text, "Spring fair") {
		t.Error("it is among the others")
	}
	if text := w.admin.get("/campaigns?archived=1", http.StatusOK); !strings.Contains(text, "Spring fair") {
		t.Error("it is not in the archive")
	}
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, "in the archive since") {
		t.Error("its page does not tell")
	}
	w.admin.post(path+"/restore", http.StatusSeeOther)
	w.admin.get("/campaigns?archived=1", http.StatusOK)
	if text := w.admin.get("/campaigns?archived=1", http.StatusOK); !strings.Contains(text, "The archive is empty") {
		t.Error("it is still there")
	}
}

// What a campaign or a contact says runs nowhere: not in the pages, and not in the
// preview, which is a document of an origin of its own.
func TestCampaignFieldsAreText(t *testing.T) {
	w := newWorld(t)
	const nasty = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", nasty)
	version := w.admin.version(path)
	w.admin.save(path+"/draft", http.StatusOK, draft(version, "name", nasty, "subject", nasty, "preheader", nasty, "from", nasty, "segment", nasty, "postal_address", nasty, "content", "hi", "text", nasty)...)
	for _, p := range []string{path, path + "/review", "/campaigns", "/", path + "/preview?view=text"} {
		if _, text := w.admin.do("GET", p, nil, nil); strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") {
			t.Errorf("%s runs it", p)
		}
	}
	resp, _ := w.admin.do("GET", path+"/preview", nil, nil)
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox;") || strings.Contains(policy, "script") || strings.Contains(policy, "allow") {
		t.Errorf("the preview's policy: %q", policy)
	}
}

func TestScheme(t *testing.T) {
	const page = `<meta name="color-scheme" content="light dark"><style>@media (prefers-color-scheme: dark) { a { } } @media screen and (prefers-color-scheme:light) { b { } }</style>`
	if got := inScheme(page, true); got != `<meta name="color-scheme" content="dark"><style>@media all { a { } } @media not all { b { } }</style>` {
		t.Errorf("dark: %s", got)
	}
	if got := inScheme(page, false); got != `<meta name="color-scheme" content="light"><style>@media not all { a { } } @media all { b { } }</style>` {
		t.Errorf("light: %s", got)
	}
}

func TestPlaces(t *testing.T) {
	for where, want := range map[string]string{
		"markdown": "text", "html, line 3": "text, line 3", "htmlish": "htmlish", "postal_address": "postal address",
		"brake.complaints": "brake, complaints", "variant B, subject": "variant B, subject",
	} {
		if got := place(where); got != want {
			t.Errorf("%q is called %q, want %q", where, got, want)
		}
	}
}
