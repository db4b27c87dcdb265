package benchmarks

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The page needs nothing from elsewhere, and names of figures are text in it.
func TestHTML(t *testing.T) {
	r := Result{Scenario: "run", Setting: "10 recipients", Detail: &Detail{
		Bottleneck: "The bottleneck is the processor.",
		Course:     Course{Step: 0.1, Rate: []float64{10, 20, 15}},
		Stages:     []StageCPU{{"sign", 130, 0.5}},
		Latencies:  []Latency{{"SMTP", 1, 2, 3, 4}},
		Sites:      []Site{{Name: "large", Messages: 10}},
	}}
	r.add("a<b", "messages/s", 1, 2, 3).atLeast(5)
	report := &Report{At: time.Unix(0, 0), Results: []Result{r}}
	report.Compare(&Report{Results: []Result{r}}, "old.json")
	var page bytes.Buffer
	if err := report.HTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a&lt;b", "≥ 5: NOT MET", "The bottleneck is the processor.", "<polyline points=", "width:50%", "large", "old.json", "1970-01-01"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, foreign := range []string{"http://", "https://", "<script", "@import", "ZgotmplZ"} {
		if strings.Contains(page.String(), foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
}
