package delivery

import (
	"context"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
	"broadside/delivery/smtp"
)

type counted int

func (c *counted) Take(context.Context, string, int64) (bool, error) { *c++; return true, nil }
func (c *counted) GiveBack(string, time.Time)                        { *c-- }

// What a new source may send in a day is used by messages that the site saw, not by
// connections that failed.
func TestAllowancesAreUsedByMail(t *testing.T) {
	for what, c := range map[string]struct {
		r    smtp.Result
		used counted
	}{
		"no connection": {smtp.Result{Stage: smtp.Connect, Failure: smtp.Unreachable}, 0},
		"421 greeting":  {smtp.Result{Stage: smtp.Greeting, Reply: smtp.Reply{Code: 421}}, 0},
		"closed idle":   {smtp.Result{Stage: smtp.Mail, Failure: smtp.Closed}, 0},
		"MAIL refused":  {smtp.Result{Stage: smtp.Mail, Reply: smtp.Reply{Code: 451}}, 1},
		"user unknown":  {smtp.Result{Stage: smtp.Rcpt, Reply: smtp.Reply{Code: 550}}, 1},
		"accepted":      {smtp.Result{Stage: smtp.Body, Reply: smtp.Reply{Code: 250}, Handed: true}, 1},
		"in doubt":      {smtp.Result{Stage: smtp.Body, Failure: smtp.Closed, Handed: true}, 1},
	} {
		var used counted
		source := Source{Name: "new"}
		s := NewSender(Config{Sources: []Source{source}, Quota: &used, Warmups: []Warmup{{Sources: []string{"new"}, Start: time.Now(), PerDay: []int64{5}}}})
		s.hand = newHand(time.Minute, nil, nil)
		it := &item{class: queue.BulkJobs, lane: newLane(s, campaign.TailLane)}
		if ok, err := s.warm(t.Context(), it, &source, "site", time.Now()); !ok || err != nil || used != 1 {
			t.Fatalf("nothing was counted: %v, %v", ok, err)
		}
		if usesAllowance(c.r) {
			it.allowance = nil
		}
		s.hand.done(it)
		if used != c.used {
			t.Errorf("%s: %d of the day are used, want %d", what, used, c.used)
		}
	}
}
