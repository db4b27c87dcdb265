package benchmarks

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-msgauth/dkim" // peer
	"github.com/wneessen/go-mail"         // peer
	"github.com/wneessen/go-mail/smtp"    // peer
	"golang.org/x/sync/errgroup"

	"broadside/delivery/meter"
)

// loopJob is to send the letter with the plain loop: go-mail builds each message,
// go-msgauth signs it, go-mail's SMTP client sends it over one of the persistent
// connections. There is no list, no queue and no ledger.
type loopJob struct {
	Sink        string
	Messages    int
	Connections int
	Unsigned    bool
}

type loopReport struct {
	Took time.Duration
	CPU  time.Duration
}

func runLoop(ctx context.Context, j loopJob) (loopReport, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return loopReport{}, err
	}
	if j.Unsigned {
		key = nil
	}
	cpu, started := meter.CPUTime(), time.Now()
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range j.Connections {
		g.Go(func() error {
			w, err := newLoopWorker(j.Sink, key)
			if err != nil {
				return err
			}
			defer w.client.Close()
			for i := int(next.Add(1)); i <= j.Messages && ctx.Err() == nil; i = int(next.Add(1)) {
				if err := w.send(i); err != nil {
					return fmt.Errorf("plain loop: message %d: %w", i, err)
				}
			}
			return w.client.Quit()
		})
	}
	err = g.Wait()
	return loopReport{time.Since(started), meter.CPUTime() - cpu}, err
}

// loopWorker has a connection and buffers of its own.
type loopWorker struct {
	client         *smtp.Client
	key            *rsa.PrivateKey // nil: unsigned
	message, wired bytes.Buffer
}

func newLoopWorker(addr string, key *rsa.PrivateKey) (*loopWorker, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	client, err := smtp.NewClient(conn, sinkHost)
	if err != nil {
		return nil, err
	}
	return &loopWorker{client: client, key: key}, client.Hello("mta." + letterDomain)
}

func (w *loopWorker) send(i int) error {
	email, name, city := person(i)
	if err := w.build(email, name, city); err != nil {
		return err
	}
	out := &w.message
	if w.key != nil {
		out = &w.wired
		out.Reset()
		if err := dkim.Sign(out, &w.message, w.options()); err != nil {
			return err
		}
	}
	if err := w.client.Mail("<news@" + letterDomain + ">"); err != nil {
		return err
	}
	if err := w.client.Rcpt("<" + email + ">"); err != nil {
		return err
	}
	data, err := w.client.Data()
	if err != nil {
		return err
	}
	if _, err := out.WriteTo(data); err != nil {
		return err
	}
	return data.Close()
}

func (w *loopWorker) build(email, name, city string) error {
	m := mail.NewMsg()
	if err := m.From(letterFrom); err != nil {
		return err
	}
	if err := m.To(email); err != nil {
		return err
	}
	m.Subject("News for " + name)
	m.SetMessageID()
	m.SetDate()
	m.SetBulk()
	m.SetGenHeader("List-Unsubscribe", "<https://"+letterDomain+"/u/"+email+">")
	m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	m.SetBodyString(mail.TypeTextPlain, usualLetter.text(name, city))
	m.AddAlternativeString(mail.TypeTextHTML, usualLetter.html(name, city))
	w.message.Reset()
	_, err := m.WriteTo(&w.message)
	return err
}

func (w *loopWorker) options() *dkim.SignOptions {
	return &dkim.SignOptions{
		Domain: letterDomain, Selector: "bench", Signer: w.key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
	}
}
