package web

import (
	"net/http"
	"strings"
	"testing"
)

// A campaign begins with a text of the library, becomes one itself, and the next begins
// with that.
func TestLibrary(t *testing.T) {
	w := newWorld(t)
	if page := w.admin.get("/library", http.StatusOK); !strings.Contains(page, "/library/digest/preview") {
		t.Errorf("the library: %s", page)
	}
	if page := w.admin.get("/library/offer/preview", http.StatusOK); !strings.Contains(page, "six words or fewer") || strings.Contains(page, "{{") {
		t.Errorf("preview: %s", page)
	}
	if page := w.admin.get("/campaigns/new?starter=invitation", http.StatusOK); !strings.Contains(page, `value="invitation" checked`) {
		t.Errorf("chosen beforehand: %s", page)
	}
	_, at := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Party", "starter", "invitation")
	if page := w.admin.get(at, http.StatusOK); !strings.Contains(page, "You are invited") {
		t.Errorf("the campaign: %s", page)
	}
	_, mine := w.admin.post(at+"/library", http.StatusSeeOther, "name", "Our parties")
	w.admin.post(at+"/library", http.StatusUnprocessableEntity, "name", "Our parties")
	if page, _ := w.admin.post(mine, http.StatusUnprocessableEntity, "name", "Our parties", "content", "{{ name"); !strings.Contains(page, "line 1") {
		t.Errorf("no place of the mistake: %s", page)
	}
	const nasty = `"><script>alert(1)</script>`
	w.admin.post(mine, http.StatusSeeOther, "name", nasty, "means", nasty, "subject", "{{ name | default: \"x\" }}", "content", "Come!")
	for _, path := range []string{"/library", mine, "/campaigns/new", mine + "/preview"} {
		if page := w.admin.get(path, http.StatusOK); strings.Contains(page, "<script>alert") {
			t.Errorf("%s runs it", path)
		}
	}
	key := mine[strings.LastIndexByte(mine, '/')+1:]
	_, next := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Again", "starter", key)
	if page := w.admin.get(next, http.StatusOK); !strings.Contains(page, "Come!") {
		t.Errorf("the next campaign: %s", page)
	}
	w.admin.post("/library/offer", http.StatusConflict, "name", "offer", "content", "x")
	w.admin.post(mine+"/delete", http.StatusSeeOther)
	w.admin.get(mine, http.StatusNotFound)
}
