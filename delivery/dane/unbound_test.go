package dane

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"broadside/delivery/smtptest/dnsserver"
)

// signer serves the zones secure.example, which it signs, and insecure.example.
type signer struct {
	t       *testing.T
	key     *dns.DNSKEY
	private crypto.Signer
	records map[string][]dns.RR // by "NAME TYPE"
}

func newSigner(t *testing.T, lines ...string) *signer {
	t.Helper()
	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: "secure.example.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 600},
		Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{t: t, key: key, private: private.(crypto.Signer), records: map[string][]dns.RR{}}
	s.add(key)
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		s.add(rr)
	}
	return s
}

func (s *signer) add(rr dns.RR) {
	at := rr.Header().Name + " " + dns.TypeToString[rr.Header().Rrtype]
	s.records[at] = append(s.records[at], rr)
}

// ServeDNS answers with authority; that there is nothing it proves for each name apart
// (RFC 4470). What is said of forged.secure.example has a signature that is not its own.
func (s *signer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	q := query.Question[0]
	name := strings.ToLower(q.Name)
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative = true
	reply.SetEdns0(4096, true)
	signed := strings.HasSuffix(name, "secure.example.") && !strings.HasSuffix(name, "insecure.example.")
	found := s.records[name+" "+dns.TypeToString[q.Qtype]]
	switch {
	case len(found) > 0:
		reply.Answer = s.signed(found, signed)
	case signed:
		soa := s.records["secure.example. SOA"]
		nothing := &dns.NSEC{
			Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60},
			NextDomain: "\\000." + name, TypeBitMap: []uint16{dns.TypeTXT, dns.TypeRRSIG, dns.TypeNSEC},
		}
		reply.Ns = append(s.signed(soa, true), s.signed([]dns.RR{nothing}, true)...)
	}
	w.WriteMsg(reply)
}

func (s *signer) signed(rrs []dns.RR, signed bool) []dns.RR {
	if !signed {
		return rrs
	}
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Name: rrs[0].Header().Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: rrs[0].Header().Ttl},
		Algorithm: s.key.Algorithm, KeyTag: s.key.KeyTag(), SignerName: "secure.example.",
		Inception: uint32(time.Now().Add(-time.Hour).Unix()), Expiration: uint32(time.Now().Add(time.Hour).Unix()),
	}
	signs := rrs
	if strings.Contains(rrs[0].Header().Name, "forged") && rrs[0].Header().Rrtype == dns.TypeTLSA {
		other := dns.Copy(rrs[0])
		other.(*dns.TLSA).Certificate = strings.Repeat("00", 32)
		signs = []dns.RR{other}
	}
	if err := sig.Sign(s.private, signs); err != nil {
		s.t.Error(err)
	}
	return append(append([]dns.RR{}, rrs...), sig)
}

// startUnbound runs Debian's unbound until the test ends; it trusts the signer's key.
func startUnbound(t *testing.T, s *signer) string {
	t.Helper()
	program, err := exec.LookPath("unbound") // not in the PATH of ordinary users
	if err != nil {
		program = "/usr/sbin/unbound"
	}
	authority := netip.MustParseAddrPort(serveDNS(t, s)).Port()
	free, unused, err := dnsserver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr)
	free.Close()
	unused.Close()
	dir := t.TempDir()
	config := fmt.Sprintf(`
server:
  interface: 127.0.0.1@%d
  port: %d
  directory: %q
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  do-ip6: no
  num-threads: 1
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "validator iterator"
  trust-anchor: %q
stub-zone:
  name: "secure.example"
  stub-addr: 127.0.0.1@%d
stub-zone:
  name: "insecure.example"
  stub-addr: 127.0.0.1@%d
remote-control:
  control-enable: no
`, at.Port, at.Port, dir, strings.ReplaceAll(s.key.String(), "\t", " "), authority, authority)
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-d", "-c", file)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; `make test` installs unbound", err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Log(said.String())
		}
	})
	awaitResolver(t, at.String(), exited)
	return at.String()
}

// awaitResolver returns when something answers at an address.
func awaitResolver(t *testing.T, at string, exited <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	client := dns.Client{Timeout: time.Second}
	for {
		if _, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion("mx.secure.example.", dns.TypeA), at); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-exited:
			t.Fatal("unbound ended")
		case <-ctx.Done():
			t.Fatal("unbound does not answer")
		}
	}
}

// T6: a real validating resolver tells signed, unsigned and forged zones apart, and we
// hear it.
func TestUnbound(t *testing.T) {
	server := startUnbound(t, newSigner(t,
		"secure.example. 600 IN SOA ns.secure.example. root.secure.example. 1 3600 600 86400 60",
		"secure.example. 600 IN NS ns.secure.example.",
		"ns.secure.example. 600 IN A 127.0.0.1",
		"secure.example. 600 IN MX 10 mx.secure.example.",
		"mx.secure.example. 600 IN A 192.0.2.1",
		"_25._tcp.mx.secure.example. 600 IN TLSA 3 1 1 "+digest,
		"bare.secure.example. 600 IN A 192.0.2.2",
		"forged.secure.example. 600 IN A 192.0.2.3",
		"_25._tcp.forged.secure.example. 600 IN TLSA 3 1 1 "+digest,
		"insecure.example. 600 IN MX 10 mx.insecure.example.",
		"mx.insecure.example. 600 IN A 192.0.2.4",
		"_25._tcp.mx.insecure.example. 600 IN TLSA 3 1 1 "+digest,
	))
	s, err := New(server, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for domain, want := range map[string]string{"secure.example": "mx.secure.example", "insecure.example": ""} {
		hosts, _, err := s.Exchangers(t.Context(), domain)
		if got := strings.Join(hosts, " "); got != want || err != nil {
			t.Errorf("%s: %q, %v", domain, got, err)
		}
	}
	for host, want := range map[string]string{
		"mx.secure.example": "secure", "bare.secure.example": "none", "forged.secure.example": "bogus", "mx.insecure.example": "none",
	} {
		got := "none"
		h, _, err := s.Host(t.Context(), host)
		switch {
		case err != nil:
			got = "bogus"
		case h.Secure && h.Records != nil:
			got = "secure"
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", host, got, want, err)
		}
	}
}
