package reply

import "broadside/campaign"

// clue is wording that gives a reason away, in lower case.
type clue struct {
	reason campaign.Reason
	words  []string
}

// wording is looked for in this order: the first clue that a text contains gives the
// reason. Each stands for what mailbox providers and MTAs document or send. What is
// said about us comes before what is said about the recipient, since both may be
// "not found", and only one of them is the recipient's end.
var wording = []clue{
	{campaign.Greylisted, []string{"greylist", "graylist", "grey-list", "gray-list"}},
	// Gmail calls what it refuses for want of authentication "rate limited", too.
	{campaign.AuthRejected, []string{"isn't aligned", "authentication didn't pass", "wasn't sent over a tls connection"}},
	{campaign.RateLimited, []string{"unusual rate", "rate limit", "at a rate that", "too fast", "too many connections",
		"too many concurrent", "number of concurrent connections", "too many messages", "too quickly", "frequency limited",
		"server busy. please try again later from", "trop de connexions", "throttl", "[ts0", "[tss", "[ipts",
		"rp-001", "rp-002", "rp-003", "hcm1", "ofr_104", "temporarily deferred"}},
	{campaign.AuthRejected, []string{"sender address rejected", "sender rejected", "sender verify", "domain of sender",
		"sender domain", "helo command rejected", "cannot find your", "reverse hostname",
		"reverse dns", "ptr record", "spf", "dkim", "dmarc", "unauthenticated", "authentication", "ofr_517"}},
	{campaign.PolicyRejected, []string{"likely unsolicited", "potential security issue", "reject due to policy"}},
	{campaign.Blocked, []string{"blocked", "block list", "blocklist", "blacklist", "black list", "spamhaus", "dnsbl",
		"s3140", "s3150", "sc-00", "dy-00", "ou-00", "banned", "reputation", "[bl2", "#bl0", "ofr_102"}},
	{campaign.MailboxFull, []string{"mailbox full", "mailbox is full", "mailbox for user is full", "inbox is full",
		"over quota", "overquota", "exceeded its quota", "quota exceeded", "exceeded storage", "out of storage",
		"insufficient storage", "mailbox size limit", "ofr_417"}},
	{campaign.DomainUnknown, []string{"domain not found", "domain does not exist", "host or domain name not found", "host unknown",
		"does not accept mail (nullmx)", "all relevant mx records point to non-existent hosts",
		"couldn't find any host named", "couldn't find a mail exchanger"}},
	{campaign.UserUnknown, []string{"user unknown", "unknown user", "no such user", "does not exist", "doesn't exist",
		"doesn't have a", "user not found", "no such recipient", "unknown recipient", "recipient unknown",
		"recipient not found", "recipnotfound", "recipientnotfound", "recipient name is not recognized",
		"address not found", "address couldn't be found", "unrouteable address", "not listed in domino directory",
		"not listed in public name", "invalid recipient", "no mailbox", "no such mailbox", "mailbox unavailable", "mailbox not found",
		"unknown mailbox", "unknown address", "no longer available", "account is disabled",
		"account has been disabled", "account disabled", "inactive", "mailbox is disabled", "mailbox disabled",
		"5.4.1 recipient address rejected", "5.1.0 address rejected", "ofr_416", "ofr_420", "ofr_426"}},
	{campaign.TooLarge, []string{"message too large", "size limit", "exceeds size", "message size exceeds"}},
	{campaign.PolicyRejected, []string{"spam", "antispam", "policy", "policies", "content", "unsolicited", "prohibited", "virus", "phish",
		"ofr_506",
		// The server was not told of the domain: more often a mistake there than the end of it.
		"relay access denied", "relaying denied", "not a local domain"}},
	{campaign.Blocked, []string{"access denied"}},
	{campaign.GivenUp, []string{"retry timeout exceeded", "retry time not reached", "delivery time expired", "message expired",
		"could not be delivered for"}},
	{campaign.HostUnreachable, []string{"connection refused", "no route to host", "network is unreachable", "name server: host not found"}},
	{campaign.TimedOut, []string{"timed out", "timeout"}},
	{campaign.ServerBusy, []string{"[bs02]", "temporarily unavailable"}},
}

// codes are enhanced codes that mean one thing wherever they were seen. They speak
// only when the words do not: gateways put 5.1.1 on whatever they refuse. One that
// ends in a dot stands for all codes that it begins.
var codes = []clue{
	{campaign.RateLimited, []string{"4.7.28", "4.7.650", "4.7.651"}},
	{campaign.AuthRejected, []string{"4.1.7", "5.1.7", "4.1.8", "5.1.8", "5.7.515", "5.7.23", "5.7.25", "5.7.26", "5.7.27",
		"5.7.30", "5.7.9"}},
	{campaign.MailboxFull, []string{"4.2.2", "5.2.2"}},
	{campaign.DomainUnknown, []string{"5.1.2", "5.1.10"}},
	{campaign.UserUnknown, []string{"5.1.1", "5.1.6", "5.2.1"}},
	{campaign.TooLarge, []string{"5.3.4", "5.2.3"}},
	{campaign.PolicyRejected, []string{"5.7.", "4.7."}},
	{campaign.GivenUp, []string{"4.4.7", "5.4.7"}},
}
