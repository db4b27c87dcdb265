package bounce

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

var tokens = token.NewMaker(bytes.Repeat([]byte{3}, 32))

// returnPath is the VERP address of a recipient, as package delivery makes it.
func returnPath(run campaign.RunID, contact campaign.ContactID) string {
	return "b-" + string(tokens.Append(nil, token.Bounce, int64(run), int64(contact))) + "@news.example.org"
}

// memory is a store of one run, 7, with the contacts 1 (Ann, mailed an hour ago),
// 2 (erased), 3 (mailed long ago) and 4 (whose outcome is not written yet).
type memory struct {
	mu         sync.Mutex
	broken     error
	heard      []campaign.Feedback
	suppressed []campaign.Suppression
	added      chan string // gets the addresses, when not nil
}

func (m *memory) RecipientOf(_ context.Context, run campaign.RunID, contact campaign.ContactID) (campaign.RecipientRow, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := campaign.RecipientRow{Row: campaign.Row{
		Recipient: campaign.Recipient{Run: run, Contact: contact}, State: campaign.Accepted, At: time.Now().Add(-time.Hour),
	}}
	switch {
	case m.broken != nil:
		return r, m.broken
	case run != 7 || contact > 4:
		return r, campaign.ErrNotFound
	case contact != 2:
		r.Email = fmt.Sprintf("Ann.%d@example.com", contact)
	}
	switch contact {
	case 3:
		r.At = time.Now().Add(-90 * 24 * time.Hour)
	case 4:
		r.State, r.At = campaign.Waiting, time.Time{}
	}
	return r, nil
}

func (m *memory) Heard(_ context.Context, heard []campaign.Feedback) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.heard = append(m.heard, heard...)
	for _, f := range heard {
		if reason := f.Kind.Suppresses(); reason != "" {
			address := fmt.Sprintf("ann.%d@example.com", f.Contact)
			m.suppressed = append(m.suppressed, campaign.Suppression{Email: address, Reason: reason, Detail: f.Detail, At: f.At})
			if m.added != nil {
				m.added <- address
			}
		}
	}
	return nil
}

func (m *memory) addresses() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for _, s := range m.suppressed {
		all = append(all, s.Email)
	}
	return strings.Join(all, " ")
}

// logged collects log lines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// server is a receiver on loopback that ends with the test.
type server struct {
	addr  string
	store *memory
	log   *logged
	stop  func() error
}

func serve(t *testing.T, limits Limits) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), store: &memory{}, log: &logged{}}
	r := &Receiver{Store: s.store, Tokens: tokens, Trust: trust, Hello: "bounces.example.org", Limits: limits, Log: slog.New(slog.NewTextHandler(s.log, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client speaks SMTP line by line.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (s *server) dial(t *testing.T) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, conn, bufio.NewReader(conn)}
}

// reply reads one reply and returns its last line.
func (c *client) reply() string {
	c.t.Helper()
	for {
		l, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("no reply: %v", err)
		}
		if len(l) > 3 && l[3] == ' ' {
			return strings.TrimSpace(l)
		}
	}
}

func (c *client) say(text, want string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text + "\r\n")); err != nil {
		c.t.Fatal(err)
	}
	if got := c.reply(); !strings.HasPrefix(got, want) {
		c.t.Fatalf("%.60s: %q, want %s", text, got, want)
	}
}

// hello greets and is greeted.
func (s *server) hello(t *testing.T) *client {
	t.Helper()
	c := s.dial(t)
	if got := c.reply(); !strings.HasPrefix(got, "220 bounces.example.org") {
		t.Fatalf("greeting %q", got)
	}
	c.say("EHLO mx.example.com", "250")
	return c
}

// send sends a message with an empty return path and wants a reply to its end.
func (c *client) send(to string, message []byte, want string) {
	c.t.Helper()
	c.say("MAIL FROM:<>", "250")
	c.say("RCPT TO:<"+to+">", "250")
	c.say("DATA", "354")
	text := strings.ReplaceAll(strings.ReplaceAll(string(message), "\r\n", "\n"), "\n", "\r\n")
	c.say(strings.ReplaceAll(text, "\r\n.", "\r\n..")+"\r\n.", want)
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	msg, err := os.ReadFile("testdata/samples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestHardBounceSuppresses(t *testing.T) { // B1, B5, M15
	s := serve(t, DefaultLimits)
	s.hello(t).send(strings.ToUpper(returnPath(7, 1)), sample(t, "postfix-user-unknown.eml"), "250")
	if got := s.store.addresses(); got != "ann.1@example.com" {
		t.Fatalf("suppressed: %q", got)
	}
	entry := s.store.suppressed[0]
	if entry.Reason != "bounced" || !strings.Contains(entry.Detail, "550 5.1.1") || entry.At.IsZero() {
		t.Errorf("entry %+v", entry)
	}
}

// Everything that is not the end of a mailbox is logged, and suppresses nobody.
func TestOthersSuppressNobody(t *testing.T) { // B4, B5, B6
	tests := []struct {
		name    string
		run     campaign.RunID
		contact campaign.ContactID
		sample  string
		logged  string
	}{
		{"delayed", 7, 1, "postfix-delayed.eml", "delayed, nothing follows"},
		{"soft", 7, 1, "gmail-over-quota.eml", "soft bounce"},
		{"policy", 7, 1, "microsoft-blocked.eml", "refusal"},
		{"vacation", 7, 1, "vacation-rfc3834.eml", "auto-reply, nothing follows"},
		{"a person", 7, 1, "person.eml", "unrecognised, nothing follows"},
		{"no such recipient", 7, 9, "postfix-user-unknown.eml", "there is no such recipient"},
		{"no such run", 8, 1, "postfix-user-unknown.eml", "there is no such recipient"},
		{"erased", 7, 2, "postfix-user-unknown.eml", "the contact was erased"},
		{"too late", 7, 3, "postfix-user-unknown.eml", "too late to be believed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, DefaultLimits)
			s.hello(t).send(returnPath(tt.run, tt.contact), sample(t, tt.sample), "250")
			if got := s.store.addresses(); got != "" {
				t.Errorf("suppressed: %q", got)
			}
			if !strings.Contains(s.log.String(), tt.logged) {
				t.Errorf("not in the log: %q\n%s", tt.logged, s.log)
			}
		})
	}
}

