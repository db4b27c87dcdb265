package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// behind is the pages behind proxies in a private network.
func behind() *App {
	return &App{Config: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
}

func TestTrustedProxies(t *testing.T) {
	for _, test := range []struct {
		peer      string
		forwarded []string // one header each
		proto     string
		client    string
		encrypted bool
	}{
		{"192.0.2.1:5000", nil, "", "192.0.2.1", false},
		{"192.0.2.1:5000", []string{"203.0.113.9"}, "https", "192.0.2.1", false}, // who is no proxy is not believed
		{"10.1.1.1:5000", []string{"203.0.113.9"}, "https", "203.0.113.9", true},
		{"10.1.1.1:5000", []string{"127.0.0.1, 203.0.113.9, 10.2.2.2"}, "HTTPS", "203.0.113.9", true},
		{"10.1.1.1:5000", []string{"127.0.0.1", "203.0.113.9", " 10.2.2.2 "}, "https, http", "203.0.113.9", true},
		{"10.1.1.1:5000", []string{"203.0.113.9", "198.51.100.4"}, "http, https", "198.51.100.4", false},
		{"[::ffff:10.1.1.1]:5000", []string{"2001:db8::1"}, "http", "2001:db8::1", false},
		{"[fd00::7]:5000", []string{"::ffff:203.0.113.9"}, "https", "203.0.113.9", true},
		{"10.1.1.1:5000", []string{"[2001:db8::1]:123"}, "https", "2001:db8::1", true},
		{"10.1.1.1:5000", []string{"[2001:db8::1]"}, "", "2001:db8::1", false},
		{"10.1.1.1:5000", []string{"203.0.113.9:4711"}, "", "203.0.113.9", false},
		{"10.1.1.1:5000", []string{`"203.0.113.9"`}, "", "203.0.113.9", false},
		{"10.1.1.1:5000", []string{`for=203.0.113.9;proto=https, For="[2001:db8::1]:4711"`}, "", "2001:db8::1", false},
		{"10.1.1.1:5000", []string{"203.0.113.9,\t10.2.2.2:80,[fd00::8]:80"}, "", "203.0.113.9", false},
		{"10.1.1.1:5000", []string{"10.3.3.3, 10.2.2.2"}, "", "10.3.3.3", false}, // somebody inside
		// What is no address ends the chain at the last proxy that is known.
		{"10.1.1.1:5000", []string{"garbage"}, "https", "10.1.1.1", true},
		{"10.1.1.1:5000", []string{"203.0.113.9, unknown, 10.2.2.2"}, "", "10.2.2.2", false},
		{"10.1.1.1:5000", []string{"203.0.113.9, for=_hidden"}, "", "10.1.1.1", false},
		{"10.1.1.1:5000", []string{"203.0.113.9,"}, "", "10.1.1.1", false},
		{"10.1.1.1:5000", []string{"[203.0.113.9]"}, "", "10.1.1.1", false},
		{"10.1.1.1:5000", []string{"2001:db8::1]"}, "", "10.1.1.1", false},
		{"10.1.1.1:5000", []string{""}, "", "10.1.1.1", false},
		{"@", []string{"203.0.113.9"}, "https", "invalid IP", false}, // a socket without an address
	} {
		r := forwardedBy(test.peer, test.forwarded...)
		r.Header.Set("X-Forwarded-Proto", test.proto)
		if got := behind().client(r).String(); got != test.client || behind().encrypted(r) != test.encrypted {
			t.Errorf("%+v: %s, encrypted %v", test, got, behind().encrypted(r))
		}
	}
}

func forwardedBy(peer string, forwarded ...string) *http.Request {
	r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return r
}

// Whatever a client writes into the header, it is known by the address that our proxy
// saw, and not at all by the header when it came without a proxy.
func FuzzClient(f *testing.F) {
	f.Add("203.0.113.9, 10.2.2.2", "")
	f.Add(`for="[2001:db8::1]:123";proto=https`, "10.1.1.1")
	f.Add("[::1]:123, [::1", `"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		const seen = "198.51.100.4"
		for _, how := range []string{seen, seen + ":4711", `"` + seen + `"`, "for=" + seen} {
			if got := behind().client(forwardedBy("10.1.1.1:5000", first, second, how)); got.String() != seen {
				t.Errorf("%q, %q and %q from the proxy: %s", first, second, how, got)
			}
			if got := behind().client(forwardedBy("10.1.1.1:5000", first+","+second+", "+how)); got.String() != seen {
				t.Errorf("%q, %q and %q from the proxy: %s", first, second, how, got)
			}
		}
		if got := behind().client(forwardedBy("192.0.2.1:5000", first, second)); got.String() != "192.0.2.1" {
			t.Errorf("%q, %q without a proxy: %s", first, second, got)
		}
		if got := behind().client(forwardedBy("10.1.1.1:5000", first)); !got.IsValid() {
			t.Errorf("%q: nobody", first)
		}
		if hop, ok := parseHop(first); ok && (!hop.IsValid() || hop.Is4In6() || strings.ContainsAny(hop.String(), "[]\"")) {
			t.Errorf("%q is %s", first, hop)
		}
	})
}
