package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// What is typed at the last moment is in the letter, whatever is being saved when its
// writer leaves for the review or adds a file.
func TestLeavingTheComposePage(t *testing.T) {
	b, c := openCampaign(t)
	stored := func(want string) {
		t.Helper()
		news, err := c.db.CampaignByName(t.Context(), "news")
		if err != nil || news.Spec.Subject != want {
			t.Errorf("the subject is %q (%v), want %q", news.Spec.Subject, err, want)
		}
	}
	reviewed := func() { t.Helper(); b.until("the review", `location.pathname.endsWith("/review")`) }
	step := func(script string) {
		t.Helper()
		if _, err := eval[bool](b, script+"; true"); err != nil {
			t.Fatalf("%v, at\n%s", err, b.text())
		}
	}
	opened := func() { t.Helper(); b.until("the save of a page that was opened", saveState+` === "Saved"`) }
	compose := func() {
		t.Helper()
		b.open("/campaigns/1")
		opened()
		step(holdSaves)
	}

	t.Log("at once")
	b.open("/campaigns/1")
	step(typed("At once") + leave)
	reviewed()
	stored("At once")

	t.Log("while a save is under way")
	compose()
	step(typed("Begun"))
	b.until("a save under way", "held.length === 1")
	step(typed("While it was saved") + leave + "held.shift()()")
	b.until("the next save", "held.length === 1")
	step("held.shift()()")
	reviewed()
	stored("While it was saved")

	t.Log("after a save that was older")
	compose()
	step("before = document.forms.draft.elements.version.value")
	step(typed("Older"))
	b.until("a save under way", "held.length === 1")
	step(typed("Newer") + "held.shift()()")
	b.until("the older is saved", "document.forms.draft.elements.version.value !== before")
	if said, err := eval[string](b, saveState); err != nil || said == "Saved" {
		t.Errorf("it says %q while newer text waits (%v)", said, err)
	}
	step(leave)
	b.until("the next save", "held.length === 1")
	step("held.shift()()")
	reviewed()
	stored("Newer")

	t.Log("with a file")
	compose()
	step(typed("Begun"))
	b.until("a save under way", "held.length === 1")
	step(typed("Before the file"))
	file := filepath.Join(t.TempDir(), "plan.txt")
	if err := os.WriteFile(file, []byte("sow, water, wait\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles(`form[action$="/files"] input[type=file]`, []string{file}))
	step("held.shift()()")
	b.until("the next save", "held.length === 1")
	step("held.shift()()")
	b.until("the file", `document.querySelector("form[action$='/plan.txt/remove']")`)
	stored("Before the file")
	opened()

	t.Log("when it cannot be saved")
	compose()
	step(`document.forms.draft.elements.name.value = " "; ` + typed("Kept on the page") + leave)
	b.until("the save", "held.length === 1")
	step("held.shift()()")
	b.until("why it is not saved", saveState+`.startsWith("Not saved: ")`)
	b.until("the browser asks before it leaves", `!window.dispatchEvent(new Event("beforeunload", { cancelable: true }))`)
	stored("Before the file")
	step(`document.forms.draft.elements.name.value = "news"; ` + typed("Mended") + leave)
	b.until("the next save", "held.length === 1")
	step("held.shift()()")
	reviewed()
	stored("Mended")
}

const (
	saveState = `document.getElementById("save-state").textContent`
	leave     = `document.getElementById("to-review").click(); `
	// holdSaves keeps each save from the server until the test takes it from held.
	holdSaves = `held = []; send = fetch; fetch = async (...request) => {
		if (request[0].endsWith?.("/draft")) await new Promise((go) => held.push(go));
		return send(...request);
	}`
)

// typed writes a subject in one go, so that no time passes before what follows.
func typed(subject string) string {
	return fmt.Sprintf(`document.forms.draft.elements.subject.value = %q; document.forms.draft.elements.subject.dispatchEvent(new Event("input", { bubbles: true })); `, subject)
}

// openCampaign opens a browser in which somebody is signed in, over a cluster that has
// one campaign.
func openCampaign(t *testing.T) (*tab, *cluster) {
	t.Helper()
	listen := freeAddr(t)
	c := newCluster(t, 20, "BROADSIDE_LOG_LEVEL=info", "BROADSIDE_LISTEN="+listen)
	c.prepare(20)
	c.openOwn()
	link := c.serveLogged("--roles", "web")

	_, path, _ := strings.Cut(link, "/setup")
	b := openTab(t, "http://"+listen)
	b.open("/setup" + path)
	b.write("#name", "Ann Baker")
	b.write("#email", "ann@example.org")
	b.write("#password", "a harbour in the fog")
	b.click("form button")
	b.until("signed in", `document.querySelector('form[action="/logout"]')`)
	return b, c
}
