package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign/token"
)

// readerKey seals the counted links of the benchmark, on both sides.
var readerKey = token.NewMaker(bytes.Repeat([]byte{7}, 32))

// measureTracking asks the web role, in a process of its own, for pixels and for counted
// links of people of a run, over connections that stay open. Each hit is durable in the
// embedded queue before its answer; the queue's work is in the process's time. Then the
// hits are recorded.
func measureTracking(ctx context.Context, b *bench) (r Result, err error) {
	n := max(b.Jobs/3, 1)
	people := min(n, 20_000)
	var opens, clicks, rates, recorded []float64
	for range b.Rounds {
		err := b.inDir(func(dir string) error {
			if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{Dir: dir, Contacts: people, Unsigned: true}); err != nil {
				return err
			}
			c, err := startChild(ctx, roleReaders, readersJob{Dir: dir})
			if err != nil {
				return err
			}
			w := readersLoad{child: c, connections: b.Connections, n: n, people: people}
			err = w.run(ctx)
			opens, clicks, rates, recorded = append(opens, w.opens), append(clicks, w.clicks), append(rates, w.rate), append(recorded, w.recorded)
			return errors.Join(err, c.end())
		})
		if err != nil {
			return r, err
		}
	}
	r.Setting = fmt.Sprintf("%d openings and as many clicks of %d people over %d connections, individually, SQLite and the embedded queue", n, people, b.Connections)
	r.add("openings", "requests/s per core", opens...).atLeast(5000)
	r.add("clicks", "requests/s per core", clicks...).atLeast(5000)
	r.add("clicks as they came, beside those who click", "requests/s", rates...)
	r.add("recording", "hits/s", recorded...)
	return r, nil
}

// readersLoad is those who open and click.
type readersLoad struct {
	child       *child
	connections int
	n, people   int

	opens, clicks, rate, recorded float64
	last                          readersReport
}

func (l *readersLoad) run(ctx context.Context) error {
	if err := l.child.read(&l.last); err != nil {
		return err
	}
	cpu, _, err := l.phase(ctx, "/o/", 0)
	if err != nil {
		return err
	}
	l.opens = perSecond(l.n, cpu)
	cpu, took, err := l.phase(ctx, "/c/", 1)
	if err != nil {
		return err
	}
	l.clicks, l.rate = perSecond(l.n, cpu), perSecond(l.n, took)
	if err := l.ask("record"); err != nil {
		return err
	}
	if l.last.Hits != int64(2*l.n) {
		return fmt.Errorf("%d hits are recorded of %d", l.last.Hits, 2*l.n)
	}
	l.recorded = perSecond(2*l.n, l.last.Recording)
	return nil
}

// ask sends a line to the process and reads its report.
func (l *readersLoad) ask(line string) error {
	if _, err := io.WriteString(l.child.in, line+"\n"); err != nil {
		return err
	}
	l.last = readersReport{}
	return l.child.read(&l.last)
}

// phase makes n requests, and returns the process's time and everybody's.
func (l *readersLoad) phase(ctx context.Context, path string, link int64) (cpu, took time.Duration, err error) {
	addr, run, before, start := l.last.Addr, l.last.Run, l.last.CPU, time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i := range l.connections {
		share := l.n / l.connections
		if i < l.n%l.connections {
			share++
		}
		g.Go(func() error { return l.readOn(ctx, addr, path, run, link, share) })
	}
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	err = l.ask("report")
	return max(l.last.CPU-before, time.Microsecond), took, err
}

// readOn makes requests over one connection, one after the other.
func (l *readersLoad) readOn(ctx context.Context, addr, path string, run, link int64, n int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	from := bufio.NewReader(conn)
	var request []byte
	for range n {
		request = append(append(request[:0], "GET "...), path...)
		request = readerKey.AppendHit(request, token.Holder{Run: run, Contact: 1 + rand.Int64N(int64(l.people))}, link, nil)
		request = append(request, " HTTP/1.1\r\nHost: links.example.org\r\nAccept: */*\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\r\n"...)
		if _, err := conn.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(from, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if ok := resp.StatusCode == http.StatusOK || link > 0 && resp.Header.Get("Location") == readerTarget; !ok {
			return fmt.Errorf("%s%d: %s to %q", path, link, resp.Status, resp.Header.Get("Location"))
		}
	}
	return nil
}
