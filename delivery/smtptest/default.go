package smtptest

import (
	"fmt"
	"time"
)

// Default is the internet of the demo: the recipient mix of a consumer list, with
// the host names and replies of the providers themselves. It is made for a list of
// n recipients and a run of less than two minutes, so its delays are short:
//
//   - a round trip takes 4 to 15 ms;
//   - yahoo takes its part of n in 20 s and answers whoever is faster with
//     421 [TSS04]; it closes silently after 20 messages;
//   - gmx greylists for 5 s, and so does one of the small servers;
//   - 1.5 % of all mailboxes do not exist; 0.3 % are full, for good at microsoft and
//     for 10 s elsewhere;
//   - google, microsoft, comcast, gmx and orange offer STARTTLS with the
//     simulator's own certificate; small server 2 has no CHUNKING, 3 no PIPELINING
//     either, 4 loses 0.5 % of its connections after the final dot;
//   - nomail.example has a null MX, gone.example does not exist.
//
// The other 320 small domains share eight servers.
func Default(n int) []Provider {
	providers := []Provider{google(), microsoft(), yahoo(n), apple(), gmx(), comcast(), orange()}
	for server := 1; server <= smallServers; server++ {
		providers = append(providers, small(server))
	}
	return append(providers,
		Provider{Name: "nullmx", Domains: []string{"nomail.example"}, MX: []string{"0 ."}, Share: 0.1},
		Provider{Name: "gone", Domains: []string{"gone.example"}, Share: 0.1},
	)
}

const (
	unknownPart = 0.015
	fullPart    = 0.003
	fullFor     = 10 * time.Second
)

func google() Provider {
	return Provider{
		Name: "google", Domains: []string{"gmail.com"}, Share: 67.4,
		MX: []string{"5 gmail-smtp-in.l.google.com", "10 alt1.gmail-smtp-in.l.google.com", "20 alt2.gmail-smtp-in.l.google.com"},
		Behaviour: Behaviour{
			Latency: 4 * time.Millisecond, StartTLS: true, MaxConnections: 40, MaxSize: 157_286_400,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			RateReply: "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating\n" +
				"421 4.7.28 from your IP address [{ip}]. To protect our users from spam, mail sent\n" +
				"421 4.7.28 from your IP address has been temporarily rate limited. - gsmtp",
			ConnectionReply: "421 4.7.0 Too many concurrent SMTP connections from [{ip}]; please try again later. - gsmtp",
			UnknownReply: "550 5.1.1 The email account that you tried to reach does not exist. Please try\n" +
				"550 5.1.1 double-checking the recipient's email address for typos or\n" +
				"550 5.1.1 unnecessary spaces. - gsmtp",
			FullReply: "452 4.2.2 The recipient's inbox is out of storage space. - gsmtp",
		},
	}
}

func microsoft() Provider {
	return Provider{
		Name: "microsoft", Domains: []string{"hotmail.com", "outlook.com"}, Share: 10, Shares: []float64{8.8, 1.2},
		MX: []string{"2 hotmail-com.olc.protection.outlook.com"},
		Behaviour: Behaviour{
			Latency: 8 * time.Millisecond, StartTLS: true, MaxConnections: 40, MaxSize: 49_283_072,
			UnknownUser: unknownPart, MailboxFull: fullPart,
			RateReply:       "451 4.7.650 The mail server [{ip}] has been temporarily rate limited due to IP reputation. (S775)",
			ConnectionReply: "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel",
			UnknownReply:    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
			FullReply:       "552 5.2.2 <{rcpt}>: mailbox full, quota exceeded",
		},
	}
}

// yahoo takes n recipients' share of a list in 20 s.
func yahoo(n int) Provider {
	rate := max(5, float64(n)*0.074/20)
	return Provider{
		Name: "yahoo", Domains: []string{"yahoo.com", "aol.com"}, Share: 7.4, Shares: []float64{5.9, 1.5},
		MX: []string{"1 mta5.am0.yahoodns.net", "1 mta6.am0.yahoodns.net", "1 mta7.am0.yahoodns.net"},
		Behaviour: Behaviour{
			Latency: 10 * time.Millisecond, MaxSize: 41_943_040,
			Rate: rate, Burst: int(rate),
			RateReply:      "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
			MaxConnections: 20, MessagesPerConnection: 20, SilentClose: true,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			UnknownReply: "554 delivery error: dd This user doesn't have a yahoo.com account ({rcpt}) [0]",
			FullReply:    "452 4.2.2 <{rcpt}>: user over quota",
		},
	}
}