// A bounce may be faster than the recorder.
func TestBounceOfUnrecordedMessageIsBelieved(t *testing.T) {
	s := serve(t, DefaultLimits)
	s.hello(t).send(returnPath(7, 4), sample(t, "exim-plain-unknown.eml"), "250")
	if got := s.store.addresses(); got != "ann.4@example.com" {
		t.Errorf("suppressed: %q", got)
	}
}

func TestOnlyReturnPathsAndPostmasterAreTaken(t *testing.T) { // B6, M15
	s := serve(t, DefaultLimits)
	c := s.hello(t)
	good := returnPath(7, 1)
	tampered := []byte(good)
	tampered[5] = 'a' + (tampered[5]-'a'+1)%26
	other := "b-" + string(tokens.Append(nil, token.Unsubscribe, 7, 1)) + "@news.example.org"
	foreign := "b-" + string(token.NewMaker(make([]byte, 32)).Append(nil, token.Bounce, 7, 1)) + "@news.example.org"
	c.say("MAIL FROM:<someone@example.net>", "250")
	for _, to := range []string{string(tampered), other, foreign, "ann.1@example.com", "b-@news.example.org", strings.TrimPrefix(good, "b-"), "relay@elsewhere.example"} {
		c.say("RCPT TO:<"+to+">", "550 5.1.1")
	}
	c.say("DATA", "502")
	c.say("RCPT TO:<Postmaster@news.example.org>", "250")
	c.say("DATA", "354")
	c.say("Subject: Hello\r\n\r\nIs this your server?\r\n.", "250")
	if !strings.Contains(s.log.String(), "mail for postmaster") || !strings.Contains(s.log.String(), "subject=Hello") {
		t.Errorf("postmaster's mail is not in the log:\n%s", s.log)
	}
}

// What is not durable is not acknowledged: the reporting server keeps it.
func TestStoreFailureIsTemporary(t *testing.T) {
	s := serve(t, DefaultLimits)
	s.store.broken = errors.New("disk full")
	c := s.hello(t)
	c.send(returnPath(7, 1), sample(t, "postfix-user-unknown.eml"), "451 4.3.0")
	s.store.mu.Lock()
	s.store.broken = nil
	s.store.mu.Unlock()
	c.send(returnPath(7, 1), sample(t, "postfix-user-unknown.eml"), "250")
	if got := s.store.addresses(); got != "ann.1@example.com" {
		t.Errorf("suppressed: %q", got)
	}
}

// Many commands in one packet, several messages on one connection, BDAT and DATA.
func TestPipeliningAndChunking(t *testing.T) {
	s := serve(t, DefaultLimits)
	c := s.hello(t)
	msg := sample(t, "sendmail-user-unknown.eml")
	var all bytes.Buffer
	fmt.Fprintf(&all, "MAIL FROM:<> SIZE=%d\r\nRCPT TO:<nobody@news.example.org>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n", len(msg), returnPath(7, 1), len(msg))
	all.Write(msg)
	fmt.Fprintf(&all, "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<%s>\r\nQUIT\r\n", returnPath(7, 4))
	if _, err := c.conn.Write(all.Bytes()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"250", "550", "250", "250", "250", "250", "250", "221"} {
		if got := c.reply(); !strings.HasPrefix(got, want) {
			t.Fatalf("%q, want %s", got, want)
		}
	}
	if got := s.store.addresses(); got != "ann.1@example.com" {
		t.Errorf("suppressed: %q", got)
	}
}

func TestSizesAreBounded(t *testing.T) {
	limits := DefaultLimits
	limits.MessageBytes, limits.ReadBytes, limits.Recipients = 64<<10, 8<<10, 2
	s := serve(t, limits)
	c := s.hello(t)
	c.say("MAIL FROM:<> SIZE=70000", "552")
	// More than is read is taken; the report comes first in a bounce.
	long := append(sample(t, "postfix-user-unknown.eml"), bytes.Repeat([]byte("and so on\n"), 3000)...)
	c.send(returnPath(7, 1), long, "250")
	if got := s.store.addresses(); got != "ann.1@example.com" {
		t.Errorf("suppressed: %q", got)
	}
	c.send(returnPath(7, 4), bytes.Repeat([]byte("x: y\n"), 20_000), "552")
	c.say("MAIL FROM:<>", "250")
	for _, want := range []string{"250", "250", "452"} {
		c.say("RCPT TO:<"+returnPath(7, 4)+">", want)
	}
}
