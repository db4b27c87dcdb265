package benchmarks

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"broadside/campaign"
	"broadside/campaign/message"
)

// The letter that everybody sends: HTML with a plain alternative and two merge
// fields, 15 KB on the wire.
const (
	letterDomain = "news.bench.example"
	letterFrom   = "Bench News <news@" + letterDomain + ">"
	letterList   = "bench"
)

var (
	htmlParagraphs = strings.Repeat("<p style=\"margin: 0 0 16px\">The quick brown fox jumps over the lazy dog, and “nobody” minds: 100 % of the time.</p>\n", 63)
	textParagraphs = strings.Repeat("The quick brown fox jumps over the lazy dog, and “nobody” minds.\n\n", 55)
)

func letterHTML(name, city string) string {
	return "<html><body><h1>Hello " + name + "</h1>\n" + htmlParagraphs + "<p>Yours, from " + city + "</p></body></html>\n"
}

func letterText(name, city string) string {
	return "Hello " + name + "\n\n" + textParagraphs + "Yours, from " + city + "\n"
}

func letterSource() message.Source {
	return message.Source{
		From:    letterFrom,
		Subject: "News for {{ name }}",
		HTML:    letterHTML("{{ name }}", "{{ city }}"),
		Text:    letterText("{{ name }}", "{{ city }}"),
	}
}

// letterSpec is of the class that needs no postal address: everybody sends the same
// letter, and the engine adds nothing to it but the way out.
func letterSpec() campaign.Spec {
	return campaign.Spec{Name: "bench", Class: campaign.Transactional, Source: letterSource(), Lists: []string{letterList}}
}

// mailDomains is at how many domains the readers are.
const mailDomains = 97

func mailDomain(i int) string { return fmt.Sprintf("mail%d.example", i) }

// person is the i-th reader.
func person(i int) (email, name, city string) {
	return fmt.Sprintf(readerPrefix+"%08d@%s", i, mailDomain(i%mailDomains)), fmt.Sprintf("Reader %d", i), fmt.Sprintf("City %d", i%1000)
}

// importRows are n readers in no order, as lists are.
func importRows(n int) []campaign.ImportRow {
	rows := make([]campaign.ImportRow, n)
	for row, i := range rand.New(rand.NewPCG(3, 4)).Perm(n) {
		email, name, city := person(i)
		rows[row] = campaign.ImportRow{
			Row: int64(row + 1), Email: email,
			Attributes: fmt.Appendf(nil, `{"name":%q,"city":%q,"score":%d}`, name, city, i%100),
		}
	}
	return rows
}
