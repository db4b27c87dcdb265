package web

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// processors tells how much processor time this process and the database's have used: on
// a machine that others use, too, it says more about a page than the clock does.
type processors struct {
	conn *pgx.Conn
	last map[int]time.Duration // of the database's processes, those that ended too
}

func newProcessors(b *testing.B, url string) processors {
	b.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	return processors{conn, map[int]time.Duration{}}
}

// tick is Linux' unit of a process's times.
const tick = 10 * time.Millisecond

// used is the time so far; the database's is that of the processes of its connections, on
// Linux, when it runs here.
func (p processors) used(b *testing.B) time.Duration {
	b.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	sum := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	rows, err := p.conn.Query(context.Background(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid")
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		p.last[pid] = processTime(pid)
	}
	for _, t := range p.last {
		sum += t
	}
	return sum
}

// processTime is 0 for a process of another machine or system.
func processTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // from the third on
	var sum time.Duration
	for _, f := range fields[11:13] { // utime and stime
		n, _ := strconv.ParseInt(string(f), 10, 64)
		sum += time.Duration(n) * tick
	}
	return sum
}
