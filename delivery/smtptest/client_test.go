package smtptest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// client speaks SMTP byte by byte, so that a test says exactly what is sent.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// one starts an Internet in memory with a provider "p" for p.example.
func one(t *testing.T, b Behaviour) *Internet {
	t.Helper()
	return start(t, Config{Memory: true, Providers: []Provider{{
		Name: "p", Domains: []string{"p.example"}, MX: []string{"mx.p.example"}, Behaviour: b,
	}}})
}

func start(t testing.TB, cfg Config) *Internet {
	t.Helper()
	i, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func dial(t *testing.T, i *Internet) *client {
	t.Helper()
	conn, err := i.DialContext(t.Context(), "tcp", "mx.p.example:25")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t, conn, bufio.NewReader(conn)}
}

// hello dials, reads the greeting and says EHLO.
func hello(t *testing.T, i *Internet) *client {
	t.Helper()
	c := dial(t, i)
	c.want("220 mx.p.example ESMTP")
	c.send("EHLO client.example\r\n")
	c.reply()
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

func (c *client) sendf(format string, args ...any) {
	c.t.Helper()
	c.send(fmt.Sprintf(format, args...))
}

// reply reads a whole reply, its lines joined by newlines.
func (c *client) reply() string {
	c.t.Helper()
	var lines []string
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("after %q: %v", lines, err)
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(lines, "\n")
		}
	}
}

// want reads as many replies as it is given beginnings.
func (c *client) want(beginnings ...string) {
	c.t.Helper()
	for _, b := range beginnings {
		if got := c.reply(); !strings.HasPrefix(got, b) {
			c.t.Fatalf("got %q, want %q…", got, b)
		}
	}
}

// wantEOF expects that the server has closed without another word.
func (c *client) wantEOF() {
	c.t.Helper()
	if line, err := c.in.ReadString('\n'); err == nil || line != "" {
		c.t.Fatalf("got %q, %v, want the end", line, err)
	}
	c.conn.Close()
}

func (c *client) quit() {
	c.t.Helper()
	c.send("QUIT\r\n")
	c.want("221")
	c.wantEOF()
}

// mail is a message for one recipient in one write.
func mail(to, id string) string {
	msg := message(id)
	return fmt.Sprintf("MAIL FROM:<b@sender.example>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n%s", to, len(msg), msg)
}

func message(id string) string {
	return "From: <news@sender.example>\r\nMessage-ID: " + id + "\r\nSubject: x\r\n\r\nHello.\r\n"
}
