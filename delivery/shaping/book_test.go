package shaping

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An operator edits the file while mail flows: what is right holds within seconds,
// what is wrong changes nothing and is reported once, with its line.
func TestBookFollowsItsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "shaping.toml")
	write := func(text string, at int) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Unix(int64(1_800_000_000+at), 0)
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	write("[default]\nconnections = 3\n", 0)
	synctest.Test(t, func(t *testing.T) {
		log := make(logged, 10)
		b, err := Open(name, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Run(ctx) }()
		expect := func(connections int) {
			t.Helper()
			time.Sleep(2*lookEvery + lookEvery/2)
			synctest.Wait()
			if got := b.Table().Rules("", "").Connections; got != connections {
				t.Errorf("%d connections, want %d", got, connections)
			}
		}
		said := func(want string) {
			t.Helper()
			if got := log.take(); len(got) != min(1, len(want)) || want != "" && !strings.Contains(got[0], want) {
				t.Errorf("logged %q, want one line with %q", got, want)
			}
		}
		expect(3)
		said("")
		before := b.Table()
		write("[default]\nconnections = 4\n", 1)
		expect(4)
		said("in force")
		if before.Rules("", "").Connections != 3 {
			t.Error("the table before was changed")
		}
		write("[default]\n\nconnections = 0\n", 2)
		expect(4)
		said("line 3: default.connections: 0: from 1 to 1000")
		expect(4)
		said("")
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		expect(4)
		said("no such file")
		expect(4)
		said("")
		write("[default]\nconnections = 5\n", 3)
		expect(5)
		said("in force")
		// While it is being written it is left alone.
		for i := range 5 {
			write("[default]\nconnections = 6\n"[:12+i], 4+i)
			time.Sleep(lookEvery)
		}
		write("[default]\nconnections = 6\n", 9)
		expect(6)
		said("in force")
		stop()
		<-ended
	})
}

// logged keeps the lines of a log until they are taken.
type logged chan string

func (l logged) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

func (l logged) take() (all []string) {
	for {
		select {
		case line := <-l:
			all = append(all, line)
		default:
			return all
		}
	}
}

func TestOpen(t *testing.T) {
	b, err := Open("", slog.New(slog.DiscardHandler))
	if err != nil || b.Table() != Builtin() {
		t.Errorf("without a file: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	b.Run(ctx)
	name := filepath.Join(t.TempDir(), "shaping.toml")
	if _, err := Open(name, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := os.WriteFile(name, []byte("[default]\nrate = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(name, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), name+": line 2: ") {
		t.Errorf("%v: no file and line", err)
	}
}
