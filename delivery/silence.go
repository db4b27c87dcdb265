package delivery

import (
	"time"

	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

// silence is what a path learns from servers that hang up without a word after so many
// messages (S27). They mean no harm, but what is under way when they do may have been
// accepted, so it is better to hang up before them.
type silence struct {
	last int // messages before the latest silent close
	cap  int // those before two in a row: the server's habit; 0: none is known
}

// atOnce is how soon a close follows the message that it is meant for; one that comes
// later is about idleness.
const atOnce = time.Second

// closedAfter takes note of how a connection ended that had carried so many messages and
// then been idle for a time.
func (p *path) closedAfter(messages int, idle time.Duration, r smtp.Result) {
	if messages == 0 || r.Failure != smtp.Closed || r.Reply.Code != 0 || idle > atOnce {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silence.last == messages {
		p.silence.cap = messages
	}
	p.silence.last = messages
}

// perConnection is how many messages a connection carries.
func (p *path) perConnection(rules shaping.Rules) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silence.cap > 0 {
		return min(p.silence.cap, rules.MessagesPerConnection)
	}
	return rules.MessagesPerConnection
}
