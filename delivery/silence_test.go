package delivery

import (
	"testing"
	"time"

	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

// S27: two silent closes after the same number of messages are a habit; idleness, a
// reply and other numbers are not.
func TestSilentClosesBecomeAHabit(t *testing.T) {
	silent, polite := smtp.Result{Failure: smtp.Closed}, smtp.Result{Failure: smtp.Closed, Reply: smtp.Reply{Code: 421}}
	rules := shaping.Rules{MessagesPerConnection: 50}
	p := &path{}
	for _, c := range []struct {
		what     string
		messages int
		idle     time.Duration
		r        smtp.Result
		want     int
	}{
		{"the first close", 20, 0, silent, 50},
		{"another number", 7, 0, silent, 50},
		{"a reply before it", 7, 0, polite, 50},
		{"after a rest", 7, time.Minute, silent, 50},
		{"the number again", 7, 0, silent, 7},
		{"a habit is kept", 9, 0, silent, 7},
	} {
		if p.closedAfter(c.messages, c.idle, c.r); p.perConnection(rules) != c.want {
			t.Errorf("%s: %d messages a connection, want %d", c.what, p.perConnection(rules), c.want)
		}
	}
}
