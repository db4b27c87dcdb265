package delivery

import (
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/dkim"
	"broadside/ratelimit"
)

func TestLinkedDomains(t *testing.T) {
	got := linkedDomains(message.Source{
		HTML: `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><body style="background: url('https://images.example/bg.png')">
<a href="https://Shop.example/sale">Sale</a> <img src = 'https://images.example/1.png'> <a HREF=http://shop.example.>here</a>`,
		Text: "Sale: https://text.example/sale.",
	})
	if want := []string{"images.example", "shop.example", "text.example"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWhoIsBlamed(t *testing.T) {
	links := []string{"images.example", "shop.example"}
	for text, want := range map[string][]string{
		"mail containing one of your URL domains":                        links,
		"mail containing your URL domain [Shop.example 35]. Slow down":   {"shop.example"},
		"mail containing your URL domain [other.example 35]. Slow down.": links,
	} {
		if got := blamed(links, text); !slices.Equal(got, want) {
			t.Errorf("%q blames %v, want %v", text, got, want)
		}
	}
}

// What is accepted after a stop of a sending domain ends its probe: otherwise the first
// reply of the next day would stop it again, whatever the reaction's number of hits.
func TestADomainsProbeEnds(t *testing.T) {
	book, now := ratelimit.NewBook(), time.Now()
	content := compiled(t)
	st := &site{sender: &Sender{Config: Config{Learned: book, Shaper: someRules{}}}, name: "site"}
	key := book.Key(ratelimit.SendingDomain, content.message.FromDomain(), st.name)
	key.React(now.Add(-time.Hour), ratelimit.Limits{}, ratelimit.Reaction{Stop: true, Probe: true, For: time.Minute}, ratelimit.Reply{})
	c := &connection{path: &path{Sender: st.sender, site: st, gates: gates{ratelimit.NewLocal(time.Now).Open("", ratelimit.Limits{}, func() {})}, learned: book.Key(ratelimit.Source, "", st.name)}}
	c.heed(&prepared{content: content}, &verdict{state: campaign.Accepted}, smtp.Result{}, now)
	if stop := key.Record().Stop; stop != (ratelimit.Stop{}) {
		t.Errorf("the sending domain is still probing: %+v", stop)
	}
}

// someRules allow one connection, and know no reaction.
type someRules struct{}

func (someRules) Rules(string, string) shaping.Rules {
	return shaping.Rules{Connections: 1, Rate: 1}
}

func (someRules) React(string, int, string, string) (*shaping.Reaction, bool) { return nil, false }

func compiled(t *testing.T) *content {
	t.Helper()
	spec := campaign.Spec{Source: message.Source{
		From: "News <news@example.org>", Subject: "News", Text: "https://shop.example\n",
		PostalAddress: "News Ltd, 1 Harbour Street, Portsmouth",
	}}
	c, err := (&contents{cfg: Config{Unsigned: true, Keys: emptyKeys(t)}}).compile(spec, message.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func emptyKeys(t *testing.T) *dkim.Keyring {
	keys, err := dkim.OpenKeyring(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
