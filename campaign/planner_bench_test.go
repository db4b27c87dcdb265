package campaign_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"broadside/campaign"
)

// BenchmarkPlannerFeed is how fast jobs get from SQLite into the embedded queue: over
// ten lanes, as for a large audience, and into a single one.
func BenchmarkPlannerFeed(b *testing.B) {
	for _, c := range []struct {
		name       string
		recipients int // no more than the windows take: 20,000 a lane
		lanes      int
	}{{"lanes=10", 200_000, 10}, {"lanes=1", 20_000, 1}} {
		b.Run(c.name, func(b *testing.B) { benchmarkFeed(b, c.recipients, c.lanes) })
	}
}

func benchmarkFeed(b *testing.B, recipients, lanes int) {
	ctx := context.Background()
	w := newWorld(b)
	rows := make([]campaign.ImportRow, recipients)
	laneOf := map[string]campaign.Lane{}
	for i := range rows {
		lane := i % lanes
		domain := fmt.Sprintf("mail%d.example", lane)
		laneOf[domain] = w.queue.Lanes()[lane]
		rows[i] = campaign.ImportRow{
			Email: fmt.Sprintf("recipient.%07d@%s", i, domain),
			Attributes: fmt.Appendf(nil, `{"name":"Recipient Number %d","company":"A Company of %d Employees","city":"Springfield","country":"de","language":"de-DE","score":%d,"customer":true}`,
				i, i%5000, i%100),
		}
	}
	w.importRows("all", rows)
	all := spec("all", "all")
	all.Brake.Canary = "off"
	run := w.start(all)
	p := w.plannerBy(time.Now)
	p.LanesOf = lanesBy(func(domain string) campaign.Lane { return laneOf[domain] })
	stop := w.run(p.Run)
	w.complete(run)
	stop()
	run = w.latest(run)
	var fed time.Duration
	for b.Loop() {
		b.StopTimer()
		if err := w.queue.DropRun(ctx, run.ID); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		start := time.Now()
		if err := p.FeedAll(ctx, []*campaign.Run{&run}, int64(recipients)); err != nil {
			b.Fatal(err)
		}
		fed += time.Since(start)
	}
	b.ReportMetric(float64(recipients)*float64(b.N)/fed.Seconds(), "jobs/s")
}
