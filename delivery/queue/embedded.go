package queue

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// EmbeddedOptions describe the server inside a single process.
type EmbeddedOptions struct {
	// Dir is the data directory; JetStream keeps its files in Dir/jetstream.
	Dir string
	// Strict calls fsync before every acknowledgement. Without it the disk is
	// synced once a second: safe against the death of the process, and against power
	// loss up to the last second, which the ledger's reconciliation repairs.
	Strict bool
	// MaxStore bounds the disk space in bytes; 0 means 16 GiB.
	MaxStore int64
}

// Embedded is a NATS server without a port.
type Embedded struct{ srv *server.Server }

// StartEmbedded starts a JetStream server in this process. The caller has made sure
// that no other process uses Dir, and shuts the server down after its clients.
func StartEmbedded(opt EmbeddedOptions) (*Embedded, error) {
	if opt.MaxStore == 0 {
		opt.MaxStore = 16 << 30
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:         "broadside",
		DontListen:         true,
		NoSigs:             true,
		NoLog:              true,
		JetStream:          true,
		StoreDir:           filepath.Join(opt.Dir, "jetstream"),
		JetStreamMaxStore:  opt.MaxStore,
		JetStreamMaxMemory: 64 << 20,
		SyncInterval:       time.Second,
		SyncAlways:         opt.Strict,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded queue in %s: %w", opt.Dir, err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		srv.Shutdown()
		return nil, fmt.Errorf("embedded queue in %s: not ready after 20 s; is the disk full or very slow?", opt.Dir)
	}
	if !srv.JetStreamEnabled() {
		srv.Shutdown()
		return nil, fmt.Errorf("embedded queue in %s: its files cannot be opened; check the space and the permissions there", opt.Dir)
	}
	return &Embedded{srv: srv}, nil
}

// Shutdown stops the server and waits until its files are closed.
func (e *Embedded) Shutdown() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
}

func (e *Embedded) connect() (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(e.srv), nats.Name("broadside"))
	return nc, errors.Join(err)
}
