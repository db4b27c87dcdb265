package bounce

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionsAreBounded(t *testing.T) {
	limits := DefaultLimits
	limits.Connections, limits.PerHost = 3, 2
	s := serve(t, limits)
	first := s.hello(t)
	s.hello(t)
	refused := s.dial(t)
	if got := refused.reply(); got != "421 4.7.0 Too many connections, try again later" {
		t.Errorf("third connection: %q", got)
	}
	// A place is free when its connection is closed.
	first.say("QUIT", "221")
	if _, err := io.ReadAll(first.in); err != nil {
		t.Fatal(err)
	}
	s.hello(t)
}

// What is in hand at the end is finished, and nobody is waited for.
func TestShutdownLeavesIdleClients(t *testing.T) {
	s := serve(t, DefaultLimits)
	c := s.hello(t)
	c.say("MAIL FROM:<>", "250")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if got := c.reply(); !strings.HasPrefix(got, "421") {
		t.Errorf("at the end: %q", got)
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("the receiver still listens")
	}
}

// pipes is a listener whose connections are in memory, so that time is the bubble's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
		return net.ErrClosed
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// A silent client is hung up on after Idle, a busy one after Lifetime.
func TestTimeIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration // between two commands, 0 for none
		want  time.Duration
	}{
		{"silent", 0, DefaultLimits.Idle},
		{"busy", time.Minute, DefaultLimits.Lifetime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
				r := &Receiver{Store: &memory{}, Tokens: tokens, Hello: "bounces.example.org", Limits: DefaultLimits, Log: slog.New(slog.DiscardHandler)}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.Serve(ctx, l) }()

				conn := l.dial()
				began := time.Now()
				var busy sync.WaitGroup
				if tt.every > 0 {
					busy.Go(func() {
						for _, err := conn.Write([]byte("NOOP\r\n")); err == nil; _, err = conn.Write([]byte("NOOP\r\n")) {
							<-time.After(tt.every)
						}
					})
				}
				heard, err := io.ReadAll(conn)
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("hung up on after %s, want %s", got, tt.want)
				}
				if !bytes.Contains(heard, []byte("\r\n421 ")) {
					t.Errorf("heard %q", heard)
				}
				busy.Wait()
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
