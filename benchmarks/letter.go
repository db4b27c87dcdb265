package benchmarks

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"broadside/campaign"
	"broadside/campaign/message"
)

// letter is what everybody gets: HTML with a plain alternative, a name in the subject,
// and merge fields in both parts.
type letter struct {
	Bytes  int `toml:"bytes"`  // on the wire, about; 1,000 to 1,000,000
	Fields int `toml:"fields"` // in each part: name, then city, then the name again and again; 0 to 200
}

// usualLetter is the one of all scenarios that don't say otherwise.
var usualLetter = letter{Bytes: 15_000, Fields: 2}

func (l letter) check() error {
	switch {
	case l.Bytes < 1000 || l.Bytes > 1_000_000:
		return fmt.Errorf("letter: %d bytes are not between 1000 and 1000000", l.Bytes)
	case l.Fields < 0 || l.Fields > 200:
		return fmt.Errorf("letter: %d fields are not between 0 and 200", l.Fields)
	}
	return nil
}

const (
	letterDomain = "news.bench.example"
	letterFrom   = "Bench News <news@" + letterDomain + ">"
	letterList   = "bench"
)

const (
	htmlParagraph = "<p style=\"margin: 0 0 16px\">The quick brown fox jumps over the lazy dog, and “nobody” minds: 100 % of the time.</p>\n"
	textParagraph = "The quick brown fox jumps over the lazy dog, and “nobody” minds.\n\n"
)

// paragraphs are how many the two parts have: headers, boundaries and encoding take about
// 1,500 bytes, a paragraph 125 and 78.
func (l letter) paragraphs() (html, text int) {
	n := max(l.Bytes-1500, 0)
	return n * 63 / 13_500, n * 55 / 13_500
}

func (l letter) html(name, city string) string {
	name, city, more := l.fields(name, city)
	n, _ := l.paragraphs()
	return "<html><body><h1>Hello " + name + "</h1>\n" + more + strings.Repeat(htmlParagraph, n) + "<p>Yours, from " + city + "</p></body></html>\n"
}

func (l letter) text(name, city string) string {
	name, city, more := l.fields(name, city)
	_, n := l.paragraphs()
	return "Hello " + name + "\n\n" + more + strings.Repeat(textParagraph, n) + "Yours, from " + city + "\n"
}

// fields leaves out the fields that there are too few for, and repeats the name for more.
func (l letter) fields(name, city string) (string, string, string) {
	if l.Fields < 2 {
		city = "here"
	}
	if l.Fields < 1 {
		return "you", city, ""
	}
	return name, city, strings.Repeat("And "+name+", again.\n", max(l.Fields-2, 0))
}

func (l letter) source() message.Source {
	subject := "News for {{ name }}"
	if l.Fields == 0 {
		subject = "News for you"
	}
	return message.Source{
		From: letterFrom, Subject: subject,
		HTML: l.html("{{ name }}", "{{ city }}"),
		Text: l.text("{{ name }}", "{{ city }}"),
	}
}

// spec is of the class that needs no postal address: everybody sends the same letter, and
// the engine adds nothing to it but the way out.
func (l letter) spec() campaign.Spec {
	return campaign.Spec{Name: "bench", Class: campaign.Transactional, Source: l.source(), Lists: []string{letterList}}
}

// mailDomains is at how many domains the readers are.
const mailDomains = 97

func mailDomain(i int) string { return fmt.Sprintf("mail%d.example", i) }

// person is the i-th reader.
func person(i int) (email, name, city string) {
	return fmt.Sprintf(readerPrefix+"%08d@%s", i, mailDomain(i%mailDomains)), fmt.Sprintf("Reader %d", i), fmt.Sprintf("City %d", i%1000)
}

// importRow is the row of a file in which the i-th reader stands.
func importRow(row, i int) campaign.ImportRow {
	email, name, city := person(i)
	return campaign.ImportRow{
		Row: int64(row + 1), Email: email,
		Attributes: fmt.Appendf(nil, `{"name":%q,"city":%q,"score":%d}`, name, city, i%100),
	}
}

// readersOrder are the numbers of n readers in no order, as lists are.
func readersOrder(n int) []int { return rand.New(rand.NewPCG(3, 4)).Perm(n) }

// importRows are n readers in no order.
func importRows(n int) []campaign.ImportRow {
	rows := make([]campaign.ImportRow, n)
	for row, i := range readersOrder(n) {
		rows[row] = importRow(row, i)
	}
	return rows
}
