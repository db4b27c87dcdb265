package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"broadside/campaign"
	"broadside/ratelimit"
)

// perSender is how many connections each sender adds in measureScale.
const perSender = 5

// measureScale adds senders, processes of their own on one NATS server, where the
// receiver is far away. The site's limit of connections is the cluster's: senders find
// their shares by themselves.
func measureScale(ctx context.Context, b *bench) (r Result, err error) {
	r.Setting = fmt.Sprintf("%v simulated round trip, %d connections a sender, shared by all; rates are of the second half of %d messages a connection, when all have their share", roundTrip, perSender, 2*b.PerConnection)
	var one float64
	for n := 1; n <= b.Senders; n *= 2 {
		run, err := b.finishedOnce(ctx, sending{
			recipients: 2 * b.PerConnection * perSender * n, connections: perSender * n, senders: n,
			sink: sinkJob{Latency: roundTrip}, limit: 5 * time.Minute,
		})
		if err != nil {
			return r, fmt.Errorf("%d senders: %w", n, err)
		}
		name := strconv.Itoa(n) + " senders"
		if n == 1 {
			name, one = "1 sender", run.saw.Late
		}
		r.add(name, "messages/s", run.saw.Late)
		if n > 1 {
			r.add(name+": until 90 % of that rate", "s", run.saw.Course.until(0.9*run.saw.Late))
			r.add(name+"/("+strconv.Itoa(n)+" × one)", "×", run.saw.Late/(float64(n)*one)).atLeast(0.95)
		}
		r.Detail = &Detail{Course: run.saw.Course, Sites: sitesOf(run.saw.Sites, run.Took)} // the last one's
		r.add(name+": connections at once", "", float64(run.saw.Sites["sink"].PeakConnections)).atMost(float64(perSender * n))
	}
	return r, nil
}

// hub is a NATS server with a port, for senders that are processes of their own.
type hub struct{ srv *server.Server }

func startHub(dir string) (*hub, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(dir, "jetstream"), SyncInterval: time.Second,
	})
	if err != nil {
		return nil, err
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		srv.Shutdown()
		return nil, errors.New("the NATS server is not ready after 20 s")
	}
	return &hub{srv}, nil
}

// Shutdown waits until its files are closed.
func (h *hub) Shutdown() {
	h.srv.Shutdown()
	h.srv.WaitForShutdown()
}

// senderJob is to send for an engine whose queue is a NATS server.
type senderJob struct {
	Engine engineJob
	URL    string
	Name   string
}

// runSender sends until ctx is done, within the cluster's limits.
func runSender(ctx context.Context, j senderJob) (none struct{}, err error) {
	e, err := openEngine(ctx, j.Engine.Dir, j.URL, j.Name)
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	limiter, err := ratelimit.OpenShared(ctx, e.queue.JetStream(), ratelimit.SharedOptions{Name: j.Name, Log: e.log, Now: time.Now})
	if err != nil {
		return none, err
	}
	defer limiter.Close()
	e.limiter = limiter
	sender, err := e.sender(ctx, j.Engine, nil)
	if err != nil {
		return none, err
	}
	return none, sender.Run(ctx)
}

// startSenders starts processes that send for this engine; the function that it returns
// ends them.
func (e *engine) startSenders(ctx context.Context, j engineJob) (end func() error, err error) {
	var all []*child
	end = func() error {
		var errs []error
		for _, c := range all {
			errs = append(errs, c.end())
		}
		return errors.Join(errs...)
	}
	for n := range j.Senders {
		c, err := startChild(ctx, roleSender, senderJob{Engine: j, URL: e.hub.srv.ClientURL(), Name: "sender" + strconv.Itoa(n)})
		if err != nil {
			return nil, errors.Join(err, end())
		}
		all = append(all, c)
	}
	return end, nil
}

// oneLane sorts everything into a lane that all senders take from.
func oneLane(domains []string) []campaign.Lane {
	lanes := make([]campaign.Lane, len(domains))
	for i := range lanes {
		lanes[i] = campaign.LaneGoogle
	}
	return lanes
}
