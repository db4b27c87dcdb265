package peers

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestReadStat(t *testing.T) {
	const line = "123 (a (b) c) S 77 123 123 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 5"
	pid, used, err := readStat(line)
	if err != nil || pid != 123 || used.parent != 77 || used.time != time.Second {
		t.Errorf("got %d, %+v, %v", pid, used, err)
	}
	for _, bad := range []string{"", "1 a S", "1 (a) S 2", "x (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"} {
		if _, _, err := readStat(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// What a descendant uses is counted, also when it has ended.
func TestTreeTime(t *testing.T) {
	p, err := start(t.TempDir(), "sh", "-c", "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo done; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		used, err := treeTime(p.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if used > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a busy child used no processor time")
		}
	}
}

// A program that ends at once is told with what it said.
func TestListensNot(t *testing.T) {
	p, err := start(t.TempDir(), "sh", "-c", "echo no port for me; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	err = p.listens(t.Context(), "127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "no port for me") {
		t.Errorf("got %v", err)
	}
}

// Stop ends descendants too.
func TestStop(t *testing.T) {
	p, err := start(t.TempDir(), "sh", "-c", "sleep 60 & sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for exec.CommandContext(ctx, "pgrep", "-g", strconv.Itoa(p.cmd.Process.Pid)).Run() == nil {
		if ctx.Err() != nil {
			t.Fatal("a descendant still runs")
		}
	}
	if _, err := os.Stat("/proc/" + strconv.Itoa(p.cmd.Process.Pid)); err == nil {
		t.Error("the process is still there")
	}
}
