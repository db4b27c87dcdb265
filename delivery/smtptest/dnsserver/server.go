// Package dnsserver answers DNS on one port for UDP and TCP: for the simulator, and for
// tests that want to say what each answer is. It keeps nothing; what is true is its
// handler's.
package dnsserver

import (
	"errors"
	"net"
	"sync"

	"github.com/miekg/dns"
)

// Server answers until it is closed.
type Server struct {
	addr    string
	servers []*dns.Server
	ended   []chan error
	close   func() error
}

// Start answers at addr with what handler writes. The port 0 is one that is free for both.
func Start(addr string, handler dns.Handler) (*Server, error) {
	packets, stream, err := Listen(addr)
	if err != nil {
		return nil, err
	}
	s := &Server{addr: packets.LocalAddr().String()}
	s.close = sync.OnceValue(s.end)
	for _, half := range []*dns.Server{{PacketConn: packets}, {Listener: stream}} {
		started, ended := make(chan struct{}), make(chan error, 1)
		half.Handler = handler
		half.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- half.ActivateAndServe() }() // Close waits for it
		<-started                                        // Shutdown knows only servers that have started
		s.servers, s.ended = append(s.servers, half), append(s.ended, ended)
	}
	return s, nil
}

// Addr is where it answers, "127.0.0.1:5353".
func (s *Server) Addr() string { return s.addr }

// Close stops it and waits for the answers that are under way. Closed again, it waits for
// the first and returns its error.
func (s *Server) Close() error { return s.close() }

func (s *Server) end() error {
	var errs []error
	for i, half := range s.servers {
		errs = append(errs, half.Shutdown(), <-s.ended[i])
	}
	return errors.Join(errs...)
}

// Listen takes an address for UDP and for TCP. When its port is 0 the second may have
// gone to another process since the first was given, so it tries more than one.
func Listen(addr string) (net.PacketConn, net.Listener, error) {
	var last error
	for range 20 {
		packets, err := net.ListenPacket("udp", addr)
		if err != nil {
			return nil, nil, err
		}
		stream, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, stream, nil
		}
		packets.Close()
		last = err
	}
	return nil, nil, last
}
