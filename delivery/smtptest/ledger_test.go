package smtptest

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		l := &Ledger{start: begin}
		key := KeyOf("A@b.example", "<1@x>")
		if _, known := l.Receipt(key); known {
			t.Error("known before it came")
		}
		for n := range 3 {
			if first := l.accept(key, uint32(n+5), time.Now()); first != (n == 0) {
				t.Errorf("copy %d: first = %v", n+1, first)
			}
			time.Sleep(time.Second)
		}
		l.accept(KeyOf("b@b.example", "<1@x>"), 1, time.Now())
		want := Receipt{Copies: 3, Connection: 7, First: begin, Last: begin.Add(2 * time.Second)}
		if got, _ := l.Receipt(KeyOf("a@B.example", "<1@x>")); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		copies := 0
		for _, r := range l.Accepted() {
			copies += r.Copies
		}
		if copies != 4 {
			t.Errorf("%d copies in all, want 4", copies)
		}
	})
}

// A key is stored outside this process: it must never change.
func TestKeysAreStable(t *testing.T) {
	const want = 0xce8182aeaec69b85 // sha256("ann@example.com\n<1@x>"), the first 8 bytes, little-endian
	if got := KeyOf("Ann@example.com", "<1@x>"); got != want {
		t.Errorf("key %x, want %x", got, uint64(want))
	}
	if KeyOf("ann@example.com", "<1@X>") == want {
		t.Error("a Message-ID in another case is the same")
	}
}

// The counters of many connections add up, and the verifier sees each message once.
func TestManyConnections(t *testing.T) {
	const connections, messages = 8, 400
	var seen atomic.Int64
	i := start(t, Config{
		Keep:        10,
		VerifyEvery: 2,
		Verify: func([]byte) error {
			if seen.Add(1)%4 == 0 {
				return errors.New("bad signature")
			}
			return nil
		},
		Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}}},
	})
	var sent atomic.Int64
	var work sync.WaitGroup
	for range connections {
		conn, err := net.Dial("tcp", i.Addr("p").String())
		if err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			defer conn.Close()
			if err := blast(conn, true, func() (int64, bool) {
				n := sent.Add(1)
				return n, n <= messages
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 5 {
		i.Ledger().Totals()
	}
	work.Wait()
	got := i.Ledger().Totals()
	if got.Accepted != messages || got.Duplicates != 0 || got.Connections != connections || got.PeakConnections != connections ||
		got.Verified != messages/2*3/4 || got.Failed != messages/2/4 || got.Unverified != messages/2 || len(got.VerifyErrors) != examples {
		t.Errorf("totals: %+v", got)
	}
	for n := range messages {
		to, id := fmt.Sprintf("u%08d@p.example", n+1), fmt.Sprintf("<%08d@sender.example>", n+1)
		if copies := i.Ledger().Copies(to, id); copies != 1 {
			t.Errorf("%s has %d copies", to, copies)
		}
	}
	if kept := len(i.Ledger().Messages()); kept != 10 {
		t.Errorf("%d messages kept, want 10", kept)
	}
}
