//go:build unix

// Package pgtest runs a private PostgreSQL for tests and benchmarks, from the
// server's own binaries, in a temporary directory and on a Unix socket. It keeps
// nothing: the data is without fsync, and goes when the server stops.
package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL. It stops by itself when the process that started
// it ends.
type Server struct {
	dir       string
	shell     *exec.Cmd
	alive     io.WriteCloser // the shell stops the server when this closes
	databases atomic.Int64
}

// The shell outlives a test that is killed: it then reads the end of its input.
const script = `
bin=$1 dir=$2
"$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --locale=C >"$dir/log" 2>&1 || exit 1
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 120 -o "-c listen_addresses= -c unix_socket_directories=$dir \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=256MB \
	-c max_wal_size=4GB" start >/dev/null 2>&1 || exit 1
echo ready
read -r line
"$bin/pg_ctl" -D "$dir/data" -w -m immediate stop >/dev/null 2>&1
`

// Start makes and starts a server; the caller stops it. As root it runs as the user
// postgres or nobody, because PostgreSQL refuses to run as root.
func Start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, shell: exec.Command("/bin/sh", "-c", script, "sh", bin, dir)}
	if err := s.start(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("start PostgreSQL from %s: %w: %s", bin, err, bytes.TrimSpace(log)), os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) start() error {
	// Its own process group: an interrupt at the terminal is the test's.
	s.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.shell.Dir = "/"
	if os.Geteuid() == 0 {
		uid, gid, err := unprivileged()
		if err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(uid), int(gid)); err != nil {
			return err
		}
		s.shell.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	var err error
	if s.alive, err = s.shell.StdinPipe(); err != nil {
		return err
	}
	out, err := s.shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.shell.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return errors.Join(errors.New("it did not start"), s.shell.Wait())
	}
	return nil
}

// Stop stops the server and removes its data.
func (s *Server) Stop() error {
	return errors.Join(s.alive.Close(), s.shell.Wait(), os.RemoveAll(s.dir))
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	name := "test" + strconv.FormatInt(s.databases.Add(1), 10)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.url(name), nil
}

func (s *Server) url(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {"postgres"}}.Encode()
}

// binaries finds the newest server's directory.
func binaries() (string, error) {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	for i := len(debian) - 1; i >= 0; i-- {
		dirs = append(dirs, debian[i])
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(initdb))
	}
	for _, dir := range dirs {
		if executable(dir, "initdb") && executable(dir, "pg_ctl") && executable(dir, "postgres") {
			return dir, nil
		}
	}
	return "", errors.New("these tests run a PostgreSQL server of their own and found none: install the Debian package postgresql")
}

func executable(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func unprivileged() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return uint32(uid), uint32(gid), errors.Join(err1, err2)
	}
	return 0, 0, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}
