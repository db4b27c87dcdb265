package benchmarks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/track"
	"broadside/campaign/web"
	"broadside/delivery"
	"broadside/delivery/meter"
)

// readerTarget is where the benchmark's one link leads.
const readerTarget = "https://shop.example/spring?utm_source=news"

// readersJob is the web role of a data directory.
type readersJob struct{ Dir string }

// readersReport is what the process has used and recorded so far.
type readersReport struct {
	Addr      string        `json:"addr"`
	Run       int64         `json:"run"`
	CPU       time.Duration `json:"cpu"`
	Hits      int64         `json:"hits"`      // recorded
	Recording time.Duration `json:"recording"` // took so long
}

// serveReaders answers pixels and links of a run as `broadside serve` does. It reports
// once at the start, and then for each line that it reads; at the line "record" it first
// records what came.
func serveReaders(ctx context.Context, job readersJob, in io.Reader, out *json.Encoder) (err error) {
	e, err := openEngine(ctx, job.Dir, "", "embedded")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	run, err := e.createRun(ctx, usualLetter)
	if err != nil {
		return err
	}
	if err := e.snapshot(ctx, run); err != nil {
		return err
	}
	if _, err := e.store.SaveLinks(ctx, run.ID, []campaign.Link{{Target: readerTarget, Fixed: len(readerTarget)}}); err != nil {
		return err
	}
	addr, stop, err := e.answerReaders(ctx)
	if err != nil {
		return err
	}
	defer stop()
	r := readersReport{Addr: addr, Run: int64(run.ID)}
	lines := bufio.NewScanner(in)
	for more := true; more && ctx.Err() == nil; more = lines.Scan() {
		if lines.Text() == "record" {
			if r.Hits, r.Recording, err = e.recordHits(ctx, run.ID); err != nil {
				return err
			}
		}
		r.CPU = meter.CPUTime()
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

// answerReaders serves the web role on loopback.
func (e *engine) answerReaders(ctx context.Context) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	writer := track.NewWriter(e.queue.PublishHits, e.log)
	running.Go(func() { writer.Run(ctx) })
	service := &campaign.Service{Store: e.store, Now: time.Now}
	srv := &http.Server{Handler: web.New(web.Config{
		Service: service, Store: e.store, Accounts: account.New(e.store, []byte("setup"), time.Now), Sessions: e.store.Sessions(),
		Recipients: http.NotFoundHandler(), Readers: track.NewHandler(track.Config{Tokens: readerKey, Links: e.store.LinksOf, Writer: writer, Log: e.log}),
		Log: e.log, Now: time.Now,
	})}
	running.Go(func() { _ = srv.Serve(l) }) // ErrServerClosed
	return l.Addr().String(), func() {
		srv.Close()
		cancel()
		running.Wait()
	}, nil
}

// recordHits records all hits that are durable, and returns how many they are.
func (e *engine) recordHits(ctx context.Context, run campaign.RunID) (n int64, took time.Duration, err error) {
	_, end, err := e.queue.HitsRange(ctx)
	if err != nil {
		return 0, 0, err
	}
	recording, stop := context.WithCancel(ctx)
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- (&delivery.HitRecorder{Store: e.store, Queue: e.queue, Log: e.log}).Run(recording) }()
	for at := uint64(0); err == nil && at < end; {
		select {
		case err = <-done:
			stop()
			return 0, 0, errors.Join(err, errors.New("the recorder ended"))
		case <-time.After(5 * time.Millisecond):
			at, err = e.store.HitsCheckpoint(ctx)
		}
	}
	took = time.Since(start)
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return 0, 0, err
	}
	counts, err := e.store.HitCounts(ctx, run)
	for _, c := range counts {
		n += c.N
	}
	return n, took, err
}
