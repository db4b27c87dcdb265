package track

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"broadside/campaign"
)

// tables are the link tables of runs that somebody clicked in. What a table has never
// changes, so that clicks need no database once it is here.
type tables struct {
	read   func(ctx context.Context, run campaign.RunID) ([]campaign.Link, error)
	flight singleflight.Group

	mu   sync.Mutex
	runs map[campaign.RunID][]campaign.Link
}

const (
	// keptTables bounds the memory: a campaign has some dozen links.
	keptTables = 2000
	// tablePatience is how long a reader waits for a database that is away.
	tablePatience = 10 * time.Second
	tableRetry    = 500 * time.Millisecond
)

// link returns a link of a run; campaign.ErrNotFound when it has none of that number.
func (t *tables) link(ctx context.Context, run campaign.RunID, number int) (campaign.Link, error) {
	t.mu.Lock()
	links := t.runs[run]
	t.mu.Unlock()
	if number > len(links) {
		var err error
		if links, err = t.load(ctx, run); err != nil {
			return campaign.Link{}, err
		}
	}
	if number < 1 || number > len(links) {
		return campaign.Link{}, fmt.Errorf("link %d of run %d: %w", number, run, campaign.ErrNotFound)
	}
	return links[number-1], nil
}

// load reads a table once for all who wait for it.
func (t *tables) load(ctx context.Context, run campaign.RunID) ([]campaign.Link, error) {
	result := t.flight.DoChan(strconv.FormatInt(int64(run), 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tablePatience)
		defer cancel()
		links, err := t.insist(ctx, run)
		if err == nil {
			t.keep(run, links)
		}
		return links, err
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-result:
		links, _ := r.Val.([]campaign.Link)
		return links, r.Err
	}
}

// insist reads a table as soon as the database is there.
func (t *tables) insist(ctx context.Context, run campaign.RunID) ([]campaign.Link, error) {
	for {
		links, err := t.read(ctx, run)
		if err == nil || ctx.Err() != nil {
			return links, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(tableRetry):
		}
	}
}

func (t *tables) keep(run campaign.RunID, links []campaign.Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.runs) >= keptTables {
		for old := range t.runs {
			delete(t.runs, old)
			break
		}
	}
	t.runs[run] = links
}
