package smtptest

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// ttl of all answers, in seconds.
const ttl = 60

// DNSAddr is where the DNS server listens, on the same port for UDP and TCP; "" in
// memory. Its answers name the hosts' simulated addresses: a foreign program can
// use them when Config.Addr is a network.
func (i *Internet) DNSAddr() string {
	if i.dns == nil {
		return ""
	}
	return i.dns.Addr()
}

// ServeDNS answers as a recursive resolver would.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) == 1 {
		_, overTCP := w.RemoteAddr().(*net.TCPAddr)
		if !z.fill(m, q.Question[0], overTCP) {
			return
		}
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, false)
	}
	if _, overTCP := w.RemoteAddr().(*net.TCPAddr); !overTCP {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m) // a client that is gone asks again if it wants to know
}

// fill fills in a reply; false means that none is to be sent.
func (z *zone) fill(m *dns.Msg, q dns.Question, overTCP bool) bool {
	chain, r := z.resolve(q.Name)
	switch {
	case r.Fault == Silence:
		return false
	case r.Fault == ServFail:
		m.Rcode = dns.RcodeServerFailure
		return true
	case r.Truncate && !overTCP:
		m.Truncated = true
		return true
	}
	for n := range len(chain) - 1 {
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(dns.Fqdn(chain[n]), dns.TypeCNAME), Target: dns.Fqdn(chain[n+1])})
	}
	name := q.Name
	if len(chain) > 1 {
		name = dns.Fqdn(chain[len(chain)-1])
	}
	records := resourceRecords(r, name, q.Qtype)
	m.Answer = append(m.Answer, records...)
	if r.Fault == NXDomain {
		m.Rcode = dns.RcodeNameError
	}
	if len(records) == 0 {
		m.Ns = []dns.RR{&dns.SOA{
			Hdr: header(".", dns.TypeSOA), Ns: "ns.invalid.", Mbox: "nobody.invalid.",
			Serial: 1, Refresh: ttl, Retry: ttl, Expire: ttl, Minttl: ttl,
		}}
	}
	return true
}

func resourceRecords(r Records, name string, qtype uint16) []dns.RR {
	var all []dns.RR
	switch qtype {
	case dns.TypeMX:
		for _, mx := range r.MX {
			all = append(all, &dns.MX{Hdr: header(name, qtype), Preference: mx.Pref, Mx: dns.Fqdn(mx.Host)})
		}
	case dns.TypeA:
		for _, a := range r.A {
			if a.Is4() {
				all = append(all, &dns.A{Hdr: header(name, qtype), A: a.AsSlice()})
			}
		}
	case dns.TypeAAAA:
		for _, a := range r.A {
			if a.Is6() {
				all = append(all, &dns.AAAA{Hdr: header(name, qtype), AAAA: a.AsSlice()})
			}
		}
	case dns.TypeTXT:
		for _, text := range r.TXT {
			all = append(all, &dns.TXT{Hdr: header(name, qtype), Txt: characterStrings(text)})
		}
	case dns.TypePTR:
		for _, ptr := range r.PTR {
			all = append(all, &dns.PTR{Hdr: header(name, qtype), Ptr: dns.Fqdn(ptr)})
		}
	}
	return all
}

// characterStrings cuts a text into pieces of at most 255 bytes (RFC 1035 §3.3.14).
func characterStrings(text string) []string {
	var parts []string
	for len(text) > 255 {
		parts = append(parts, text[:255])
		text = text[255:]
	}
	return append(parts, text)
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func reverseName(addr string) (string, error) {
	if _, err := netip.ParseAddr(addr); err != nil {
		return "", err
	}
	return dns.ReverseAddr(addr)
}
