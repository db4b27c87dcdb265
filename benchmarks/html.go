package benchmarks

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"digits":   digits,
	"chart":    chart,
	"percent":  func(share float64) string { return fmt.Sprintf("%.0f", 100*share) },
	"time":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") },
	"goal":     func(g *Goal) string { return strings.TrimPrefix(g.text(), "goal ") },
	"rounds":   func(samples []float64) string { return strings.TrimPrefix(rounds(samples), "rounds ") },
	"versions": func() []string { return versions },
}).Parse(pageText))

// HTML writes the report as one page that needs nothing else: no script, no font, no
// picture.
func (r *Report) HTML(w io.Writer) error { return page.Execute(w, r) }

// The size of a chart, in its own units.
const (
	chartWidth, chartHeight = 720.0, 160.0
	chartLeft, chartBottom  = 56.0, 22.0
)

// chart draws a course as SVG.
func chart(c Course) template.HTML {
	if len(c.Rate) < 2 {
		return ""
	}
	top := slices.Max(c.Rate)
	x := func(i int) float64 {
		return chartLeft + (chartWidth-chartLeft)*float64(i)/float64(len(c.Rate)-1)
	}
	y := func(v float64) float64 { return (chartHeight - chartBottom) * (1 - v/max(top*1.05, 1)) }
	var line strings.Builder
	for i, v := range c.Rate {
		fmt.Fprintf(&line, "%.1f,%.1f ", x(i), y(v))
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="messages per second over time, at most %s">`, chartWidth, chartHeight, digits(top))
	for _, part := range []float64{0, 0.5, 1} {
		fmt.Fprintf(&s, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1[3]f"/>`, chartLeft, chartWidth, y(part*top))
		fmt.Fprintf(&s, `<text x="%.0f" y="%.1f" text-anchor="end">%.0f</text>`, chartLeft-6, max(y(part*top)+4, 10), part*top)
	}
	fmt.Fprintf(&s, `<polyline points="%s"/>`, strings.TrimSpace(line.String()))
	fmt.Fprintf(&s, `<text x="%.0f" y="%.0f">first message</text>`, chartLeft, chartHeight-6)
	fmt.Fprintf(&s, `<text x="%.0f" y="%.0f" text-anchor="end">%s s</text></svg>`, chartWidth, chartHeight-6, digits(c.Step*float64(len(c.Rate))))
	return template.HTML(s.String()) // numbers and our own words
}
