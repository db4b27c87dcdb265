package reply

import "broadside/campaign"

// clue is wording that gives away why something was refused and what it is about, in
// lower case.
type clue struct {
	at     string // only of this provider; "" of anybody
	reason campaign.Reason
	scope  Scope
	words  []string
}

// wording is looked for in this order: the first clue that a text contains counts.
// Each stands for what mailbox providers and MTAs document or send. What is said
// about us comes before what is said about the recipient, since both may be "not
// found", and only one of them is the recipient's end.
var wording = []clue{
	{"", campaign.Greylisted, Recipient, []string{"greylist", "graylist", "grey-list", "gray-list", "grey listed", "gray listed"}},

	{"", campaign.Blocked, Source, []string{"s3140", "s3150", "sc-00", "dy-00", "ou-00"}},
	// Gmail calls what it refuses for want of authentication "rate limited", too.
	{"", campaign.AuthRejected, SendingDomain, []string{"isn't aligned", "authentication didn't pass", "it is unauthenticated",
		"sender is unauthenticated", "spf record of the sending domain", "does not pass dmarc", "dmarc record", "dmarc policy",
		"dkim does not pass", "spf does not pass", "required authentication level", "unresolvable rfc.5321 from domain"}},
	{"", campaign.AuthRejected, Source, []string{"sent over a tls connection", "ptr record", "must issue a starttls", "reverse dns failure"}},

	// About one address or one transaction, though the words sound like more.
	{"", campaign.ServerBusy, Unsaid, []string{"per transaction exceeded"}},
	{"", campaign.ServerBusy, Connection, []string{"too many errors"}},
	{"", campaign.ServerBusy, Recipient, []string{"unverified address", "recipient temporarily unavailable", "has no mail-enabled subscriptions"}},
	{"", campaign.PolicyRejected, Recipient, []string{"sendernotauthenticatedforgroup", "not in allowed-senders list"}},

	// How much, and of what.
	{"", campaign.RateLimited, URLDomain, []string{"one of your url domains"}},
	{"", campaign.RateLimited, SendingDomain, []string{"your dkim domain", "your spf domain", "domain frequency limited", "sender frequency limited"}},
	{"", campaign.RateLimited, Message, []string{"the same message-id"}},
	{"", campaign.RateLimited, Recipient, []string{"is receiving mail", "exceeded their message rate", "frequency of receiving messages is limited",
		"deferred due to excessive volume", "ratelimit exceeded for mailbox", "recipient has exceeded"}},
	{"", campaign.RateLimited, Connection, []string{"rp-002", "on this connection", "per connection", "messages per session",
		"mi:dmc", "rp:drc", "mi:ccl", "mi:cel"}},
	{"", campaign.Blocked, SendingDomain, []string{"low reputation of the sending domain"}},
	{"", campaign.Blocked, Source, []string{"low reputation of the sending ip", "none/bad reputation"}},
	{"", campaign.RateLimited, Source, []string{"unusual rate", "rate limit", "ratelimit", "at a rate that", "too fast", "too many connections",
		"too many concurrent", "too many simultaneous", "too many sessions", "number of concurrent connections", "too many messages",
		"too quickly", "too much mail", "frequency limited", "server busy. please try again later from", "trop de connexions", "throttl",
		"[ts0", "[tss", "[ipts", "vs98-ip", "rp-001", "rp-003", "hcm1", "ofr_104", "temporarily deferred", "permanently deferred",
		"connection limit exceeded", "connection rate", "send limit exceeded", "exceeded the maximum number of", "maximum number of connections",
		"hl:icc", "hl:ifc", "mi:sfq", "sending quota exceeded", "excessive unknown recipients"}},

	// Who we are.
	{"", campaign.AuthRejected, Source, []string{"helo command rejected", "bad helo", "helo/ehlo argument", "cannot find your",
		"reverse hostname", "reverse dns", "reverse lookup", "fix reverse", "dns ptr", "no ptr", "rdns", "forward-confirmed"}},
	{"", campaign.AuthRejected, SendingDomain, []string{"sender address rejected", "sender rejected", "sender verify", "domain of sender",
		"sender domain", "sender policy framework", "invalid sender", "emetteur invalide", "spf", "dkim", "dmarc", "unauthenticated", "authentication",
		"ofr_401", "ofr_402", "ofr_403", "ofr_405", "ofr_415", "ofr_517"}},
	{"", campaign.PolicyRejected, Message, []string{"likely unsolicited", "potential security issue", "nature of the content",
		"reject due to policy", "rfc 5322 compliant", "contains a virus", "due to spam content", "dt:spm"}},
	{"", campaign.Blocked, URLDomain, []string{"spamhaus dbl", "dbl.spamhaus", "surbl", "uribl", "blacklisted url"}},
	{"", campaign.Blocked, SendingDomain, []string{"manually blocked senders"}},
	{"tonline", campaign.Blocked, Source, []string{"a problem occurred"}},
	{"", campaign.Blocked, Source, []string{"blocked", "block list", "block-list", "blocklist", "block listed", "blacklist", "black list",
		"black listed", "denylist", "spamhaus", "spamcop", "dnsbl", "rbl", "banned",
		"reputation", "[bl2", "#bl0", "bl000", "suspected spam ip", "bounce attacks", "hl:rep", "hl:itc", "hl:itr", "hl:mep", "rp:orq",
		"wm:bli", "ofr_101", "ofr_102", "ofr_103", "ofr_510", "not accepting connections",
		"not authorized to send email directly", "abuse detected", "dialup/transient", "host network not allowed"}},

	// The recipient.
	{"", campaign.MailboxFull, Recipient, []string{"mailbox full", "mailbox is full", "mailbox for user is full", "inbox is full",
		"over quota", "overquota", "over storage quota", "exceeded its quota", "exceeded his quota", "exceeded their quota", "quota exceeded",
		"quota limit", "exceeded storage", "exceeded the quota", "out of storage", "insufficient storage", "mailbox size limit",
		"not enough storage", "boite du destinataire pleine", "speichervolumen", "allowed storage space", "too many messages on the server",
		"ofr_417"}},
	{"", campaign.DomainUnknown, Recipient, []string{"domain not found", "domain does not exist", "host or domain name not found", "host unknown",
		"does not accept mail (nullmx)", "all relevant mx records point to non-existent hosts",
		"couldn't find any host named", "couldn't find a mail exchanger"}},
	// At QQ this is said when too much came for the address, too.
	{"qq", campaign.Refused, Recipient, []string{"mailbox unavailable or access deni"}},
	{"", campaign.UserUnknown, Recipient, []string{"user unknown", "unknown user", "unknown or illegal alias", "unknown local part",
		"no such user", "does not exist", "doesn't exist", "not exist", "doesn't have a", "user not found", "no such recipient",
		"unknown recipient", "recipient unknown", "recipient not found", "recipnotfound", "recipientnotfound", "no longer on server",
		"recipient name is not recognized", "address not found", "address couldn't be found", "unrouteable address",
		"unroutable address", "not listed in domino directory", "not listed in public name", "invalid recipient", "invalid mailbox",
		"no mailbox", "no such mailbox", "no such address", "mailbox unavailable", "mailbox not found", "unknown mailbox", "unknown address",
		"no longer available", "no longer valid", "account is disabled", "account has been disabled", "account disabled", "inactive",
		"deactivated mailbox", "mailbox is disabled", "mailbox disabled", "is not a valid mailbox", "not our customer", "not a known user",
		"user doesn't exist", "5.4.1 recipient address rejected", "5.1.0 address rejected",
		"ofr_416", "ofr_420", "ofr_426", "benutzer nicht bekannt", "compte du destinataire est bloque"}},
	{"", campaign.TooLarge, Message, []string{"message too large", "message too big", "size limit", "exceeds size", "message size exceeds",
		"header size", "ofr_514"}},

	// The message.
	{"", campaign.PolicyRejected, Message, []string{"spam", "antispam", "policy", "policies", "content", "unsolicited", "prohibited", "virus",
		"phish", "malware", "bare lf", "administrative prohibition", "delivery not authorized", "ofr_506", "ofr_513"}},
	// The server was not told of the domain: more often a mistake there than the end of it.
	{"", campaign.PolicyRejected, Recipient, []string{"relay access denied", "relaying denied", "relaying disallowed", "relay not permitted",
		"open relay not allowed", "not permitted to relay", "unable to relay", "not a local domain", "list of allowed rcpthosts"}},
	{"", campaign.Blocked, Source, []string{"access denied", "connection denied", "client host rejected"}},

	// The server.
	{"", campaign.GivenUp, Recipient, []string{"retry timeout exceeded", "retry time not reached", "delivery time expired", "message expired",
		"could not be delivered for"}},
	{"", campaign.HostUnreachable, Host, []string{"connection refused", "able to establish an smtp connection", "no route to host", "network is unreachable", "name server: host not found"}},
	{"", campaign.TimedOut, Connection, []string{"timed out", "timeout", "connection expired"}},
	{"", campaign.ServerBusy, Host, []string{"[bs02]", "temporarily unavailable", "service unavailable", "service not available", "server busy",
		"service refuse", "veuillez essayer plus tard", "insufficient system", "insufficient disk", "space shortage", "system resources",
		"out of memory", "shutting down", "internal resource", "internal error", "write error", "local error", "local problem", "system problem",
		"server error", "try again later, closing connection", "currently unavailable", "try another server"}},
	{"", campaign.ServerBusy, Unsaid, []string{"try again later", "try later", "come back later"}},
}

