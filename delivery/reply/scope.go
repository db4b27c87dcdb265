package reply

import "fmt"

// Scope is what a refusal is about: others like it meet the same.
type Scope uint8

// The scopes.
const (
	// Unsaid: the words don't tell, so the command that was answered does: RCPT speaks
	// of the recipient, MAIL, DATA and the message's end of the message, what comes
	// before of the host (RFC 5321 §4.2.5).
	Unsaid        Scope = iota
	Recipient           // this address, or its domain
	Message             // this message, whoever gets it
	Connection          // this connection; another may go on at once
	Host                // this server, whoever speaks to it
	Source              // our IP address or host name
	SendingDomain       // the domain that the mail is from, or is signed by
	URLDomain           // a domain that the message links to
)

var scopeNames = [...]string{
	"unsaid", "recipient", "message", "connection", "host", "source", "sending domain", "URL domain",
}

func (s Scope) String() string {
	if int(s) < len(scopeNames) {
		return scopeNames[s]
	}
	return fmt.Sprintf("scope(%d)", uint8(s))
}
