package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/web"
	"broadside/campaign/web/api"
)

// liveViewers are how many look at the page of a run.
const liveViewers = 200

// measureViewers tells what those who look at a run's page cost the sender that serves it:
// runs without anybody and runs with 200, by turns. Who looks is a process of its own. The
// goal is for the engine's processor time, which bounds its rate wherever the browsers are;
// the rate shares the machine with them.
func measureViewers(ctx context.Context, b *bench) (r Result, err error) {
	r.Setting = fmt.Sprintf("%d recipients, %d connections, all roles in one process; nobody looks and %d look by turns, each at the stream of events of the run's page", b.Recipients, b.Connections, liveViewers)
	var alone, watched []ran
	for round := range 2 * max(b.Rounds, 2) {
		w := b.everybody()
		w.pages = true
		into := &alone
		if odd := round % 2; odd != (round/2)%2 { // without, with, with, without, …
			w.viewers, into = liveViewers, &watched
		}
		run, err := b.finishedOnce(ctx, w)
		if err != nil {
			return r, err
		}
		if w.viewers > 0 && run.Events < liveViewers {
			return r, fmt.Errorf("%d viewers saw only %d events", liveViewers, run.Events)
		}
		*into = append(*into, run)
	}
	r.add("nobody looks", "messages/s", each(alone, func(o ran) float64 { return o.rate })...)
	r.add("200 look", "messages/s", each(watched, func(o ran) float64 { return o.rate })...)
	r.add("nobody looks: processor time", "µs/message", each(alone, func(o ran) float64 { return o.cpu })...)
	r.add("200 look: processor time", "µs/message", each(watched, func(o ran) float64 { return o.cpu })...)
	r.add("events to each viewer", "per second", each(watched, func(o ran) float64 { return float64(o.Events) / liveViewers / o.Took.Seconds() })...)
	r.add("the rate, with the viewers' own process on the same machine", "% less", eachPair(watched, alone, func(w, a ran) float64 { return 100 * (1 - w.rate/a.rate) })...)
	r.add("the sender's processor time", "% more", eachPair(watched, alone, func(w, a ran) float64 { return 100 * (w.cpu/a.cpu - 1) })...).atMost(2)
	return r, nil
}

// viewersJob is to look at a run until the input ends.
type viewersJob struct {
	URL, Session string
	Viewers      int
}

type viewersReport struct{ Events int64 }

// lookOn keeps a stream of events open for each viewer, as browsers do, until the run is over.
func lookOn(ctx context.Context, j viewersJob) (viewersReport, error) {
	var events atomic.Int64
	looking, ctx := errgroup.WithContext(ctx)
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: j.Viewers}}
	for range j.Viewers {
		looking.Go(func() error { return lookOnce(ctx, client, j, &events) })
	}
	err := looking.Wait()
	return viewersReport{events.Load()}, err
}

func lookOnce(ctx context.Context, client *http.Client, j viewersJob, events *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.URL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Cookie", j.Session)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("a viewer was refused: " + resp.Status)
	}
	buf := make([]byte, 32<<10) // an event and more
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			events.Add(1)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pages serves the pages in the engine's process, to viewers in another.
type pages struct {
	app     *web.App
	srv     *http.Server
	served  sync.WaitGroup
	base    string
	session string // the cookie of who looks
}

// servePages serves the pages, and signs in as who is going to look. Its cost is not that
// of looking.
func (e *engine) servePages(ctx context.Context) (*pages, error) {
	service := &campaign.Service{Store: e.store, Now: time.Now}
	accounts := account.New(e.store, []byte("bench"), time.Now)
	const email, password = "bench@" + letterDomain, "who looks at a benchmark"
	_, secret, err := accounts.Invite(ctx, account.User{Email: email, Name: "bench", Role: account.Viewer})
	if err == nil {
		_, err = accounts.Accept(ctx, secret, password, "")
	}
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pages{base: "http://" + l.Addr().String()}
	p.app = web.New(web.Config{
		Service: service, Store: e.store, Accounts: accounts, Sessions: e.store.Sessions(), Sites: quietSites{},
		Recipients: http.NotFoundHandler(), Log: e.log, Now: time.Now,
	})
	p.srv = &http.Server{Handler: p.app, ReadHeaderTimeout: 10 * time.Second}
	p.served.Go(func() { _ = p.srv.Serve(l) }) // ErrServerClosed
	if p.session, err = signIn(ctx, p.base, email, password); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// signIn returns the cookie of a session.
func signIn(ctx context.Context, base, email, password string) (string, error) {
	form := url.Values{"email": {email}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows nothing
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	for _, c := range resp.Cookies() {
		return c.Name + "=" + c.Value, nil
	}
	return "", fmt.Errorf("sign in: %s, and no cookie", resp.Status)
}

// show has viewers look at a run; e.seen waits until they have seen
// its end, and says how many events came to them.
func (e *engine) show(ctx context.Context, run campaign.RunID, viewers int) error {
	p := e.pages
	c, err := startChild(ctx, roleViewers, viewersJob{fmt.Sprintf("%s/runs/%d/events", p.base, run), p.session, viewers})
	if err != nil {
		return err
	}
	e.seen = func() (int64, error) {
		var r viewersReport
		err := c.read(&r)
		return r.Events, errors.Join(err, c.end())
	}
	return nil
}

func (p *pages) close() {
	p.app.Stop()
	_ = p.srv.Close()
	p.served.Wait()
	p.app.Wait()
}

// quietSites have no senders that could be asked elsewhere.
type quietSites struct{ api.Sites }

func (quietSites) Activity(context.Context) ([]campaign.SiteActivity, error) { return nil, nil }
