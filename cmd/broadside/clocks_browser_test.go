package main

import (
	"fmt"
	"time"
)

// followClocks writes a campaign for each recipient's own clock: its review says when people
// get it, for the start that is typed there.
func followClocks(b *tab) {
	b.t.Helper()
	b.open("/campaigns/new?list=customers")
	b.write("#name", "Nine everywhere")
	b.click(`form[action="/campaigns"] button.primary`)
	b.until("the people are counted", `document.querySelector("[data-people]").textContent.includes("people get it")`)
	set := func(selector, value string) {
		b.t.Helper()
		if _, err := eval[bool](b, fmt.Sprintf(`(() => { const i = document.querySelector(%q); i.value = %q; return i.dispatchEvent(new Event("input", { bubbles: true })); })()`, selector, value)); err != nil {
			b.t.Fatal(err)
		}
	}
	set("[name=local_zone]", "Europe/Berlin")
	b.until("it is saved", `document.querySelector("#save-state").textContent === "Saved"`)
	b.click("#to-review")
	b.until("a start now in words", `document.querySelector("[data-clocks]")?.textContent.includes("on each recipient's clock")`)
	b.click("[name=when][value=at]")
	at := time.Now().AddDate(0, 0, 40)
	set("[name=at]", at.Format("2006-01-02T15:04"))
	b.until("the typed start in words", fmt.Sprintf(`document.querySelector("[data-clocks]").textContent.startsWith("For %s on each")`, at.Format("Mon 2 Jan, 15:04")))
	set("[name=zone]", "Berlin")
	b.until("what is wrong with it", `document.querySelector("[data-clocks]").textContent.includes("is not a time zone")`)
}
