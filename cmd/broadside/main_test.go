package main

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes `broadside`, and a `nats-server` of the version we embed, commands
// that scripts and tests can start as processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"broadside":   main,
		"nats-server": natsServer,
	})
}

// natsServer takes the flags of the program of that name.
func natsServer() {
	flags := flag.NewFlagSet("nats-server", flag.ExitOnError)
	opts, err := server.ConfigureOptions(flags, os.Args[1:], nil, nil, nil)
	if err != nil {
		os.Exit(2)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		os.Exit(1)
	}
	srv.ConfigureLogger()
	srv.Start()
	srv.WaitForShutdown()
}

// natsReady reports whether a server answers for JetStream.
func natsReady(url string) bool {
	nc, err := nats.Connect(url)
	if err != nil {
		return false
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return false
	}
	_, err = js.AccountInfo(context.Background())
	return err == nil
}
