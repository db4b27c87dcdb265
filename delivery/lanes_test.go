package delivery_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/mx"
)

// sites answers after so long; a site that is not named takes a minute.
type sites map[string]struct {
	site string
	took time.Duration
}

func (s sites) Site(ctx context.Context, domain string) (string, mx.Problem) {
	answer, ok := s[domain]
	if !ok {
		answer.took = time.Minute
	}
	select {
	case <-ctx.Done():
		return "", mx.Temporary
	case <-time.After(answer.took):
	}
	return answer.site, mx.None
}

type remembered struct {
	sites
	known chan map[string]string
}

func (r remembered) Site(ctx context.Context, domain string) (string, mx.Problem) {
	site, problem := r.sites.Site(ctx, domain)
	if problem == mx.None {
		known := <-r.known
		known[domain] = site
		r.known <- known
	}
	return site, problem
}

func (r remembered) KnownSite(domain string) (string, bool) {
	known := <-r.known
	defer func() { r.known <- known }()
	site, ok := known[domain]
	return site, ok
}

// A site's mail is in one lane, whatever its domains are called; one that DNS is slow
// about goes by its name, and is known for the next page.
func TestLanesFollowSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := remembered{sites{
			"shop.example": {"google", 20 * time.Millisecond},
			"a.example":    {"mx.host.example", time.Millisecond},
			"b.example":    {"mx.host.example", time.Millisecond},
			"slow.example": {"google", 2 * time.Second},
		}, make(chan map[string]string, 1)}
		r.known <- map[string]string{}
		wellKnown := func(domain string) (string, bool) { return "google", domain == "gmail.com" }
		l := delivery.NewLanes(r, wellKnown, 97)
		defer l.Close()

		began := time.Now()
		lanes := l.Of([]string{"gmail.com", "shop.example", "a.example", "b.example", "slow.example", "dead.example"})
		if took := time.Since(began); took != 250*time.Millisecond {
			t.Errorf("a page waited %v for DNS, want 250 ms", took)
		}
		if !slices.Equal(lanes[:2], []campaign.Lane{campaign.LaneGoogle, campaign.LaneGoogle}) {
			t.Errorf("Google's domains are in %v", lanes[:2])
		}
		if lanes[2] != lanes[3] || !lanes[2].Tail() {
			t.Errorf("the domains of one small site are in %v and %v", lanes[2], lanes[3])
		}
		if !lanes[4].Tail() || !lanes[5].Tail() {
			t.Errorf("domains that are not known yet are in %v and %v, want tail lanes", lanes[4], lanes[5])
		}
		time.Sleep(2 * time.Second)
		if lanes = l.Of([]string{"slow.example"}); lanes[0] != campaign.LaneGoogle {
			t.Errorf("the late answer was forgotten: %v", lanes)
		}
	})
}

func TestLanesWithoutDNSGoByName(t *testing.T) {
	l := delivery.NewLanes(nil, func(string) (string, bool) { return "", false }, 4)
	defer l.Close()
	lanes := l.Of([]string{"a.example", "b.example", "a.example"})
	if lanes[0] != lanes[2] || !lanes[0].Tail() || !lanes[1].Tail() {
		t.Errorf("lanes %v", lanes)
	}
}
