package benchmarks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// measureWire compares the engine without signatures with Postfix's load generator,
// which writes one fixed message without looking at it, both to Postfix's own sink.
func measureWire(ctx context.Context, b *bench) (r Result, err error) {
	source, err := findProgram("smtp-source")
	if err == nil {
		_, err = findProgram("smtp-sink")
	}
	if err != nil {
		r.Setting = "left out: install the Debian package postfix, which has smtp-source and smtp-sink"
		return r, nil
	}
	w := b.everybody()
	w.unsigned = true
	r.Setting = fmt.Sprintf("%d recipients, unsigned, %d connections, all to smtp-sink, which has no CHUNKING", w.recipients, w.connections)
	var wires []sent
	var runs []ran
	for round := range b.Rounds + 1 {
		wire, err := b.sourceOnce(ctx, source)
		if err != nil {
			return r, err
		}
		wires = append(wires, wire)
		if round == b.Rounds {
			break
		}
		run, err := b.runAtPostfix(ctx, w)
		if err != nil {
			return r, err
		}
		runs = append(runs, run)
	}
	r.add("engine", "messages/s", each(runs, func(o ran) float64 { return o.rate })...)
	r.add("smtp-source", "messages/s", each(wires, func(o sent) float64 { return o.rate })...)
	r.add("engine: processor time", "µs/message", each(runs, func(o ran) float64 { return o.cpu })...)
	r.add("smtp-source: processor time", "µs/message", each(wires, func(o sent) float64 { return o.cpu })...)
	r.add("sink under the engine", "µs/message", each(runs, func(o ran) float64 { return o.sinkCPU })...)
	r.add("sink under smtp-source", "µs/message", each(wires, func(o sent) float64 { return o.sinkCPU })...)
	r.add("rate, engine/smtp-source", "×", ratios(wires, runs, func(run, wire sent) float64 { return run.rate / wire.rate })...).atLeast(0.4)
	return r, nil
}

// runAtPostfix sends to everybody with the engine, to smtp-sink.
func (b *bench) runAtPostfix(ctx context.Context, w sending) (r ran, err error) {
	err = b.inDir(func(dir string) error {
		if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{dir, w.recipients, w.unsigned}); err != nil {
			return err
		}
		sinkCPU, err := withPostfixSink(ctx, func(addr string) (err error) {
			r.engineReport, err = ask[engineReport](ctx, roleEngine, w.job(dir, sinkReport{Addr: addr}))
			return err
		})
		if err == nil && r.Counts.Accepted != int64(w.recipients) {
			err = fmt.Errorf("not everybody was reached: %+v", r.Counts)
		}
		r.sent = newSent(sinkReport{Messages: int64(w.recipients), CPU: sinkCPU}, r.Took, r.CPU)
		return err
	})
	return r, err
}

// sourceOnce sends with smtp-source.
func (b *bench) sourceOnce(ctx context.Context, path string) (sent, error) {
	var took, cpu time.Duration
	sinkCPU, err := withPostfixSink(ctx, func(addr string) error {
		cmd := exec.CommandContext(ctx, path, "-d", "-s", strconv.Itoa(b.Connections), "-m", strconv.Itoa(b.Recipients),
			"-l", "15360", "-f", "news@"+letterDomain, "-t", "reader@mail.example", "inet:"+addr)
		cmd.Stderr = os.Stderr
		start := time.Now()
		err := cmd.Run()
		took, cpu = time.Since(start), processTime(cmd.ProcessState)
		return err
	})
	if err != nil {
		return sent{}, fmt.Errorf("smtp-source: %w", err)
	}
	return newSent(sinkReport{Messages: int64(b.Recipients), CPU: sinkCPU}, took, cpu), nil
}

// withPostfixSink runs smtp-sink, lets work use it, and returns the processor time that
// it took.
func withPostfixSink(ctx context.Context, work func(addr string) error) (time.Duration, error) {
	path, err := findProgram("smtp-sink")
	if err != nil {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	addr := "127.0.0.1:" + port
	args := []string{addr, "128"}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "root"}, args...)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it doesn't outlive us
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = listens(ctx, addr)
	if err == nil {
		err = work(addr)
	}
	_ = cmd.Process.Kill()
	if exit := cmd.Wait(); err != nil {
		err = fmt.Errorf("%w (smtp-sink: %w: %s)", err, exit, said.String())
	}
	return processTime(cmd.ProcessState), err
}

// freePort is a port that nobody on loopback listens on at this moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// listens waits until somebody listens on an address.
func listens(ctx context.Context, addr string) error {
	ctx, stop := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("nobody listens on "+addr))
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// findProgram finds a program also where Debian keeps what is not for everybody.
func findProgram(name string) (string, error) {
	debian := "/usr/sbin/" + name
	if _, err := os.Stat(debian); err == nil {
		return debian, nil
	}
	return exec.LookPath(name)
}

// processTime is the processor time, user and system, of a process that has ended.
func processTime(p *os.ProcessState) time.Duration {
	if p == nil {
		return 0
	}
	return p.UserTime() + p.SystemTime()
}
