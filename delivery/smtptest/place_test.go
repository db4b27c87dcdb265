package smtptest

import (
	"fmt"
	"io"
	"net"
	"testing"
)

func TestPlaces(t *testing.T) {
	tests := []struct {
		addr            string
		n               int
		address, listen string
	}{
		{"", 0, "127.1.0.1", "127.0.0.1:0"},
		{"127.0.0.1:0", 5, "127.1.0.6", "127.0.0.1:0"},
		{"127.0.0.1:2500", 5, "127.1.0.6", "127.0.0.1:2505"},
		{"127.0.0.1:2500", 300, "127.1.1.45", "127.0.0.1:2800"},
		{"127.5.0.0/16:2525", 1, "127.5.0.2", "127.5.0.2:2525"},
		{"127.5.9.9/16:25", 0, "127.5.0.1", "127.5.0.1:25"},
	}
	for _, test := range tests {
		p, err := parsePlace(test.addr)
		if err != nil {
			t.Errorf("%q: %v", test.addr, err)
			continue
		}
		address := p.address(test.n)
		if address.String() != test.address || p.listen(address) != test.listen {
			t.Errorf("%q: host %d is %s and listens on %s, want %s and %s", test.addr, test.n, address, p.listen(address), test.address, test.listen)
		}
	}
}

// With a network, foreign programs reach a host at the address that DNS gives.
func TestHostsOnANetwork(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	i := start(t, Config{
		Addr:      fmt.Sprintf("127.93.0.0/24:%s", port),
		Providers: []Provider{{Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example", "mx2.p.example"}}},
	})
	ips, err := i.LookupNetIP(t.Context(), "ip4", "mx2.p.example")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(ips[0].String(), port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := i.Set("p", Behaviour{Down: true}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // ends, whether or not the greeting came first
	again, err := net.Dial("tcp", net.JoinHostPort(ips[0].String(), port))
	if err == nil {
		if data, err := io.ReadAll(again); len(data) > 0 || err == nil {
			t.Errorf("a host that is down says %q, %v", data, err)
		}
		again.Close()
	}
	if got := i.Addr("p").String(); got != "127.93.0.1:"+port {
		t.Errorf("the first host listens on %s", got)
	}
}