// codes are enhanced codes that mean one thing wherever they were seen. They speak
// only when the words do not: gateways put 5.1.1 on whatever they refuse. One that
// ends in a dot stands for all codes that it begins.
var codes = []clue{
	{"", campaign.RateLimited, Source, []string{"4.7.28", "4.7.650", "4.7.651"}},
	{"google", campaign.AuthRejected, Source, []string{"4.7.23", "4.7.29", "5.7.29"}},
	{"google", campaign.AuthRejected, SendingDomain, []string{"4.7.24", "5.7.24", "4.7.26", "4.7.27", "5.7.27", "4.7.30", "5.7.30", "4.7.31",
		"4.7.32", "5.7.32", "4.7.40", "5.7.40"}},
	{"", campaign.AuthRejected, Source, []string{"5.7.25"}},
	{"", campaign.AuthRejected, SendingDomain, []string{"4.1.7", "5.1.7", "4.1.8", "5.1.8", "5.7.515", "5.7.23", "5.7.26", "5.7.9"}},
	{"", campaign.MailboxFull, Recipient, []string{"4.2.2", "5.2.2"}},
	{"", campaign.DomainUnknown, Recipient, []string{"5.1.2", "5.1.10"}},
	{"", campaign.UserUnknown, Recipient, []string{"5.1.1", "5.1.6", "5.2.1"}},
	{"", campaign.TooLarge, Message, []string{"5.3.4", "5.2.3"}},
	{"", campaign.PolicyRejected, Message, []string{"5.7.", "4.7."}},
	{"", campaign.GivenUp, Recipient, []string{"4.4.7", "5.4.7"}},
}
