package main

import (
	"errors"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

const lateBounce = `From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It came back.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; somebody@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--b--
`

// A message is accepted, and bounces later: to its own return path, which suppresses
// whom it was sent to, and nobody when the path was changed. The next run leaves that
// address out.
func TestLateBounceSuppresses(t *testing.T) { // B6, M15
	bounces := freeAddr(t)
	c := newCluster(t, 40, "BROADSIDE_BOUNCE_LISTEN="+bounces)
	c.prepare(40)
	c.openOwn()
	c.run("campaign", "start", "news")
	p := c.serve()
	c.finished(1)
	sent := c.sim.Ledger().Messages()[0]
	who := campaign.AddressKey(sent.To[0])

	client, err := smtp.Dial(bounces)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	defer client.Close()
	local, domain, _ := strings.Cut(sent.From, "@")
	changed := local[:len(local)-1] + string('a'+(local[len(local)-1]-'a'+1)%26) + "@" + domain
	err = lateReport(client, changed)
	if refusal, ok := errors.AsType[*textproto.Error](err); !ok || refusal.Code != 550 {
		t.Errorf("a changed return path: %v", err)
	}
	if err := lateReport(client, sent.From); err != nil {
		t.Fatal(err)
	}
	entry, err := c.db.SuppressionOf(t.Context(), who)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	if entry.Reason != "bounced" || !strings.Contains(entry.Detail, "550 5.1.1 User unknown") {
		t.Fatalf("suppressed: %+v\n%s", entry, p.log)
	}
	if heard, err := c.db.FeedbackCounts(t.Context(), 1); err != nil || len(heard) != 1 || heard[0].Kind != campaign.HardBounce || heard[0].N != 1 {
		t.Errorf("counted: %+v, %v", heard, err)
	}

	c.run("campaign", "start", "news", "--again")
	eventually(t, who+" is not left out of the second run", time.Minute, func() bool {
		skipped, err := c.db.Recipients(t.Context(), 2, campaign.Skipped, campaign.Recipient{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(skipped, func(r campaign.RecipientRow) bool {
			return campaign.AddressKey(r.Email) == who && r.Reason == campaign.Suppressed
		})
	})
}

// A recipient complains: the report has nothing of theirs but the message itself, and
// suppresses them; the campaign's report counts it.
func TestComplaintSuppresses(t *testing.T) { // B2
	bounces := freeAddr(t)
	c := newCluster(t, 40, "BROADSIDE_BOUNCE_LISTEN="+bounces, "BROADSIDE_BOUNCE_REPORTERS=127.0.0.0/8")
	c.prepare(40)
	c.openOwn()
	c.run("campaign", "start", "news")
	p := c.serve()
	c.finished(1)
	sent := c.sim.Ledger().Messages()[0]
	report := "From: feedback@isp.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=arf\r\n\r\n" +
		"--arf\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: isp\r\n\r\n" +
		"--arf\r\nContent-Type: message/rfc822\r\n\r\n" + string(sent.Data) + "\r\n--arf--\r\n"
	if err := smtp.SendMail(bounces, nil, "", []string{"fbl@" + testDomain}, []byte(report)); err != nil {
		t.Fatal(err)
	}
	entry, err := c.db.SuppressionOf(t.Context(), campaign.AddressKey(sent.To[0]))
	if err != nil || entry.Reason != "complained" {
		t.Fatalf("%+v, %v\n%s", entry, err, p.log)
	}
	if out := c.run("campaign", "report", "news"); !strings.Contains(out, "over Gmail's limit of 0.3 %") {
		t.Errorf("the report does not say so:\n%s", out)
	}
}

// lateReport sends a report as MTAs do, from nobody (RFC 5321 §4.5.5).
func lateReport(client *smtp.Client, to string) error {
	if err := errors.Join(client.Reset(), client.Mail("")); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	_, err = w.Write([]byte(lateBounce))
	return errors.Join(err, w.Close())
}
