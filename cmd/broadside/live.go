package main

import (
	"fmt"
	"strings"
	"time"

	"broadside/campaign"
)

// live shows a run's progress: a picture that is drawn over on a terminal, a line now
// and then in a pipe, nothing with --json.
type live struct {
	a        *app
	terminal bool
	width    int
	drawn    int // lines of the picture on the screen
	began    time.Time
	lastLine time.Time
	rate     float64
	settled  int64
	at       time.Time
}

func newLive(a *app) *live {
	width, ok := a.terminal()
	return &live{a: a, terminal: ok, width: width, began: time.Now()}
}

// plainEvery is how often progress is told in a pipe.
const plainEvery = 2 * time.Second

func (l *live) show(st campaign.Status) {
	if l.a.json {
		return
	}
	l.measure(st.Counts)
	over := !st.Run.Open() && st.Counts.Open() == 0
	if over && !st.Run.Finished.IsZero() {
		l.rate = float64(st.Counts.Planned) / max(st.Run.Finished.Sub(st.Run.Started).Seconds(), 0.001)
	}
	if l.terminal {
		l.draw(l.picture(st))
		return
	}
	if !over && time.Since(l.lastLine) < plainEvery {
		return
	}
	l.lastLine = time.Now()
	l.a.printf("%5.1fs  %s: %s  %s/s\n", time.Since(l.began).Seconds(), st.Run.State, equation(st.Counts), group(int64(l.rate)))
}

// measure smooths the rate at which recipients are settled.
func (l *live) measure(c campaign.Counts) {
	settled, now := c.Planned-c.Open(), time.Now()
	if dt := now.Sub(l.at).Seconds(); !l.at.IsZero() && dt > 0 {
		l.rate += (float64(settled-l.settled)/dt - l.rate) * min(dt, 1)
	}
	l.settled, l.at = settled, now
}

func (l *live) picture(st campaign.Status) []string {
	c := st.Counts
	part := float64(c.Planned-c.Open()) / float64(max(c.Planned, 1))
	lines := []string{
		fmt.Sprintf("  %s  %s %3.0f %%", st.Run.State, bar(part, min(l.width-24, 48)), part*100),
		"  " + equation(c),
		fmt.Sprintf("  %s messages/s   %s left%s", group(int64(l.rate)), group(c.Open()), l.eta(c)),
		"",
	}
	var b strings.Builder
	siteTable(st.Lanes).print(&b)
	return append(lines, strings.Split(strings.TrimRight(b.String(), "\n"), "\n")...)
}

func (l *live) eta(c campaign.Counts) string {
	if l.rate < 1 || c.Waiting == 0 {
		return ""
	}
	return ", about " + time.Duration(float64(c.Open())/l.rate*float64(time.Second)).Round(time.Second).String()
}

func (l *live) draw(lines []string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", l.drawn)
	}
	for _, line := range lines {
		if r := []rune(line); len(r) > l.width {
			line = string(r[:l.width])
		}
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	l.drawn = len(lines)
	l.a.printf("%s", b.String())
}
