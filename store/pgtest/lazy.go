//go:build unix

package pgtest

import (
	"context"
	"sync"
)

// Lazy is a Server that starts when the first database of it is asked for. A package's
// tests share one.
type Lazy struct {
	once   sync.Once
	server *Server
	err    error
}

// Database makes an empty database and returns its URL.
func (l *Lazy) Database(ctx context.Context) (string, error) {
	l.once.Do(func() { l.server, l.err = Start() })
	if l.err != nil {
		return "", l.err
	}
	return l.server.Database(ctx)
}

// Stop stops the server, if one was started, and removes its data.
func (l *Lazy) Stop() error {
	if l.server == nil {
		return nil
	}
	return l.server.Stop()
}
