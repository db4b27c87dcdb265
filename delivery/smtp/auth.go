package smtp

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	mech "github.com/wneessen/go-mail/smtp"
)

const (
	// maxAuthSteps bounds an exchange: SCRAM takes three.
	maxAuthSteps = 5
	// maxIterations bounds the work a server may demand of SCRAM.
	maxIterations = 1_000_000
)

// authenticate proves who we are (RFC 4954 §4). A refusal is its reply: 454 is
// temporary, 535 permanent.
func (s *Session) authenticate() Result {
	_, encrypted := s.TLS()
	if !encrypted && !s.cfg.AllowPlaintextAuth {
		return noAuth("the session is not encrypted")
	}
	m := s.mechanism()
	if m == nil {
		return noAuth("offered are " + strings.Join(s.caps.Auth, " ") + "; can use XOAUTH2 with a token, else SCRAM-SHA-256, PLAIN, LOGIN")
	}
	name, initial, err := m.Start(&mech.ServerInfo{Name: s.host.Name, TLS: encrypted, Auth: s.caps.Auth})
	if err != nil {
		return noAuth(err.Error())
	}
	command := "AUTH " + name
	if initial != nil {
		command += " " + encode64(initial)
	}
	proved := !strings.HasPrefix(name, "SCRAM-")
	for range maxAuthSteps {
		r := s.ask(Auth, s.times.Auth, command+"\r\n")
		if r.Failure != None || r.Reply.Code/100 > 3 {
			return r
		}
		if r.Reply.Code/100 == 2 {
			if !proved {
				return noAuth("the server did not prove that it knows the password")
			}
			return r
		}
		challenge, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(s.in.text)))
		if err != nil || tooMuchWork(challenge) {
			return s.cancelAuth("the server's challenge is not fit to answer")
		}
		response, err := m.Next(challenge, true)
		if err != nil {
			return s.cancelAuth(err.Error())
		}
		// The mechanism has verified the signature, or it would have failed.
		proved = proved || bytes.HasPrefix(challenge, []byte("v="))
		command = base64.StdEncoding.EncodeToString(response)
	}
	return s.cancelAuth("the exchange has no end")
}

// mechanism is the best that both sides know, nil if there is none.
func (s *Session) mechanism() mech.Auth {
	c := s.cfg.Auth
	offered := func(name string) bool { return slices.Contains(s.caps.Auth, name) }
	switch {
	case c.Token != "":
		if offered("XOAUTH2") {
			return mech.XOAuth2Auth(c.Username, c.Token)
		}
		return nil
	case offered("SCRAM-SHA-256"):
		return mech.ScramSHA256Auth(c.Username, c.Password)
	case offered("PLAIN"):
		return mech.PlainAuth("", c.Username, c.Password, s.host.Name, s.cfg.AllowPlaintextAuth)
	case offered("LOGIN"):
		return mech.LoginAuth(c.Username, c.Password, s.host.Name, s.cfg.AllowPlaintextAuth)
	}
	return nil
}

// cancelAuth gives the exchange up (RFC 4954 §4).
func (s *Session) cancelAuth(why string) Result {
	s.ask(Auth, s.times.Auth, "*\r\n")
	return noAuth(why)
}

func noAuth(why string) Result {
	return Result{Stage: Auth, Failure: AuthUnavailable, Detail: escape([]byte(why))}
}

// tooMuchWork reports a SCRAM challenge with more iterations than any server needs.
func tooMuchWork(challenge []byte) bool {
	for field := range bytes.SplitSeq(challenge, []byte(",")) {
		if n, ok := bytes.CutPrefix(field, []byte("i=")); ok {
			i, err := strconv.Atoi(string(n))
			return err != nil || i > maxIterations
		}
	}
	return false
}

// encode64 encodes an initial response; an empty one is "=".
func encode64(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
