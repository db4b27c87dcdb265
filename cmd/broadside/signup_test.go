package main

import (
	"bufio"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/campaign/token"
)

// People fill in a form's page; the mail that asks them leaves by the engine's express
// lane, signed, and the button behind its link subscribes them.
func TestSignUpInABrowser(t *testing.T) { // X9, X14
	const rows = 40
	listen := freeAddr(t)
	c := newCluster(t, rows, "BROADSIDE_LOG_LEVEL=info", "BROADSIDE_LISTEN="+listen)
	c.prepare(rows)
	c.openOwn()
	service := &campaign.Service{Store: c.db, Now: time.Now, PublicURL: "https://" + testDomain}
	desk := signup.New(c.db, service, new(token.Maker), slog.New(slog.DiscardHandler), time.Now)
	list, err := c.db.CreateList(t.Context(), "readers", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	form, err := desk.Create(t.Context(), list.ID, signup.Spec{
		From:   "News <news@" + testDomain + ">",
		Texts:  map[string]signup.Text{"en": {Title: "Harbour News", Consent: "Send me the news"}, "zh": {Title: "港口新闻", Consent: "我想订阅"}},
		Fields: []signup.Field{{Name: "first_name", Labels: map[string]string{"en": "First name", "zh": "名字"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.serveLogged()

	b := openTab(t, "http://"+listen)
	page := "/join/" + form.Slug
	for _, email := range c.addresses(6) { // not all of them are there
		b.open(page + "?lang=zh")
		b.write("#email", email)
		b.write("#f-first_name", "Li")
		b.click("#agree")
		b.click("form button")
		b.shows("请查收邮件")
	}
	b.fits(page)
	eventually(t, "no confirmation mail is accepted", 2*time.Minute, func() bool { return len(c.sim.Ledger().Messages()) > 0 })
	mail := c.sim.Ledger().Messages()[0]
	read, err := campaign.ReadRendered(mail.Data)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`https://` + regexp.QuoteMeta(testDomain) + `(/confirm/[a-z2-7]+)`).FindStringSubmatch(read.Text)
	if link == nil || !strings.Contains(string(mail.Data), "DKIM-Signature:") || strings.Contains(string(mail.Data), "\nList-Unsubscribe:") {
		t.Fatalf("the mail is\n%s", mail.Data)
	}
	b.open(link[1])
	b.shows("我想订阅")
	b.fits(link[1])
	if in := c.members(list.ID); in != 0 {
		t.Errorf("%d are subscribed by looking", in)
	}
	b.open(link[1])
	b.click("form button")
	b.shows("订阅成功")
	contact, err := c.db.ContactByEmail(t.Context(), mail.To[0])
	if err != nil || c.members(list.ID) != 1 || string(contact.Attributes) == "{}" {
		t.Errorf("contact %+v, %v; %d are subscribed", contact, err, c.members(list.ID))
	}
	consents, err := c.db.ConsentsOf(t.Context(), contact.ID)
	if err != nil || len(consents) != 1 || consents[0].Form != "我想订阅" || !strings.Contains(consents[0].Agent, "Chrome") || consents[0].Confirmed.IsZero() {
		t.Errorf("%+v, %v", consents, err)
	}
}

// addresses are the first of the list that the test made.
func (c *cluster) addresses(n int) (emails []string) {
	c.t.Helper()
	f, err := os.Open(filepath.Join(c.dir, "list.csv"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	for rows := bufio.NewScanner(f); rows.Scan() && len(emails) < n; {
		for cell := range strings.SplitSeq(rows.Text(), ",") {
			if strings.Contains(cell, "@") {
				emails = append(emails, strings.Trim(cell, `" `))
			}
		}
	}
	return emails
}

// members counts who is subscribed to a list.
func (c *cluster) members(id campaign.ListID) int64 {
	c.t.Helper()
	list, err := c.db.ListByID(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return list.Subscribed
}
