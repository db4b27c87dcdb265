package bounce

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// mailboxes take mail for people: RFC 5321 §4.5.1, RFC 2142 §2 and §4, and the name that
// feedback loops are registered under. Complaints there are read, all else is logged.
var mailboxes = []string{"postmaster", "abuse", "fbl"}

// The answers that are not go-smtp's own.
var (
	errNobody = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	errBroken = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not taken, try again later"}
)

// session is one client's mail. go-smtp may reset it while a message that was sent
// with BDAT is still being read, hence the lock.
type session struct {
	receiver *Receiver
	ctx      context.Context
	remote   string

	mu      sync.Mutex
	from    string
	targets []target
	mailbox string // one of mailboxes, when it is for one
}

// Mail takes any sender: what comes back has none, or anybody's.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.targets, s.mailbox = from, nil, ""
	return nil
}

// Rcpt takes return paths and complaint addresses that we made, in whatever domain: the token proves more
// than a list of domains would. Nothing is ever passed on.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	local, _, _ := strings.Cut(strings.ToLower(to), "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(mailboxes, local) {
		s.mailbox = local
		return nil
	}
	t, ok := s.receiver.target(local)
	if !ok {
		return errNobody
	}
	s.targets = append(s.targets, t)
	return nil
}

// Data answers 250 when what follows from the message is durable.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	m := received{from: s.from, remote: s.remote, targets: s.targets, mailbox: s.mailbox}
	s.mu.Unlock()
	head, err := io.ReadAll(io.LimitReader(r, s.receiver.Limits.ReadBytes))
	if err == nil {
		m.size, err = io.Copy(io.Discard, r)
	}
	if refusal, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return refusal
	}
	if err != nil {
		return errBroken
	}
	m.head, m.size = head, m.size+int64(len(head))
	if _, err := s.receiver.take(s.ctx, m); err != nil {
		s.receiver.Log.Error("bounce: a message was not taken, its sender tries again", "remote", s.remote, "error", err)
		return errBroken
	}
	return nil
}

// Reset forgets the message that was being received.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.targets, s.mailbox = "", nil, ""
}

// Logout has nothing to free.
func (s *session) Logout() error { return nil }
