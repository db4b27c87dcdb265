package smtp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// sink is a connection that only takes.
type sink struct {
	net.Conn
	w io.Writer
}

func (s sink) Write(p []byte) (int, error)      { return s.w.Write(p) }
func (s sink) SetReadDeadline(time.Time) error  { return nil }
func (s sink) SetWriteDeadline(time.Time) error { return nil }

// accept answers everything in the positive, without allocating.
func accept(conn net.Conn, offers string) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	out := bufio.NewWriter(conn)
	io.WriteString(conn, "220 x\r\n")
	data := false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case data:
			if string(line) == ".\r\n" {
				data = false
				out.WriteString("250 2.0.0 queued as 0123456789\r\n")
			}
		case bytes.HasPrefix(line, []byte("EHLO")):
			out.WriteString("250-x\r\n" + offers + "250 HELP\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			data = true
			out.WriteString("354 go\r\n")
		case bytes.HasPrefix(line, []byte("BDAT")):
			n := 0
			for _, c := range bytes.TrimSuffix(line[5:], []byte(" LAST\r\n")) {
				n = n*10 + int(c-'0')
			}
			in.Discard(n)
			out.WriteString("250 2.0.0 queued as 0123456789\r\n")
		default:
			out.WriteString("250 2.1.0 ok\r\n")
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

// BenchmarkSend sends a message of 15 KB in four pieces over loopback.
func BenchmarkSend(b *testing.B) {
	msg := net.Buffers{
		[]byte("DKIM-Signature: " + strings.Repeat("x", 400) + "\r\n"),
		[]byte(strings.Repeat("Header: value of a header\r\n", 20) + "\r\n"),
		[]byte(strings.Repeat(strings.Repeat("x", 74)+"\r\n", 100)),
		[]byte(strings.Repeat(strings.Repeat("y", 74)+"\r\n", 85)),
	}
	cert, pool := newCertificate(b, "mx.example.net")
	for _, mode := range modes {
		for _, secure := range []bool{false, true} {
			var offers strings.Builder
			for _, o := range mode.offers {
				offers.WriteString("250-" + o + "\r\n")
			}
			b.Run(fmt.Sprintf("%s/tls=%v", mode.name, secure), func(b *testing.B) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				cfg := &Config{Hello: "out.example.org"}
				if secure {
					l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
					cfg.TLS, cfg.TLSConfig = Implicit, &tls.Config{RootCAs: pool}
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					conn, err := l.Accept()
					if err != nil {
						return
					}
					accept(conn, offers.String())
				}()
				addr := netip.MustParseAddrPort(l.Addr().String())
				s, r := Open(b.Context(), Host{Name: "mx.example.net", Addr: addr}, cfg)
				if !r.OK() {
					b.Fatal(r)
				}
				env := Envelope{From: "news@example.org", To: "ann@example.net"}
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.ReportAllocs()
				for b.Loop() {
					if r := s.Send(ctx, env, msg); !r.OK() {
						b.Fatal(r)
					}
				}
				s.Close()
				l.Close()
				<-done
			})
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	msg := net.Buffers{[]byte(strings.Repeat(strings.Repeat("x", 74)+"\r\n", 200))}
	b.SetBytes(int64(len(msg[0])))
	for b.Loop() {
		inspect(msg)
	}
}