func apple() Provider {
	return Provider{
		Name: "apple", Domains: []string{"icloud.com"}, Share: 1.2,
		MX: []string{"10 mx01.mail.icloud.com", "10 mx02.mail.icloud.com"},
		Behaviour: Behaviour{
			Latency: 9 * time.Millisecond, MaxConnections: 20, MessagesPerConnection: 50, MaxSize: 28_311_552,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			RateReply:    "421 4.7.1 [HCM1] Message from ({ip}) deferred: too many messages in a short time",
			UnknownReply: "550 5.1.1 <{rcpt}>: user does not exist",
			FullReply:    "452 4.2.2 <{rcpt}>: user is over quota",
		},
	}
}

func gmx() Provider {
	return Provider{
		Name: "gmx", Domains: []string{"gmx.net", "web.de"}, Share: 1.2,
		MX: []string{"10 mx00.gmx.net", "10 mx01.gmx.net"},
		Behaviour: Behaviour{
			Latency: 6 * time.Millisecond, StartTLS: true, MaxConnections: 20, MaxSize: 157_286_400,
			Greylist: 5 * time.Second, GreylistReply: "451 4.7.1 Greylisting in action, please come back later",
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			ConnectionReply: "421 gmx.net Service not available: too many connections",
			UnknownReply:    "550 Requested action not taken: mailbox unavailable",
			FullReply:       "452 4.2.2 Quota exceeded",
		},
	}
}

func comcast() Provider {
	return Provider{
		Name: "comcast", Domains: []string{"comcast.net"}, Share: 0.8,
		MX: []string{"5 mx1a1.comcast.net", "5 mx2h1.comcast.net"},
		Behaviour: Behaviour{
			Latency: 7 * time.Millisecond, StartTLS: true, MaxConnections: 25, MessagesPerConnection: 1000,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			RateReply:    "421 4.1.0 {ip} Throttled - try again later. RL000001",
			UnknownReply: "550 5.1.1 Not our Customer",
			FullReply:    "452 4.2.2 <{rcpt}>: over quota",
		},
	}
}

func orange() Provider {
	return Provider{
		Name: "orange", Domains: []string{"orange.fr", "wanadoo.fr"}, Share: 0.8,
		MX: []string{"10 smtp-in.orange.fr"},
		Behaviour: Behaviour{
			Latency: 12 * time.Millisecond, StartTLS: true, MaxConnections: 10, MessagesPerConnection: 100,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
			ConnectionReply: "421 Service refuse. Trop de connexions, veuillez verifier votre configuration. OFR004_104 [104]",
			UnknownReply:    "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
			FullReply:       "452 4.2.2 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]",
		},
	}
}

const smallServers = 8

// small is a server of 40 small domains, from 1 on.
func small(server int) Provider {
	host := fmt.Sprintf("hosting%d.example", server)
	p := Provider{
		Name: fmt.Sprintf("small%d", server), Domains: []string{"*." + host}, Share: 10.4 / smallServers, Names: 40,
		MX: []string{"10 mx1." + host, "20 mx2." + host},
		Behaviour: Behaviour{
			Latency: time.Duration(5+server) * time.Millisecond, MaxConnections: 50,
			UnknownUser: unknownPart, MailboxFull: fullPart, MailboxFullFor: fullFor,
		},
	}
	switch server {
	case 1: // bücher.example: an internationalised domain
		p.Domains, p.Shares = append(p.Domains, "xn--bcher-kva.example"), []float64{0.9, 0.1}
	case 2:
		p.Behaviour.NoChunking = true
	case 3:
		p.Behaviour.NoChunking, p.Behaviour.NoPipelining = true, true
	case 4:
		p.Behaviour.DropAfterDot = 0.005
	case 5:
		p.Behaviour.Greylist = 5 * time.Second
	}
	return p
}
