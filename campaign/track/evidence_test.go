package track

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"broadside/campaign"
)

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// X9: what a request says about who made it.
func TestEvidence(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	for _, test := range []struct {
		method, agent, from string
		header              [2]string
		want                campaign.Evidence
	}{
		{"GET", browser, "203.0.113.9", [2]string{}, campaign.ByPerson},
		{"GET", "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG 9) AppleWebKit/537.36", "203.0.113.9", [2]string{}, campaign.ByPerson},
		{"GET", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "2001:db8::1", [2]string{}, campaign.ByPerson},
		{"GET", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "66.249.84.1", [2]string{}, campaign.ByProxy},
		{"GET", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "98.136.1.1", [2]string{}, campaign.ByProxy},
		{"HEAD", browser, "203.0.113.9", [2]string{}, campaign.HeadRequest},
		{"GET", "Mozilla/5.0", "172.225.1.1", [2]string{}, campaign.PrivacyProxy},
		{"GET", "", "203.0.113.9", [2]string{}, campaign.ScannerAgent},
		{"GET", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "203.0.113.9", [2]string{}, campaign.ScannerAgent},
		{"GET", "curl/8.5.0", "203.0.113.9", [2]string{}, campaign.ScannerAgent},
		{"GET", "python-requests/2.32", "203.0.113.9", [2]string{}, campaign.ScannerAgent},
		{"GET", "BarracudaCentral/1.0", "203.0.113.9", [2]string{}, campaign.ScannerAgent},
		{"GET", browser, "64.235.150.7", [2]string{}, campaign.ScannerNetwork},
		{"GET", browser, "40.94.0.1", [2]string{}, campaign.ByPerson},
		{"GET", browser, "104.47.12.3", [2]string{}, campaign.ScannerNetwork},
		{"GET", browser, "198.51.100.77", [2]string{}, campaign.ScannerNetwork},
		{"GET", browser, "203.0.113.9", [2]string{"Sec-Purpose", "prefetch;prerender"}, campaign.Prefetched},
		{"GET", browser, "203.0.113.9", [2]string{"X-Moz", "prefetch"}, campaign.Prefetched},
	} {
		r := httptest.NewRequest(test.method, "/c/x", nil)
		r.Header.Set("User-Agent", test.agent)
		if test.header[0] != "" {
			r.Header.Set(test.header[0], test.header[1])
		}
		if got := evidenceOf(r, netip.MustParseAddr(test.from), own); got != test.want {
			t.Errorf("%s by %q from %s: %s; want %s", test.method, test.agent, test.from, got, test.want)
		}
	}
	if got := evidenceOf(httptest.NewRequest("HEAD", "/c/x", nil), netip.Addr{}, own); got != campaign.HeadRequest {
		t.Errorf("from nowhere: %s", got)
	}
}
