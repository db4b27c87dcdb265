package track

import (
	"net/http"
	"net/netip"
	"strings"

	"broadside/campaign"
)

// evidenceOf is what a request itself says about who made it.
func evidenceOf(r *http.Request, from netip.Addr, scanners []netip.Prefix) campaign.Evidence {
	agent := strings.ToLower(r.UserAgent())
	switch {
	case r.Method == http.MethodHead:
		return campaign.HeadRequest
	case prefetches(r.Header):
		return campaign.Prefetched
	case agent == privacyAgent:
		return campaign.PrivacyProxy
	case within(from, scanners) || within(from, filterNetworks):
		return campaign.ScannerNetwork
	case names(agent, imageProxies):
		return campaign.ByProxy
	case agent == "" || names(agent, scannerAgents) || strings.Contains(strings.ReplaceAll(agent, "cubot", ""), "bot"):
		return campaign.ScannerAgent
	}
	return campaign.ByPerson
}

// privacyAgent is all that the proxies of Apple's Mail Privacy Protection call
// themselves; no browser is as terse.
const privacyAgent = "mozilla/5.0"

// imageProxies fetch an image when a person opens the message, and hide who that is.
var imageProxies = []string{"googleimageproxy", "yahoomailproxy"}

// scannerAgents are words in the names of what is no browser: filters of mail, previews
// of chats, and programming libraries. Robots by their own name are known by "bot",
// which is in the name of Cubot's telephones, too.
var scannerAgents = []string{
	"barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "fireeye", "forcepoint", "cloudmark", "bitdefender", "trendmicro", "safelinks",
	"crawler", "spider", "scanner", "urlscan", "preview", "facebookexternalhit", "whatsapp", "headlesschrome", "phantomjs",
	"curl/", "wget/", "python", "go-http-client", "java/", "libwww", "apache-httpclient", "node-fetch", "axios/", "ruby", "php/", "powershell",
}

// filterNetworks are ranges that filters of mail publish for their services, as of
// November 2026; docs/tracking.md says what follows from their age.
var filterNetworks = prefixes(
	// Barracuda Email Security Service
	"64.235.144.0/20", "209.222.80.0/21",
	// Proofpoint
	"67.231.144.0/20", "148.163.128.0/19",
	// Exchange Online Protection
	"40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17",
	// Mimecast
	"205.139.110.0/23", "207.211.30.0/23",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func names(agent string, words []string) bool {
	for _, w := range words {
		if strings.Contains(agent, w) {
			return true
		}
	}
	return false
}

// prefetches reports whether a browser loads ahead of any click.
func prefetches(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v := strings.ToLower(h.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return true
		}
	}
	return false
}
