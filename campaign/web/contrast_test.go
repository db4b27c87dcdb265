package web

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// WCAG 2.2 §1.4.3 and §1.4.11: text against its ground, and what has to be seen.
const (
	textContrast = 4.5
	lineContrast = 3.0
)

// pairs are colours that stand on others: the palettes' names, by style sheet.
var pairs = []struct {
	sheet    string
	ink      []string
	grounds  []string
	contrast float64
}{
	{"app.css", []string{"ink", "soft", "faint", "accent-text"}, []string{"page", "card", "raised", "well"}, textContrast},
	{"app.css", []string{"good", "warn", "bad"}, []string{"card", "raised"}, textContrast},
	{"app.css", []string{"good"}, []string{"good-soft"}, textContrast},
	{"app.css", []string{"warn"}, []string{"warn-soft"}, textContrast},
	{"app.css", []string{"bad"}, []string{"bad-soft"}, textContrast},
	{"app.css", []string{"blue"}, []string{"blue-soft"}, textContrast},
	{"app.css", []string{"accent-text", "ink", "soft"}, []string{"accent-soft"}, textContrast},
	{"app.css", []string{"accent-ink"}, []string{"accent-fill"}, textContrast},
	{"app.css", []string{"line-strong"}, []string{"page", "card", "raised"}, lineContrast}, // the edges of fields and buttons
	{"app.css", []string{"accent"}, []string{"page", "card", "raised"}, lineContrast},      // the ring of what has the focus
	{"app.css", []string{"accepted", "bounced", "unknown", "cancelled"}, []string{"card"}, lineContrast},
	{"public.css", []string{"ink", "soft"}, []string{"page", "card"}, textContrast},
	{"public.css", []string{"accent"}, []string{"page", "card"}, textContrast},
	{"public.css", []string{"on"}, []string{"accent"}, textContrast},
	{"public.css", []string{"good"}, []string{"good-soft"}, textContrast},
	{"public.css", []string{"bad"}, []string{"bad-soft", "card"}, textContrast},
	{"public.css", []string{"strong"}, []string{"card", "page"}, lineContrast},
}

// Everything can be read, by day and by night: AA, computed from the style sheets.
func TestContrast(t *testing.T) {
	for _, p := range pairs {
		themes := palettes(t, p.sheet)
		for theme, colours := range themes {
			for _, ink := range p.ink {
				for _, ground := range p.grounds {
					got := contrast(colour(t, colours, ink), colour(t, colours, ground))
					if got < p.contrast {
						t.Errorf("%s, %s: --%s on --%s has a contrast of %.2f, and needs %.1f", p.sheet, theme, ink, ground, got, p.contrast)
					}
				}
			}
		}
	}
}

var (
	root     = regexp.MustCompile(`:root\s*\{([^}]*)\}`)
	variable = regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{3,6})\b`)
)

// palettes reads the colours that a style sheet names: the first :root is the light
// theme, and the second changes some of them for the dark one.
func palettes(t *testing.T, sheet string) map[string]map[string]string {
	t.Helper()
	text, err := assetFiles.ReadFile("assets/" + sheet)
	if err != nil {
		t.Fatal(err)
	}
	found := root.FindAllStringSubmatch(string(text), -1)
	if len(found) != 2 {
		t.Fatalf("%s has %d palettes, want a light one and a dark one", sheet, len(found))
	}
	light, dark := map[string]string{}, map[string]string{}
	for i, f := range found {
		for _, v := range variable.FindAllStringSubmatch(f[1], -1) {
			if i == 0 {
				light[v[1]] = v[2]
			}
			dark[v[1]] = v[2]
		}
	}
	return map[string]map[string]string{"light": light, "dark": dark}
}

// colour is the linear red, green and blue of a name.
func colour(t *testing.T, colours map[string]string, name string) [3]float64 {
	t.Helper()
	hex := strings.TrimPrefix(colours[name], "#")
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	var c [3]float64
	for i := range c {
		if len(hex) != 6 {
			t.Fatalf("no colour is called --%s", name)
		}
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		if c[i] = float64(n) / 255; c[i] <= 0.04045 {
			c[i] /= 12.92
		} else {
			c[i] = math.Pow((c[i]+0.055)/1.055, 2.4)
		}
	}
	return c
}

// contrast is WCAG's contrast ratio, from 1 to 21.
func contrast(a, b [3]float64) float64 {
	light := func(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }
	l, d := light(a), light(b)
	if l < d {
		l, d = d, l
	}
	return (l + 0.05) / (d + 0.05)
}
