package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// A person who knows nothing but the set-up link sends a newsletter: set up, upload a
// messy file, dry run, import, write, preview, test, start, watch, pause, resume, read the
// report, and download it.
func TestWholeStoryInABrowser(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { wholeStory(t, "") })
	t.Run("postgres", func(t *testing.T) { wholeStory(t, startPostgres(t)) })
}

func wholeStory(t *testing.T, db string) {
	const rows = 1500
	listen := freeAddr(t)
	c := newCluster(t, rows, "BROADSIDE_LOG_LEVEL=info", "BROADSIDE_LISTEN="+listen, "BROADSIDE_UNDO_TIME=3s", "BROADSIDE_SMTP_RATE=40", "BROADSIDE_DB="+db)
	c.writeList("customers.csv", rows, smtptest.Default(rows))
	c.keygen()
	link := c.serveLogged()
	if db == "" {
		c.openOwn()
	} else {
		c.open(db)
	}

	_, path, _ := strings.Cut(link, "/setup")
	b := openTab(t, "http://"+listen)
	b.open("/setup" + path)
	b.write("#name", "Ann Baker")
	b.write("#email", "ann@example.org")
	b.write("#password", "a harbour in the fog")
	b.click("form button")
	b.shows("First, the people")

	people := uploadList(b, filepath.Join(c.dir, "customers.csv"))
	b.click(`a.btn[href^="/campaigns/new"]`)
	compose(b)
	review(b, people)
	watch(b)
	report(b, c, people)
	buildSegment(b)
	followClocks(b)
	list, person := b.first("/lists"), b.first("/contacts")
	b.fits("/", "/lists", list, "/contacts", person, "/suppressions", "/segments", "/segments/new", "/segments/1", "/library", "/library/offer", "/campaigns", "/campaigns?archived=1", "/campaigns/new", "/campaigns/1", "/campaigns/1/review", "/runs/1", "/runs/1/compare", "/runs/1/people?state=accepted", "/runs/1/people", list+"/forms/new", "/sites", "/webhooks", "/users", "/audit", "/account", "/api/docs")
	b.open("/audit")
	for _, action := range []string{"set up", "upload file", "check file", "import file", "create campaign", "edit campaign", "send test", "start campaign", "pause run", "resume run", "export run"} {
		b.shows(action)
	}
}

