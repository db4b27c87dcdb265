package web

import (
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

// weekday is a day of the week in a form.
type weekday struct {
	Name, Short, Value string
	Checked            bool
}

// Weekdays are the days on which the campaign's window opens, from Monday on.
func (c composeView) Weekdays() []weekday {
	var days []weekday
	for i := range 7 {
		d := time.Weekday((i + 1) % 7)
		name := d.String()
		days = append(days, weekday{name, name[:3], strings.ToLower(name[:3]), c.Campaign.Spec.Window.BeginsOn(d)})
	}
	return days
}

// windowOf reads a window from a form. Every day, or none, and no hours are no window.
func windowOf(f Form, days []string) schedule.Window {
	w := schedule.Window{Days: strings.Join(days, ","), From: f.Values["window_from"], To: f.Values["window_to"], Zone: strings.TrimSpace(f.Values["window_zone"])}
	if len(days) == 7 {
		w.Days = ""
	}
	if w.Days+w.From+w.To == "" {
		return schedule.Window{}
	}
	return w
}

// hours says when a campaign may send, and what a start outside of that waits for, by the
// reader's clock; both are "" when it may send at any time.
func hours(spec campaign.Spec, now time.Time, reader *time.Location) (when, waits string) {
	h, err := spec.Window.Parse()
	if err != nil || h.Always() {
		return "", ""
	}
	return h.String(), campaign.Run{Spec: spec, State: campaign.RunRunning}.WaitsFor(now, reader)
}
