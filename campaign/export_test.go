package campaign

import "context"

// FeedAll feeds n jobs of runs whose audiences are complete, as a planner does whose
// lanes' windows are as large as they get.
func (p *Planner) FeedAll(ctx context.Context, runs []*Run, n int64) error {
	f := newFeeder(p)
	for n > 0 {
		for _, l := range f.lanes {
			for _, w := range l.windows {
				w.rate = maxWindow
			}
		}
		fed, err := f.feedLanes(ctx, runs)
		if err != nil {
			return err
		}
		n -= fed
	}
	return nil
}
