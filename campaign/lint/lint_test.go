package lint_test

import (
	"strings"
	"testing"

	"broadside/campaign/lint"
)

const fine = `<html><head><style>p { color: red }</style></head><body>
<div style="display: none; max-height: 0">Twelve plants that forgive everything.&nbsp;&zwnj;</div>
<p>The frost is over, and the first seeds may go out. Radishes are ready in four weeks, peas climb anything that stands still, and nasturtiums feed the bees.</p>
<p><img src="https://x.example/a.png" alt="A pea"> <a href="https://news.example/spring">Read the guide</a> or <a href="mailto:a@news.example">write</a></p>
<a href="https://news.example/u/1">Unsubscribe</a></body></html>`

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name          string
		subject, html string // what replaces "The frost is over"
		text          string
		blocks        bool
		where, says   string
	}{
		{"nothing to mend", "Spring is here", "", "", false, "", ""},
		{"an answer to nobody", "RE: your order", "", "", false, "subject", "as if it were an answer"},
		{"capitals", "SPRING IS FINALLY HERE", "", "", false, "subject", "capitals"},
		{"trigger", "Act now, friends", "", "", false, "subject", `"act now"`},
		{"shouting", "Spring!!!", "", "", false, "subject", "3 exclamation marks"},
		{"long", strings.Repeat("spring ", 20), "", "", false, "subject", "phones show"},
		{"near the clip", "Hi", strings.Repeat("<b></b>", 13500), "", false, "html", "Gmail cuts messages"},
		{"over the clip", "Hi", strings.Repeat("<b></b>", 15500), "", true, "html", "Gmail cuts it"},
		{"script", "Hi", "<script>alert(1)</script>", "", true, "html", "<script>"},
		{"form", "Hi", "<form><input></form>", "", true, "html", "<form>"},
		{"no alt", "Hi", `<img src="https://x.example/b.png">`, "", false, "html", "1 of 2 images"},
		{"hidden", "Hi", `<span style="display:none">buy buy buy</span>`, "", false, "html", "hidden text"},
		{"clear text link", "Hi", `<a href="http://news.example/x">x</a>`, "", false, "html", "not https"},
		{"relative link", "Hi", `<a href="/x">x</a>`, "", false, "html", "no https://"},
		{"empty link", "Hi", `<a href="#">x</a>`, "", false, "html", "leads nowhere"},
		{"shortener", "Hi", `<a href="https://bit.ly/x">x</a>`, "", false, "html", "hides where"},
		{"number", "Hi", `<a href="https://192.0.2.1/x">x</a>`, "", false, "html", "names a number"},
		{"phishing", "Hi", `<a href="https://evil.example/x">https://www.bank.test/</a>`, "", false, "html", "www.bank.test"},
		{"too many links", "Hi", `<a href="https://news.example/y">` + strings.Repeat("all of this is a link ", 20) + `</a>`, "", false, "html", "of its text are links"},
		{"no text", "Hi", "", " ", false, "text", "no plain-text part"},
		{"no way out in the text", "Hi", "", "Hello.", true, "text", "no unsubscribe link"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := lint.Mail{Subject: test.subject, HTML: fine, Text: "Hello. https://news.example/u/1", Unsubscribe: "https://news.example/u/1"}
			m.HTML = strings.Replace(m.HTML, "<p>The frost", test.html+"<p>The frost", 1)
			if test.text != "" {
				m.Text = test.text
			}
			got := lint.Check(m)
			if test.says == "" {
				if len(got) != 0 {
					t.Errorf("found %+v", got)
				}
				return
			}
			for _, f := range got {
				if f.Where == test.where && f.Blocks == test.blocks && strings.Contains(f.What, test.says) && f.Fix != "" {
					return
				}
			}
			t.Errorf("found %+v", got)
		})
	}
	if got := lint.Check(lint.Mail{Subject: "Hi", HTML: "<img src=x alt=y>", Text: "x", Unsubscribe: "https://news.example/u/1"}); len(got) != 3 {
		t.Errorf("an image alone: %+v", got)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Hi", fine)
	f.Fuzz(func(t *testing.T, subject, html string) {
		for _, finding := range lint.Check(lint.Mail{Subject: subject, HTML: html, Unsubscribe: "https://x.example/"}) {
			if finding.What == "" || finding.Fix == "" {
				t.Errorf("a finding without words: %+v", finding)
			}
		}
	})
}
