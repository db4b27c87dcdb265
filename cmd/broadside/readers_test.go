package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/smtp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/delivery/smtptest"
	"broadside/dkim"
)

// readers are the people of simulated providers. Of each hundred, one unsubscribes when
// their first message has come, one complains and two bounce. They remember when that
// was acknowledged, and what came later than a second after.
type readers struct {
	t         *testing.T
	web       string                  // the web role, "127.0.0.1:8025"
	bounces   string                  // where mail to the return paths goes
	reporters map[string]*dkim.Signer // by domain: its complaints are signed
	pending   chan reaction
	working   sync.WaitGroup

	mu    sync.Mutex
	heard map[string]time.Time // by address: zero until it is acknowledged
	late  []string
}

// reaction is what somebody does about the first message that they got.
type reaction struct {
	message smtptest.Message
	do      func(*readers, smtptest.Message) error
}

// reactionOf is what the n-th person does, nil for nothing.
func reactionOf(n int) func(*readers, smtptest.Message) error {
	switch n % 100 {
	case 7:
		return (*readers).unsubscribe
	case 31:
		return (*readers).complain
	case 55, 83:
		return (*readers).bounce
	}
	return nil
}

// readerAddress is the n-th person's, and readerNumber its inverse.
func readerAddress(n int, domains []string) string {
	return fmt.Sprintf("p%06d@%s", n, domains[n%len(domains)])
}

func readerNumber(address string) int {
	n, err := strconv.Atoi(address[1:7])
	if err != nil {
		panic(err) // the list has nobody else
	}
	return n
}

// newReaders makes those of some domains; start lets them act.
func newReaders(t *testing.T, most int) *readers {
	return &readers{t: t, reporters: map[string]*dkim.Signer{}, pending: make(chan reaction, most), heard: map[string]time.Time{}}
}

// publishKeys lets providers sign their complaints.
func (r *readers) publishKeys(sim *smtptest.Internet, domains []string) {
	r.t.Helper()
	for _, domain := range domains {
		key, err := dkim.Generate(domain, "fbl", dkim.Ed25519)
		if err != nil {
			r.t.Fatal(err)
		}
		name, txt := key.Record()
		sim.SetRecords(name, smtptest.Records{TXT: []string{txt}})
		if r.reporters[domain], err = dkim.NewSigner(key); err != nil {
			r.t.Fatal(err)
		}
	}
}

// got is smtptest.Config.Accepted.
func (r *readers) got(m smtptest.Message) {
	who := strings.ToLower(m.To[0])
	do := reactionOf(readerNumber(who))
	if do == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, again := r.heard[who]
	switch {
	case !again:
		r.heard[who] = time.Time{}
		m.Data = bytes.Clone(m.Data)
		r.pending <- reaction{m, do}
	case !at.IsZero() && m.At.Sub(at) > time.Second:
		r.late = append(r.late, fmt.Sprintf("%s got a message %s after", who, m.At.Sub(at)))
	}
}

// act does what is pending, until stop.
func (r *readers) act() {
	for range 8 {
		r.working.Go(func() {
			for p := range r.pending {
				who := strings.ToLower(p.message.To[0])
				if err := p.do(r, p.message); err != nil {
					r.t.Errorf("%s: %v", who, err)
				}
				r.mu.Lock()
				r.heard[who] = time.Now()
				r.mu.Unlock()
			}
		})
	}
}

// stop waits until all have acted; the simulator is closed.
func (r *readers) stop() {
	close(r.pending)
	r.working.Wait()
}

// reacted is how many have, and whether nobody is at it.
func (r *readers) reacted() (n int, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all = true
	for _, at := range r.heard {
		all = all && !at.IsZero()
	}
	return len(r.heard), all
}

// unsubscribe is what a mail program does at a click (RFC 8058 §3.2).
func (r *readers) unsubscribe(m smtptest.Message) error {
	header, err := headerOf(m)
	if err != nil {
		return err
	}
	link := strings.Trim(header.Get("List-Unsubscribe"), "<> ")
	path, ok := strings.CutPrefix(link, "https://"+testDomain)
	if !ok {
		return fmt.Errorf("no link: %q", link)
	}
	resp, err := http.Post("http://"+r.web+path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// complain reports the message to its CFBL-Address (RFC 9477), signed by the provider.
func (r *readers) complain(m smtptest.Message) error {
	header, err := headerOf(m)
	if err != nil {
		return err
	}
	to, _, _ := strings.Cut(header.Get("CFBL-Address"), ";")
	_, domain, _ := strings.Cut(strings.ToLower(m.To[0]), "@")
	report := []byte("From: Feedback <feedback@" + domain + ">\r\nTo: <" + to + ">\r\nSubject: Report\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=arf\r\n\r\n" +
		"--arf\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: simulator\r\n\r\n" +
		"--arf\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: " + header.Get("Subject") + "\r\n\r\n--arf--\r\n")
	signature, err := r.reporters[domain].Sign(nil, report, time.Now())
	if err != nil {
		return err
	}
	return smtp.SendMail(r.bounces, nil, "feedback@"+domain, []string{to}, append(signature, report...))
}

// bounce returns the message to its return path, from nobody.
func (r *readers) bounce(m smtptest.Message) error {
	client, err := smtp.Dial(r.bounces)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := lateReport(client, m.From); err != nil {
		return err
	}
	return client.Quit()
}

func headerOf(m smtptest.Message) (mail.Header, error) {
	read, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		return nil, err
	}
	return read.Header, nil
}
