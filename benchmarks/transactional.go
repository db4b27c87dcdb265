package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/web/api"
)

// measureTransactional asks the API for single messages at a slow, steady rate: how long
// each takes from its request until its transaction is on the wire.
func measureTransactional(ctx context.Context, b *bench) (r Result, err error) {
	var report engineReport
	err = b.inDir(func(dir string) error {
		if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{Dir: dir, Contacts: b.Messages}); err != nil {
			return err
		}
		_, err := withSink(ctx, sinkJob{}, func(s *sink) (err error) {
			job := engineJob{Dir: dir, Sink: s.Addr, Connections: b.Connections, Messages: b.Messages, Offered: b.MessageRate, Limit: time.Minute}
			report, err = ask[engineReport](ctx, roleEngine, job)
			return err
		})
		return err
	})
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d messages at %s/s asked of the API, which writes each to the ledger and the queue; RSA-2048, SQLite, embedded queue, open connections", b.Messages, digits(b.MessageRate))
	written := report.Latencies[slices.IndexFunc(report.Latencies, func(l Latency) bool { return l.Stage == onTheWire })]
	r.add("from the request to the SMTP write, half of them", "ms", written.P50)
	r.add("from the request to the SMTP write, 99 %", "ms", written.P99).atMost(50)
	r.Detail = &Detail{Latencies: report.Latencies}
	return r, nil
}

// onTheWire is the stage until the first command of a message's transaction is written.
const onTheWire = "request to SMTP write"

// messageStages all begin with the request.
var messageStages = []stage{
	{"request to answer", func(s *stamps) int64 { return s.fed.Load() - s.due.Load() }},
	{"request to sender", func(s *stamps) int64 { return s.taken.Load() - s.due.Load() }},
	{"request to signature", func(s *stamps) int64 { return s.signed.Load() - s.due.Load() }},
	{onTheWire, func(s *stamps) int64 { return s.sending.Load() - s.due.Load() }},
	{"request to acceptance", func(s *stamps) int64 { return s.answered.Load() - s.due.Load() }},
}

// runMessages asks for messages by the clock, whatever becomes of those before them, with
// all roles at work.
func (e *engine) runMessages(ctx context.Context, j engineJob) (r engineReport, err error) {
	watch := newStopwatch(j.Messages)
	sender, err := e.sender(ctx, j, watch)
	if err != nil {
		return r, err
	}
	express := &campaign.ExpressLane{Queue: e.queue, LanesOf: e.lanes, Log: e.log}
	service := &campaign.Service{Store: e.store, PublicURL: "https://" + letterDomain, Express: express, Now: time.Now}
	spec := j.letter().spec()
	spec.Lists = nil
	if _, err := service.Create(ctx, spec); err != nil {
		return r, err
	}
	send, closeAPI, err := e.serveMessages(ctx, service)
	if err != nil {
		return r, err
	}
	defer closeAPI()
	ended := e.start(ctx, e.planning(), e.recording(e.store), sender.Run)
	watch.start = time.Now()
	r.Started = watch.start
	err = e.askPaced(ctx, j, send, watch)
	if err == nil {
		r.Counts, err = e.untilMessagesAreSent(ctx, spec.Name, j.Limit)
	}
	if err = errors.Join(err, ended()); err != nil {
		return r, err
	}
	warm := time.Duration(warmUp * float64(j.Messages) / j.Offered * float64(time.Second))
	r.Latencies = watch.latencies(messageStages, func(s *stamps) bool { return s.due.Load() >= int64(warm) && s.answered.Load() > 0 })
	return r, nil
}

// serveMessages serves the API on loopback, and returns how it is asked for a message.
func (e *engine) serveMessages(ctx context.Context, service *campaign.Service) (send func(ctx context.Context, to string) error, end func(), err error) {
	accounts := account.New(e.store, []byte("bench"), time.Now)
	user, _, err := accounts.Invite(ctx, account.User{Email: "bench@" + letterDomain, Name: "bench", Role: account.Editor})
	if err != nil {
		return nil, nil, err
	}
	_, token, err := accounts.CreateToken(ctx, user, "bench", account.Messages, time.Now().Add(24*time.Hour))
	if err != nil {
		return nil, nil, err
	}
	handler := api.New(api.Config{
		Service: service, Store: e.store, Accounts: accounts, Log: e.log, Now: time.Now,
		Client: func(*http.Request) netip.Addr { return netip.IPv6Loopback() },
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	end = func() {
		_ = srv.Close()
		<-served
	}
	url := "http://" + listener.Addr().String() + api.Prefix + "/messages"
	return func(ctx context.Context, to string) error { return askForMessage(ctx, url, token, to) }, end, nil
}

func askForMessage(ctx context.Context, url, token, to string) error {
	text, err := json.Marshal(map[string]any{"template": "bench", "to": to, "data": map[string]string{"name": "a customer"}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", to)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("a message was refused: %s %s", resp.Status, answer)
	}
	return err
}

// askPaced asks for each message when it is due.
func (e *engine) askPaced(ctx context.Context, j engineJob, send func(context.Context, string) error, watch *stopwatch) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range j.Messages {
		at := time.Duration(float64(i) / j.Offered * float64(time.Second))
		if err := sleep(ctx, at-time.Since(watch.start)); err != nil {
			return errors.Join(err, g.Wait())
		}
		to, _, _ := person(i)
		s := watch.of(to)
		s.due.Store(watch.at(time.Now()))
		g.Go(func() error {
			err := send(ctx, to)
			s.fed.Store(watch.at(time.Now()))
			return err
		})
	}
	return g.Wait()
}

func (e *engine) untilMessagesAreSent(ctx context.Context, template string, limit time.Duration) (campaign.Counts, error) {
	_, run, err := e.store.StandingRun(ctx, template)
	if err != nil {
		return campaign.Counts{}, err
	}
	return e.untilSent(ctx, run, limit)
}
