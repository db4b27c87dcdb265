package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// A recipient opens and clicks a message of `broadside serve`, through its web role under
// the sender's own tracking name; the report of the campaign has both, apart from a
// scanner's.
func TestReadersAreCounted(t *testing.T) { // X7, X9
	web := freeAddr(t)
	c := newCluster(t, 40, "BROADSIDE_LISTEN="+web, "BROADSIDE_TRACKING_URLS="+testDomain+"=https://links."+testDomain)
	c.prepare(40)
	c.write("read.txt", "See https://shop.example/spring today.\n")
	c.run("list", "tracking", "people", "individual")
	c.campaign("read", "--subject", "News", "--text", "read.txt")
	c.openOwn()
	c.run("campaign", "start", "read")
	p := c.serve()
	c.finished(1)
	sent := strings.ReplaceAll(string(c.sim.Ledger().Messages()[0].Data), "=\r\n", "")
	link := regexp.MustCompile(`https://links\.` + regexp.QuoteMeta(testDomain) + `(/c/[a-z2-7]+)`).FindStringSubmatch(sent)
	if link == nil || strings.Contains(sent, "shop.example") {
		t.Fatalf("the link is not counted:\n%s", sent)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, agent := range []string{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8.5.0"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+web+link[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", agent)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.log)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || got != "https://shop.example/spring" {
			t.Errorf("%s leads to %q\n%s", resp.Status, got, p.log)
		}
	}
	eventually(t, "the clicks are not recorded", time.Minute, func() bool {
		counts, err := c.db.HitCounts(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, count := range counts {
			n += count.N
		}
		return n == 2
	})
	if out := c.run("campaign", "report", "read"); !strings.Contains(out, "https://shop.example/spring") || !strings.Contains(out, campaign.ScannerAgent.String()) {
		t.Errorf("the report:\n%s", out)
	}
}
