package main

import "github.com/chromedp/chromedp"

// buildSegment puts a segment together: rows show as an expression, an expression as
// rows, and people are counted meanwhile.
func buildSegment(b *tab) {
	b.t.Helper()
	b.open("/segments/new")
	b.do(chromedp.WaitVisible(`.rule [name=field]`))
	choose := func(selector, value string) {
		b.t.Helper()
		if _, err := eval[bool](b, `(() => { const s = document.querySelector('`+selector+`'); s.value = '`+value+`'; return s.dispatchEvent(new Event("input", { bubbles: true })); })()`); err != nil {
			b.t.Fatal(err)
		}
	}
	choose(".rule [name=field]", "email")
	choose(".rule [name=op]", "contains")
	b.write(".rule [name=value]", "@")
	b.until("the expression of the row", `document.getElementById("expression").value === 'email contains "@"'`)
	b.until("people are counted", `/^[1-9][0-9,]* people$/.test(document.querySelector("[data-number]").textContent)`)
	b.click(`button[value="group"]`)
	b.until("a second group", `document.querySelectorAll(".rules").length === 2`)
	b.write("#expression", `email contains "@" and (not received("Spring letter") or domain(email) == "example.org")`)
	b.until("the rows of the expression", `document.querySelectorAll(".rule").length === 3 && document.querySelectorAll(".rule [name=value]")[1].value === "Spring letter"`)
	b.write("#expression", `email matches "@"`)
	b.shows("more than rows can show")
	b.write("#expression", `email contains "@`)
	b.until("what is wrong", `document.getElementById("problem").textContent !== ""`)
	b.write("#expression", `email contains "@"`)
	b.until("rows again", `document.querySelectorAll(".rule").length === 1`)
	b.write("#name", "Everybody")
	b.click(`button[formmethod=post]`)
	b.until("the segment is saved", `/^\/segments\/[0-9]+$/.test(location.pathname) && document.querySelector("h1").textContent === "Everybody"`)
}
