package mx

import (
	"strings"
	"time"
)

// Provider is what a mailbox provider is known to accept. It is where a site starts
// from; replies teach the rest.
type Provider struct {
	// Name is the site of all its domains: lower-case letters and digits.
	Name string
	// Suffixes are the domains its MX hosts are in, without a dot at either end.
	Suffixes []string
	// Connections is how many may be open to the site at once.
	Connections int
	// MessagesPerConnection is how many a connection may carry.
	MessagesPerConnection int
	// Idle is how long an unused connection may be kept.
	Idle time.Duration
	// Rate is the site's limit in messages per second.
	Rate float64
	// RequireTLS demands encryption instead of preferring it.
	RequireTLS bool
}

// Default is the provider of every site that no other is known for. Its Name is "".
func Default() Provider {
	return Provider{Connections: 10, MessagesPerConnection: 100, Idle: time.Minute, Rate: 100}
}

// Providers returns the built-in table.
func Providers() []Provider {
	list := make([]Provider, len(table))
	for i, p := range table {
		list[i] = p.filled()
	}
	return list
}

// ProviderOf returns the provider whose MX host this is, by the longest suffix of
// whole labels.
func ProviderOf(mxHost string) (Provider, bool) {
	name := strings.ToLower(strings.TrimSuffix(mxHost, "."))
	for {
		if p, ok := bySuffix[name]; ok {
			return p.filled(), true
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return Provider{}, false
		}
		name = rest
	}
}

// filled puts the defaults where the table says nothing.
func (p Provider) filled() Provider {
	d := Default()
	d.Name, d.Suffixes, d.RequireTLS = p.Name, p.Suffixes, p.RequireTLS
	if p.Connections != 0 {
		d.Connections = p.Connections
	}
	if p.MessagesPerConnection != 0 {
		d.MessagesPerConnection = p.MessagesPerConnection
	}
	if p.Rate != 0 {
		d.Rate = p.Rate
	}
	return d
}

// table lists the providers; what is zero is the default's.
var table = []Provider{
	{Name: "google", Suffixes: []string{"google.com", "googlemail.com"},
		Connections: 5, MessagesPerConnection: 50, RequireTLS: true},
	{Name: "microsoft", Suffixes: []string{"olc.protection.outlook.com"},
		Connections: 5, MessagesPerConnection: 50},
	{Name: "microsoft365", Suffixes: []string{"mail.protection.outlook.com", "mx.microsoft"},
		Connections: 5},
	{Name: "yahoo", Suffixes: []string{"yahoodns.net"},
		Connections: 10, MessagesPerConnection: 20},
	{Name: "yahoojp", Suffixes: []string{"yahoo.co.jp"},
		Connections: 2, MessagesPerConnection: 20, Rate: 10},
	{Name: "apple", Suffixes: []string{"icloud.com"},
		Connections: 10, MessagesPerConnection: 5},
	{Name: "comcast", Suffixes: []string{"comcast.net"},
		Connections: 25, MessagesPerConnection: 1000, RequireTLS: true},
	{Name: "gmx", Suffixes: []string{"gmx.net", "web.de"},
		Connections: 4, MessagesPerConnection: 20, RequireTLS: true},
	{Name: "orange", Suffixes: []string{"orange.fr"},
		Connections: 2, MessagesPerConnection: 100, RequireTLS: true},
	{Name: "mimecast", Suffixes: []string{"mimecast.com"},
		Connections: 10, MessagesPerConnection: 100},
	{Name: "qq", Suffixes: []string{"qq.com"},
		Connections: 4, MessagesPerConnection: 8, RequireTLS: true},
	{Name: "netease", Suffixes: []string{"netease.com"},
		Connections: 4, MessagesPerConnection: 7, RequireTLS: true},
	{Name: "barracuda", Suffixes: []string{"barracudanetworks.com"},
		Connections: 10, MessagesPerConnection: 15, RequireTLS: true},
	{Name: "mailru", Suffixes: []string{"mail.ru"}},
	{Name: "yandex", Suffixes: []string{"yandex.ru", "yandex.net"}},
	{Name: "laposte", Suffixes: []string{"laposte.net"}},
	{Name: "libero", Suffixes: []string{"libero.it"}},
	{Name: "tonline", Suffixes: []string{"t-online.de"}},
	{Name: "ziggo", Suffixes: []string{"ziggo.nl"}},
	{Name: "proofpoint", Suffixes: []string{"pphosted.com", "ppe-hosted.com"}},
	{Name: "zoho", Suffixes: []string{"zoho.com", "zoho.eu", "zoho.in"}},
	{Name: "fastmail", Suffixes: []string{"messagingengine.com"}},
	{Name: "proton", Suffixes: []string{"protonmail.ch"}},
}

var bySuffix = func() map[string]Provider {
	m := make(map[string]Provider)
	for _, p := range table {
		for _, s := range p.Suffixes {
			m[s] = p
		}
	}
	return m
}()
