package smtptest

import (
	"bufio"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSink is what the sink costs per 15 KB message: a client that does
// nothing but write a prepared transaction and count reply lines, client and server
// on the same cores.
func BenchmarkSink(b *testing.B) {
	for _, connections := range []int{1, 20} {
		for _, how := range []string{"bdat", "data"} {
			b.Run(fmt.Sprintf("%s/%d", how, connections), func(b *testing.B) {
				i := start(b, Config{Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}}}})
				var sent atomic.Int64
				var work sync.WaitGroup
				cpu := cpuTime()
				b.ResetTimer()
				for range connections {
					conn, err := net.Dial("tcp", i.Addr("p").String())
					if err != nil {
						b.Fatal(err)
					}
					work.Go(func() {
						defer conn.Close()
						if err := blast(conn, how == "bdat", func() (int64, bool) {
							n := sent.Add(1)
							return n, n <= int64(b.N)
						}); err != nil {
							b.Error(err)
						}
					})
				}
				work.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
				b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/msg")
				if got := i.Ledger().Totals(); got.Accepted != int64(b.N) || got.Duplicates != 0 {
					b.Errorf("%d accepted, %d twice, of %d", got.Accepted, got.Duplicates, b.N)
				}
			})
		}
	}
}

// blast sends messages as long as next says so.
func blast(conn net.Conn, chunking bool, next func() (int64, bool)) error {
	in := bufio.NewReader(conn)
	expect := func(replies int) error {
		for range replies {
			line, err := in.ReadSlice('\n')
			if err != nil || line[0] > '3' {
				return fmt.Errorf("got %q, %v", line, err)
			}
		}
		return nil
	}
	if _, err := conn.Write([]byte("HELO c.example\r\n")); err != nil {
		return err
	}
	if err := expect(2); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("EHLO c.example\r\n")); err != nil {
		return err
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line[3] == ' ' {
			break
		}
	}
	header := strings.Repeat("X-Header: "+strings.Repeat("h", 60)+"\r\n", 15)
	body := strings.Repeat(strings.Repeat("b", 76)+"\r\n", 15_000/78)
	var out []byte
	for n, more := next(); more; n, more = next() {
		out = fmt.Appendf(out[:0], "MAIL FROM:<b@sender.example>\r\nRCPT TO:<u%08d@p.example>\r\n", n)
		id := fmt.Sprintf("Message-ID: <%08d@sender.example>\r\n", n)
		if chunking {
			out = fmt.Appendf(out, "BDAT %d LAST\r\n%s%s\r\n%s", len(header)+len(id)+2+len(body), header, id, body)
		} else {
			out = append(out, "DATA\r\n"...)
			if _, err := conn.Write(out); err != nil {
				return err
			}
			if err := expect(3); err != nil {
				return err
			}
			out = fmt.Appendf(out[:0], "%s%s\r\n%s.\r\n", header, id, body)
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
		replies := 1
		if chunking {
			replies = 3
		}
		if err := expect(replies); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkLedger is what a million entries cost in memory.
func BenchmarkLedger(b *testing.B) {
	for b.Loop() {
		const entries = 1_000_000
		before := heap()
		l := &Ledger{start: time.Now()}
		now := time.Now()
		id := []byte("<0123456789abcdef@sender.example>")
		for n := range entries {
			l.accept(keyOf(fmt.Appendf(nil, "user%d@p.example", n), id), 1, now)
		}
		b.ReportMetric(float64(heap()-before)/entries, "B/entry")
		runtime.KeepAlive(l)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
