package web

import (
	"sync"
	"time"

	"broadside/campaign"
)

// countLife is how long a counted audience is what a person has seen.
const countLife = 30 * time.Minute

// counted remembers the audiences that review pages have counted, so that the number a
// person types is compared with the one that the page showed, and millions are not
// counted again between the click and the answer.
type counted struct {
	mu   sync.Mutex
	seen map[campaign.CampaignID]audienceSeen
}

type audienceSeen struct {
	version  time.Time // of the campaign
	count    campaign.AudienceCount
	forecast campaign.Forecast
	at       time.Time
}

func (s *counted) keep(c campaign.Campaign, count campaign.AudienceCount, f campaign.Forecast, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, seen := range s.seen {
		if now.Sub(seen.at) > countLife {
			delete(s.seen, id)
		}
	}
	if s.seen == nil {
		s.seen = map[campaign.CampaignID]audienceSeen{}
	}
	count.Domains = nil // there may be very many
	s.seen[c.ID] = audienceSeen{c.Updated, count, f, now}
}

// last returns what was counted of a campaign as it stands; false when nothing was.
func (s *counted) last(c campaign.Campaign, now time.Time) (audienceSeen, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.seen[c.ID]
	return seen, ok && seen.version.Equal(c.Updated) && now.Sub(seen.at) <= countLife
}
