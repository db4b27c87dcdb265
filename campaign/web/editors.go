package web

import (
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// editing is how long a person who types is said once to be editing.
const editing = 10 * time.Minute

// editors remember who typed last in each campaign, so that the audit log has a line
// for each sitting and not for each word.
type editors struct {
	mu   sync.Mutex
	last map[campaign.CampaignID]sitting
}

type sitting struct {
	who   account.UserID
	began time.Time
}

// goesOn reports whether this is the same person at the same sitting.
func (e *editors) goesOn(c campaign.CampaignID, who account.UserID, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.last[c]; s.who == who && now.Sub(s.began) < editing {
		return true
	}
	for id, s := range e.last {
		if now.Sub(s.began) >= editing {
			delete(e.last, id)
		}
	}
	if e.last == nil {
		e.last = map[campaign.CampaignID]sitting{}
	}
	e.last[c] = sitting{who, now}
	return false
}
