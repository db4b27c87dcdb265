package benchmarks

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"broadside/delivery/smtptest"
)

// Detail is what one run looked like from the inside.
type Detail struct {
	Bottleneck string     `json:"bottleneck,omitempty"` // a sentence
	Course     Course     `json:"course"`               // as the sink saw it
	Stages     []StageCPU `json:"stages,omitempty"`     // the largest first
	Latencies  []Latency  `json:"latencies,omitempty"`  // in the order of the journey
	Sites      []Site     `json:"sites,omitempty"`      // by name
}

// Site is what one provider of the sink saw.
type Site struct {
	Name            string  `json:"name"`
	Messages        int64   `json:"messages"`
	Rate            float64 `json:"messages_per_second"`
	Connections     int64   `json:"connections"`
	PeakConnections int64   `json:"peak_connections"`
	RoundTrips      float64 `json:"round_trips_per_message"`
	Refused         int64   `json:"refused"`
}

func sitesOf(tallies map[string]smtptest.Tally, took time.Duration) []Site {
	var all []Site
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		s := Site{
			Name: name, Messages: t.Messages, Rate: perSecond(t.Messages, took), Connections: t.Connections,
			PeakConnections: t.PeakConnections, RoundTrips: float64(t.RoundTrips) / float64(max(t.Messages, 1)),
		}
		for _, n := range t.Rejected {
			s.Refused += n
		}
		all = append(all, s)
	}
	return all
}

// text writes the tables in columns; nothing for a nil detail.
func (d *Detail) text(w io.Writer) error {
	if d == nil {
		return nil
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(d.Stages) > 0 {
		fmt.Fprintln(tab, "\n  processor time by stage\tµs/message\tshare\t")
		for _, s := range d.Stages {
			fmt.Fprintf(tab, "  %s\t%s\t%.0f %%\t\n", s.Stage, digits(s.Micros), 100*s.Share)
		}
	}
	if len(d.Latencies) > 0 {
		fmt.Fprintln(tab, "\n  latency by stage, ms\thalf\t90 %\t99 %\tall\t")
		for _, l := range d.Latencies {
			fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\t%s\t\n", l.Stage, digits(l.P50), digits(l.P90), digits(l.P99), digits(l.Max))
		}
	}
	if len(d.Sites) > 1 {
		fmt.Fprintln(tab, "\n  site\tmessages\tmessages/s\tconnections\tat once\ttrips/message\trefused\t")
		for _, s := range d.Sites {
			fmt.Fprintf(tab, "  %s\t%d\t%s\t%d\t%d\t%s\t%d\t\n", s.Name, s.Messages, digits(s.Rate), s.Connections, s.PeakConnections, digits(s.RoundTrips), s.Refused)
		}
	}
	if err := tab.Flush(); err != nil || d.Bottleneck == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "\n  %s\n", d.Bottleneck)
	return err
}