// uploadList brings a file into a new list, and returns how many people it has.
func uploadList(b *tab, file string) int64 {
	b.t.Helper()
	b.open("/lists")
	noise := filepath.Join(b.t.TempDir(), "letter.pdf")
	if err := os.WriteFile(noise, []byte("%PDF-1.7\n\x00\xff"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles("#file", []string{noise}))
	b.until("the file that is no list is refused where it was dropped", `document.querySelector(".drop .error")?.textContent.includes("letter.pdf")`)
	b.do(chromedp.SetUploadFiles("#file", []string{file}))
	b.shows("Which list, and what the columns are")
	b.until("no name of one's own is asked for", `[...document.querySelectorAll("[data-own]")].every((e) => e.hidden)`)
	b.write("#new_list", "customers")
	b.click(`form[action$="/check"] button`)
	b.shows("What would happen")
	b.shows("Not an address, left out")
	b.click(`form[action$="/import"] button`)
	b.until("the import", `document.querySelector('form[action$="/undo"]')`)
	text, err := eval[string](b, `document.querySelector(".note.good strong").textContent.replace(/[^0-9]/g, "")`)
	if err != nil {
		b.t.Fatal(err)
	}
	people, err := strconv.ParseInt(text, 10, 64)
	if err != nil || people < 1000 {
		b.t.Fatalf("%q people (%v)", text, err)
	}
	return people
}

// compose writes a campaign for the list and sends a test of it.
func compose(b *tab) {
	b.t.Helper()
	b.write("#name", "Spring letter")
	b.click(`form[action="/campaigns"] button.primary`)
	b.shows("To mend")
	b.until("the people are counted", `document.querySelector("[data-people]").textContent.includes("people get it")`)
	b.write("#from", "News")
	b.until("the slip is marked beneath its field", `document.querySelector("#from + #from-wrong")?.textContent.includes("not one mailbox") && document.querySelector("#from").ariaInvalid === "true"`)
	b.write("#from", "News <news@"+testDomain+">")
	b.until("the mended field is not marked", `!document.querySelector("#from-wrong") && !document.querySelector("#from").hasAttribute("aria-invalid")`)
	b.write("#postal_address", "1 Harbour Street, Portsmouth")
	b.write("#subject", `{{ name | default: "Hello" }}, spring is here`)
	b.write("#content", "# Spring\n\nDear {{ nam }}, the first seeds may go out.")
	b.until("time zones are offered", `document.querySelector("#window_zone").list.options.length > 100`)
	b.until("the slip is found", `document.querySelector("#findings").innerText.includes('text no contact has a field "nam"')`)
	b.write("#content", "# Spring\n\nDear {{ name | default: \"reader\" }}, the first seeds may go out.")
	b.until("the slip is mended", `!document.querySelector("#findings .blocks") && document.querySelector("#save-state").textContent === "Saved"`)
	b.until("the preview's subject", `document.querySelector("[data-subject]").textContent.endsWith("spring is here")`)
	for _, view := range []string{`[data-view="text"]`, `[data-device="phone"]`, `[data-dark]`} {
		b.click(view)
	}
	b.until("the preview as plain text in the dark", `document.querySelector(".stage").className === "stage phone dark"`)
	page, err := eval[string](b, `(() => { const r = new XMLHttpRequest(); r.open("GET", "/campaigns/1/preview?as=longest", false); r.send(); return r.responseText })()`)
	if err != nil || !strings.Contains(page, "the first seeds may go out") {
		b.t.Errorf("the preview of the longest: %v\n%s", err, page)
	}
	to, err := eval[string](b, `document.querySelector("[data-to]").textContent`)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(`#test input[name="to"]`, to) // an address that the simulated internet has
	b.click("#test button")
	b.until("the test's result", `/^(Sent|Not sent): \S/.test(document.querySelector("#test-result").textContent)`)
	b.click("#to-review")
}

// review looks at the equation and starts.
func review(b *tab, people int64) {
	b.t.Helper()
	b.until("the audience is counted", fmt.Sprintf(`document.querySelector('[data-n="recipients"]').textContent.replace(/,/g, "") === "%d"`, people))
	b.click(`form[action$="/start"] button.primary`)
	b.shows("Until then you can take it back")
}

// watch sees the run begin, pauses it, and lets it go on to its end.
func watch(b *tab) {
	b.t.Helper()
	accepted := `Number(document.querySelector('[data-n="accepted"]').textContent.replace(/,/g, ""))`
	b.until("messages leave", accepted+" > 0")
	clicked := time.Now()
	b.click("#pause")
	b.until("paused", `document.querySelector("[data-state]").textContent === "paused"`)
	if took := time.Since(clicked); took > 5*time.Second { // < 1 s on a machine of its own
		b.t.Errorf("the pause was seen after %s", took)
	}
	b.shows("paused by Ann Baker")
	b.do(chromedp.Reload())
	b.click("#resume")
	b.until("goes on", `document.querySelector("[data-state]").textContent === "running"`)
	b.until("a site's row has what is allowed there, and its pause", `[...document.querySelectorAll("[data-activity] tbody tr")].some((row) => row.cells[1].textContent.includes(" of 40") && row.querySelector("button")?.textContent === "Pause")`)
	b.until("reasons come by themselves", `document.querySelector("[data-why] td a")?.href.includes("/people?state=")`)
	b.until("rates are drawn", `document.querySelector(".curve")?.getAttribute("d")`)
	b.until("the end", `document.querySelector("[data-state]").textContent === "finished" && document.body.innerText.includes("CSV of everybody")`)
}

// report compares what the page says with the ledger, opens a number, and downloads all.
func report(b *tab, c *cluster, people int64) {
	b.t.Helper()
	run := c.finished(1)
	counts, err := c.db.Counts(b.t.Context(), run.ID)
	if err != nil || counts.Planned != people || !counts.Balanced() {
		b.t.Fatalf("%+v for %d people (%v)", counts, people, err)
	}
	for _, s := range []campaign.State{campaign.Accepted, campaign.Bounced} {
		n := map[campaign.State]int64{campaign.Accepted: counts.Accepted, campaign.Bounced: counts.Bounced}[s]
		b.until(s.String(), fmt.Sprintf(`document.querySelector('[data-n="%s"]').textContent.replace(/,/g, "") === "%d"`, s, n))
	}
	lines, err := eval[int64](b, `(() => { const r = new XMLHttpRequest(); r.open("POST", document.querySelector('form[action$="/export"]').action, false); r.send(); return r.responseText.trimEnd().split("\n").length })()`)
	if err != nil || lines != people+1 {
		b.t.Errorf("the download has %d lines (%v), want %d and a header", lines, err, people)
	}
	b.click(`a.term[href$="/people"]`)
	b.shows("CSV of everybody")
	b.click(".crumbs a")
	b.click(`a.term[href$="state=bounced"]`)
	b.shows("CSV of all bounced")
	b.click("td a.main")
	b.shows("Everything that was sent")
	b.shows("Spring letter")
}
