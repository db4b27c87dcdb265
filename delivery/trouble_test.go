package delivery

import (
	"math"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

// T3: each step down is taken only from the one above it, however many connections fail
// at once, and to clear text only where encryption is nobody's demand.
func TestEncryptionIsGivenUpStepByStep(t *testing.T) {
	book := ratelimit.NewBook()
	st := &site{sender: &Sender{Config: Config{Learned: book}}, name: "site"}
	steps := func() int { return book.Key(ratelimit.WholeSite, "", st.name).Fallback(time.Now()) }
	full := smtp.Config{TLS: smtp.Opportunistic}
	classic := smtp.Config{TLS: smtp.Opportunistic, ClassicTLS: true}
	demanded := smtp.Config{TLS: smtp.Require, ClassicTLS: true}
	for range 3 {
		if !st.tlsFailed(full) || steps() != classicTLS {
			t.Fatalf("the site is %d steps down after full encryption failed, want %d", steps(), classicTLS)
		}
	}
	if st.tlsFailed(demanded) || steps() != classicTLS {
		t.Fatalf("the site is %d steps down after it failed where it is demanded, want %d", steps(), classicTLS)
	}
	if !st.tlsFailed(classic) || steps() != clearText {
		t.Fatalf("the site is %d steps down after classic encryption failed, want %d", steps(), clearText)
	}
}

// A pause may be without end, and none is waited for beyond the give-up age.
func TestPatience(t *testing.T) {
	s := &Sender{contents: newContents(Config{})}
	own, now := &lane{name: campaign.LaneGoogle}, time.Now()
	for _, c := range []struct {
		name  string
		lane  *lane
		first time.Time // attempt
		wait  time.Duration
		want  bool
	}{
		{"no pause", sharedLane, time.Time{}, 0, false},
		{"a short one", sharedLane, time.Time{}, time.Second, false},
		{"a long one, in a lane for many sites", sharedLane, time.Time{}, time.Minute, true},
		{"a long one, in the site's own lane", own, time.Time{}, time.Hour, false},
		{"until a person ends it", own, time.Time{}, math.MaxInt64, false},
		{"until a person ends it, in a lane for many sites", sharedLane, time.Time{}, math.MaxInt64, true},
		{"just below the give-up age", own, now.Add(time.Minute - campaign.DefaultGiveUp), time.Hour, false},
		{"beyond the give-up age", own, now.Add(-time.Minute - campaign.DefaultGiveUp), time.Second, true},
	} {
		it := &item{lane: c.lane, taken: now}
		it.Job.FirstTried = c.first
		if got := s.outOfPatience(it, c.wait); got != c.want {
			t.Errorf("%s: out of patience is %v, want %v", c.name, got, c.want)
		}
	}
}
