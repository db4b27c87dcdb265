package bounce

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// reader is a receiver with its store, without a listener.
func reader() (*Receiver, *memory, *logged) {
	store, log := &memory{}, &logged{}
	return &Receiver{Store: store, Tokens: tokens, Trust: trust, Limits: DefaultLimits, Log: slog.New(slog.NewTextHandler(log, nil))}, store, log
}

// mailboxStory are messages as a mailbox has them: three of them suppress somebody, two
// are a person's.
func mailboxStory(t *testing.T) map[string][]byte {
	to := func(header string, msg []byte) []byte { return append([]byte(header+"\r\n"), msg...) }
	return map[string][]byte{
		"1": to("Delivered-To: "+returnPath(7, 1), sample(t, "postfix-user-unknown.eml")),
		"2": sample(t, "person.eml"),
		"3": to("Return-Path: <>\r\nX-Original-To: bounces+"+returnPath(7, 4), sample(t, "exim-plain-unknown.eml")),
		"4": to("Delivered-To: inbox@example.org", []byte(strings.Replace(string(sample(t, "gmail-unknown.eml")), "Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\nReturn-Path: <"+returnPath(7, 1)+">\n", 1))),
		"5": to("Delivered-To: "+returnPath(7, 1), sample(t, "vacation-rfc3834.eml")),
		"6": to("Delivered-To: "+returnPath(8, 1), sample(t, "postfix-user-unknown.eml")), // a run that is not
		"7": sample(t, "spam.eml"),
	}
}

const (
	storySuppressed = "ann.1@example.com ann.4@example.com ann.1@example.com"
	storyForPeople  = "27"
)

// B1: what a mail server put into a Maildir is heard as if it had come by SMTP, and
// what is a person's stays unseen; what could not be stored stays new.
func TestMaildir(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"new", "cur", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, msg := range mailboxStory(t) {
		if err := os.WriteFile(filepath.Join(dir, "new", name), msg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "new", "0")); err != nil {
		t.Fatal(err)
	}
	r, store, log := reader()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	store.broken = os.ErrDeadlineExceeded
	sweep := func() {
		t.Helper()
		if err := r.sweepMaildir(t.Context(), root); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if got := names(t, filepath.Join(dir, "new")); got != "0 1 3 4 6" {
		t.Errorf("with a broken store there stay %q", got)
	}
	store.broken = nil
	sweep()
	if got := names(t, filepath.Join(dir, "new")); got != "0" {
		t.Errorf("there stay %q", got)
	}
	if got := names(t, filepath.Join(dir, "cur")); got != "1:2,S 2:2, 3:2,S 4:2,S 5:2,S 6:2,S 7:2," {
		t.Errorf("taken: %q", got)
	}
	if got := store.addresses(); got != storySuppressed {
		t.Errorf("suppressed %q\n%s", got, log)
	}
}

// The loop ends with its context, and says when there is no Maildir.
func TestReadMaildirEnds(t *testing.T) {
	r, _, _ := reader()
	if err := r.ReadMaildir(t.Context(), filepath.Join(t.TempDir(), "none"), time.Hour); err == nil {
		t.Error("a directory that is not there was read")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.ReadMaildir(ctx, dir, time.Hour); err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		list = append(list, f.Name())
	}
	return strings.Join(list, " ")
}

// The same out of a mailbox on an IMAP server, by both ways to TLS; each message is
// looked at once.
func TestIMAP(t *testing.T) {
	for name, startTLS := range map[string]bool{"TLS": false, "STARTTLS": true} {
		t.Run(name, func(t *testing.T) {
			box, user := serveIMAP(t, startTLS)
			story := mailboxStory(t)
			for _, nr := range []string{"1", "2", "3", "4", "5", "6", "7"} {
				if _, err := user.Append("INBOX", literal{bytes.NewReader(story[nr])}, &imap.AppendOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			r, store, log := reader()
			var at place
			store.broken = os.ErrDeadlineExceeded
			if err := r.lookIMAP(t.Context(), box, &at); err == nil {
				t.Error("nothing is said of a message that was not taken")
			}
			store.broken = nil
			for range 2 {
				if err := r.lookIMAP(t.Context(), box, &at); err != nil {
					t.Fatal(err)
				}
			}
			if got := store.addresses(); got != storySuppressed {
				t.Errorf("suppressed %q\n%s", got, log)
			}
			var again place
			if err := r.lookIMAP(t.Context(), box, &again); err != nil { // after a restart
				t.Fatal(err)
			}
			if got := store.addresses(); got != storySuppressed {
				t.Errorf("after a restart suppressed %q", got)
			}
			if at.next != 8 || again.next != 8 {
				t.Errorf("next are %d and %d", at.next, again.next)
			}
			status, err := user.Status("INBOX", &imap.StatusOptions{NumUnseen: true})
			if err != nil || *status.NumUnseen != uint32(len(storyForPeople)) {
				t.Errorf("unseen: %+v, %v", status, err)
			}
		})
	}
}

// Neither a wrong password nor a certificate that nobody trusts reads a mailbox.
func TestIMAPRefuses(t *testing.T) {
	box, _ := serveIMAP(t, false)
	r, _, _ := reader()
	wrong, strange := box, box
	wrong.Password, strange.TLSConfig = "x", nil
	for name, b := range map[string]Mailbox{"password": wrong, "certificate": strange} {
		if err := r.lookIMAP(t.Context(), b, &place{}); err == nil {
			t.Errorf("the mailbox was read despite its %s", name)
		}
	}
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return int64(l.Len()) }

// serveIMAP is a server on loopback with one user, who has an INBOX.
func serveIMAP(t *testing.T, startTLS bool) (Mailbox, *imapmemserver.User) {
	t.Helper()
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	t.Cleanup(certificates.Close)
	user := imapmemserver.NewUser("bounces", "secret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	secure := &tls.Config{Certificates: certificates.TLS.Certificates}
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps:      imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
		TLSConfig: secure,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if !startTLS {
		l = tls.NewListener(l, secure)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		_ = srv.Close()
		wg.Wait()
	})
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	return Mailbox{Addr: addr, StartTLS: startTLS, User: "bounces", Password: "secret", Name: "INBOX", TLSConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, Every: time.Hour}, user
}
