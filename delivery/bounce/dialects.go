package bounce

// dialect is how an MTA words bounces that have no delivery status, in lower case.
type dialect struct {
	opening []string // begins a line near the top
	found   []string // on the line where what the refusing server said begins
}

var dialects = []dialect{
	{ // Exim
		opening: []string{
			"this message was created automatically by mail delivery software",
			"this message was created automatically by the smtp relay",
		},
		found: []string{
			"the following address failed", "the following address(es) failed",
			"the address to which the message has not yet been delivered",
			"the addresses to which the message has not yet been delivered",
		},
	},
	{ // qmail (the QSBMF paragraphs), and what Yahoo made of it
		opening: []string{
			"hi. this is the qmail-send program", "hi. this is the deliver program",
			"sorry, we were unable to deliver your message to the following address",
		},
		found: []string{"<"},
	},
	{ // Postfix
		opening: []string{
			"this is the postfix program at host", "this is the postfix mail system at host",
			"this is the mail system at host",
		},
		found: []string{"<"},
	},
	{ // Sendmail
		opening: []string{"the original message was received at"},
		found:   []string{"----- the following addresses had", "----- transcript of session follows"},
	},
	{ // Exchange 5.5
		opening: []string{"your message"},
		found:   []string{"did not reach the following recipient(s)"},
	},
	{ // Exchange and Microsoft 365, when a gateway has thrown the delivery status away
		opening: []string{
			"delivery has failed to these recipients or groups",
			"delivery has failed to these recipients or distribution lists", "your message to ",
			"your message wasn't delivered", "your message couldn't be delivered",
		},
		found: []string{"diagnostic information for administrators", "remote server returned"},
	},
	{ // Gmail
		opening: []string{
			"delivery to the following recipient failed permanently",
			"delivery to the following recipients failed permanently",
			"delivery to the following recipient has been delayed", "delivery incomplete", "** address not found **",
			"** message blocked **", "address not found", "message not delivered",
		},
		found: []string{
			"technical details of permanent failure", "technical details of temporary failure",
			"the response from the remote server was", "the response was",
		},
	},
	{ // SmarterMail, hMailServer, MailEnable
		opening: []string{
			"could not deliver message to the following recipient", "the following recipient(s) could not be reached",
			"your message did not reach some or all of the intended recipients",
		},
		found: []string{"failed recipient:", "error type:", "[smtp:"},
	},
	{ // Courier
		opening: []string{"this is a delivery status notification from", "this is a delivery status notification,"},
		found:   []string{"<", "unable to deliver"},
	},
}

// delays say that the message is still being tried.
var delays = []string{
	"this is a warning only", "this is a warning message only", "this message is a warning", "has not yet been delivered",
	"it will be retried", "delivery has been delayed", "failed has been delayed", "recipient has been delayed",
	"delivery incomplete", "will retry for", "delivery attempts will continue", "you do not need to resend",
	"this is a temporary problem",
}

// returned begin the message that follows a bounce's own text.
var returned = []string{
	"--- below this line is a copy", "--- below the next line is a copy", "------ this is a copy of", "----- original message",
	"----- message header follows", "----- unsent message follows", "--- original message follows", "--- the header of the original",
	"original message headers", "original message follows", "the mts-id of the original message", "return-path:",
}
