package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Job is how a peer is to send.
type Job struct {
	Dir         string // for its files; empty at first
	Cache       string // where npm packages are installed
	Sink        string // "IP:port" that takes all mail
	Connections int    // to it
	Domain      string // of the sender's address and the signature
	Selector    string
	Key         []byte // RSA, PKCS#8 in PEM
}

// Relay is a mail server that runs: it signs what it is given and sends it to the sink.
type Relay struct {
	Addr  string // where it takes mail, by SMTP
	parts []*process
}

// CPU is the processor time that all its processes have used so far.
func (r *Relay) CPU() (time.Duration, error) {
	var sum time.Duration
	for _, p := range r.parts {
		used, err := treeTime(p.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// Stop ends it, the front first, and waits until it has.
func (r *Relay) Stop() error {
	var errs []error
	for i := len(r.parts) - 1; i >= 0; i-- {
		errs = append(errs, r.parts[i].stop())
	}
	return errors.Join(errs...)
}

// process is a program in the foreground, with its descendants.
type process struct {
	cmd  *exec.Cmd
	said *bytes.Buffer // read after its end
	done chan struct{} // closed then
	err  error
}

// start runs a program in a process group of its own.
func start(dir, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), said: &bytes.Buffer{}, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p.cmd.WaitDelay = time.Second // descendants may hold its output open
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process, which stop sees to
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// stop asks the process to end, and after a while makes it; its group goes with it.
func (p *process) stop() error {
	group := -p.cmd.Process.Pid
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.done
	return nil
}

// listens waits until somebody takes connections at an address, as long as the process
// runs.
func (p *process) listens(ctx context.Context, addr string) error {
	ctx, stop := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("nobody listens on "+addr))
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w: %s", filepath.Base(p.cmd.Path), p.err, lastLines(p.said.String()))
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// lastLines are the end of what a program said, in one line.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}

// write puts files into a directory, by their paths in it.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
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
