package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"broadside/delivery/reply"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

// explanation is what a reply means here and now.
type explanation struct {
	Code       int    `json:"code"`
	Enhanced   string `json:"enhanced,omitempty"`
	Text       string `json:"text"`
	Provider   string `json:"provider,omitempty"`
	Outcome    string `json:"outcome"` // accepted, deferred, bounced
	Reason     string `json:"reason,omitempty"`
	Scope      string `json:"scope,omitempty"`
	Suppresses bool   `json:"suppresses"`
	// Reactions are the provider's, or where no provider was named those of all who
	// have one.
	Reactions []explainedReaction `json:"reactions,omitempty"`
}

type explainedReaction struct {
	Provider string `json:"provider,omitempty"` // "": whoever says it
	Name     string `json:"name"`
	When     string `json:"when"`
	Does     string `json:"does"`
	Scope    string `json:"scope"`
}

func explainCommand(a *app) *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use:   "explain REPLY",
		Short: "Say what a server's reply means, and what is done about it",
		Long: "Say what a server's reply means: whether it is final, why it was said, what it is about,\n" +
			"and what is slowed down because of it, by the built-in rules and your own.",
		Example: `  broadside explain "550 5.7.1 Our system has detected that this message is likely unsolicited mail" --provider google`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			table, err := shaping.Load(a.cfg.Shaping)
			if err != nil {
				return err
			}
			provider, err := providerNamed(table, server)
			if err != nil {
				return err
			}
			r, err := pastedReply(strings.Join(args, " "))
			if err != nil {
				return err
			}
			e := explain(table, provider, r)
			if a.json {
				return a.printJSON(e)
			}
			e.print(a)
			return nil
		},
	}
	cmd.Flags().StringVar(&server, "provider", "", "who said it: a provider's name, an MX host or a mailbox domain")
	return cmd
}

// providerNamed is the provider that a person means: by name, by one of its MX hosts,
// or by a well-known mailbox domain.
func providerNamed(table *shaping.Table, said string) (string, error) {
	if said == "" {
		return "", nil
	}
	for _, name := range table.Providers() {
		if strings.EqualFold(name, said) {
			return name, nil
		}
	}
	if name, ok := table.ProviderOf(said); ok {
		return name, nil
	}
	if name, ok := table.ProviderOfDomain(said); ok {
		return name, nil
	}
	return "", usagef("--provider %s is nobody that is known: leave it out, or use one of %s", said, strings.Join(table.Providers(), ", "))
}

// inALog is a reply with what a log or a bounce puts before it.
var inALog = regexp.MustCompile(`^(?:\D.*?[\s:;])??([245][0-9]{2}(?:[ -].*)?)$`)

// pastedReply reads a reply as people have it: as it came, or cut out of a log with
// its lines joined into one.
func pastedReply(text string) (smtp.Reply, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "\n") {
		if found := inALog.FindStringSubmatch(text); found != nil {
			text = found[1]
		}
		if len(text) > 3 && text[3] == '-' {
			text = text[:3] + " " + text[4:]
		}
	}
	r, err := smtp.ParseReply(text)
	if err != nil || r.Code/100 == 3 {
		return r, usagef(`%q is no reply that decides anything: give all of it, such as "550 5.1.1 User unknown"`, text)
	}
	return r, nil
}

func explain(table *shaping.Table, provider string, r smtp.Reply) explanation {
	e := explanation{Code: r.Code, Enhanced: r.Enhanced, Text: r.Text, Provider: provider, Outcome: "accepted"}
	if r.Code/100 == 2 {
		return e
	}
	e.Outcome = map[int]string{4: "deferred", 5: "bounced"}[r.Code/100]
	m := reply.Read(provider, r.Code, r.Enhanced, r.Text)
	e.Reason, e.Scope = m.Reason.String(), m.Scope.String()
	e.Suppresses = reply.Gone(m.Reason, r.Code, r.Enhanced)
	asked := []string{provider}
	if provider == "" {
		asked = append(asked, table.Providers()...)
	}
	for _, name := range asked {
		reaction, ok := table.React(name, r.Code, r.Enhanced, r.Text)
		if !ok || reaction.Provider != name && name != provider {
			continue // what anybody may say is there already
		}
		e.Reactions = append(e.Reactions, explainedReaction{
			Provider: reaction.Provider, Name: reaction.Name,
			When: reaction.When(), Does: reaction.Does(), Scope: reaction.Scope.String(),
		})
	}
	return e
}

var outcomeWords = map[string]string{
	"accepted": "accepted: the server has taken it",
	"deferred": "deferred: it is temporary, and is tried again",
	"bounced":  "bounced: it is final, and is not tried again",
}

var scopeWords = map[string]string{
	"unsaid":         "what was asked: after RCPT the recipient, after that the message, before the server",
	"recipient":      "the recipient: this address alone",
	"message":        "the message: whoever else gets it may refuse it too",
	"connection":     "this connection: another one may go on",
	"host":           "the server: nobody gets anything there for now",
	"source":         "the source: all that leaves by the same IP address",
	"sending domain": "the sending domain: all that it signs",
	"URL domain":     "a domain that the message links to: all that links there",
}

var reactionScopeWords = map[string]string{
	"source":         "what leaves by the same source",
	"sending_domain": "what the same domain signs",
	"url_domain":     "what links to the same domain",
}

func (e explanation) print(a *app) {
	a.printf("outcome     %s\n", outcomeWords[e.Outcome])
	if e.Outcome == "accepted" {
		return
	}
	a.printf("reason      %s\n", e.Reason)
	a.printf("about       %s\n", scopeWords[e.Scope])
	a.printf("suppressed  %s\n", map[bool]string{true: "yes: the address is gone", false: "no"}[e.Suppresses])
	if len(e.Reactions) == 0 {
		a.printf("reaction    none of its own; pace follows the replies in general\n")
	}
	for i, r := range e.Reactions {
		heading := "reaction  "
		if i > 0 {
			heading = "          "
		}
		who := "any server"
		if r.Provider != "" {
			who = r.Provider
		}
		a.printf("%s  %s, %q: %s, %s (%s)\n", heading, who, r.Name, r.When, r.Does, reactionScopeWords[r.Scope])
	}
}
