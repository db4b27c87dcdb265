package dnsserver

import (
	"testing"

	"github.com/miekg/dns"
)

func TestCloseTwice(t *testing.T) {
	s, err := Start("127.0.0.1:0", dns.NewServeMux())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
