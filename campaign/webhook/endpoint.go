package webhook

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EndpointID is given by the store, ascending, from 1, and never twice.
type EndpointID int64

// State says whether an endpoint is told anything. The words are stored.
type State string

// The states.
const (
	Active State = "active"
	// Paused by a person: what happens waits.
	Paused State = "paused"
	// Disabled by itself, after days of failures or because it said that it is gone:
	// what happens does not wait, and can be replayed when it is resumed.
	Disabled State = "disabled"
)

// Endpoint is a place that is told of events.
type Endpoint struct {
	ID    EndpointID
	URL   string
	Note  string // for people
	Types []Type // that it is told of
	State State
	Why   string // it is Disabled
	// Secret signs; OldSecret signs, too, until OldUntil.
	Secret    []byte
	OldSecret []byte
	OldUntil  time.Time
	Created   time.Time
	// FailingSince is the first failure since the last success; zero when it is well.
	FailingSince time.Time
	Waiting      int64 // events in its queue, as counted last
	// Dropped events found its queue full, the first of them at DroppedSince.
	Dropped      int64
	DroppedSince time.Time
}

// Wants reports whether the endpoint is to be told of a type.
func (e Endpoint) Wants(t Type) bool {
	return e.State != Disabled && (t == Test || slices.Contains(e.Types, t))
}

// Draft is what a person says about an endpoint.
type Draft struct {
	URL   string
	Note  string
	Types []string
}

// Invalid is something that a person can mend.
type Invalid struct{ Field, Text string }

func (i *Invalid) Error() string { return i.Field + ": " + i.Text }

const (
	maxURL  = 2000
	maxNote = 200
	// MaxEndpoints bounds what is told of everything that happens: each has a queue, and
	// each queue reserves queue space.
	MaxEndpoints = 32
)

// check returns the draft as it is kept.
func (d Draft) check(allow func(netip.Addr) bool) (text string, types []Type, err error) {
	if text, err = checkURL(d.URL, allow); err != nil {
		return "", nil, err
	}
	if len(d.Note) > maxNote {
		return "", nil, &Invalid{"note", "is longer than " + strconv.Itoa(maxNote) + " bytes"}
	}
	for _, m := range meanings { // in their order, each once
		if slices.Contains(d.Types, string(m.Type)) {
			types = append(types, m.Type)
		}
	}
	for _, name := range d.Types {
		if !slices.Contains(types, Type(name)) {
			return "", nil, &Invalid{"types", "there is no event " + strconv.Quote(name)}
		}
	}
	if len(types) == 0 {
		return "", nil, &Invalid{"types", "choose at least one event"}
	}
	return text, types, nil
}

// checkURL wants https, without a user. Plain http is for this host alone, where the
// configuration allows connecting to it. Where a name leads is looked at when it is
// connected to, each time.
func checkURL(text string, allow func(netip.Addr) bool) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return "", &Invalid{"url", "is longer than " + strconv.Itoa(maxURL) + " bytes"}
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return "", &Invalid{"url", "is not an address such as https://example.org/hooks"}
	case u.User != nil:
		return "", &Invalid{"url", "must not have a user or a password: verify the signature instead"}
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname(), allow)):
		return "", &Invalid{"url", "must begin with https://"}
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", &Invalid{"url", "has a port that is none"}
		}
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !allow(addr) {
		return "", &Invalid{"url", "leads to an address that is not public"}
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}

// loopback reports whether a host is this one, and may be connected to.
func loopback(host string, allow func(netip.Addr) bool) bool {
	if host == "localhost" {
		return allow(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() && allow(addr)
}
