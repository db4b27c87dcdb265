package smtp

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
)

// server is a strict little SMTP server: commands out of order get 503. Whatever it
// shall do otherwise is asked for by stage: greeting, EHLO, HELO, STARTTLS, MAIL,
// RCPT, DATA, body, RSET, QUIT.
type server struct {
	offers  []string          // keywords of EHLO
	secret  []string          // further ones under TLS
	replies map[string]string // instead of the usual; "" hangs up
	tls     *tls.Config

	messages []string // what was accepted, dots unstuffed
	commands []string
	state    int // of the transaction: 0, 1 after MAIL, 2 after RCPT
}

// serve talks until the peer is gone.
func (v *server) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	in := bufio.NewReader(conn)
	// say answers a stage and reports whether the answer was positive; hung up, it
	// panics with errHungUp.
	say := func(stage, usual string) bool {
		reply, ok := v.replies[stage]
		if !ok {
			reply = usual
		}
		if reply == "" {
			panic(errHungUp)
		}
		io.WriteString(conn, reply+"\r\n")
		if strings.HasPrefix(reply, "421") {
			panic(errHungUp)
		}
		return reply[0] == '2' || reply[0] == '3'
	}
	defer func() {
		if r := recover(); r != nil && r != any(errHungUp) {
			panic(r)
		}
	}()
	say("greeting", "220 mx.example.net ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		v.commands = append(v.commands, line)
		verb, args, _ := strings.Cut(line, " ")
		switch verb {
		case "EHLO":
			offers := v.offers
			if _, ok := conn.(*tls.Conn); ok {
				offers = append(offers[:len(offers):len(offers)], v.secret...)
			}
			say(verb, "250-"+strings.Join(append([]string{"mx.example.net"}, offers...), "\r\n250-")+"\r\n250 HELP")
		case "STARTTLS":
			if say(verb, "220 go") {
				c := tls.Server(conn, v.tls)
				if c.Handshake() != nil {
					return
				}
				conn, in = c, bufio.NewReader(c)
			}
		case "AUTH":
			say(verb, "235 welcome")
		case "MAIL":
			v.order(0, 1, say, verb)
		case "RCPT":
			v.order(1, 2, say, verb)
		case "DATA":
			if !v.order(2, 2, say, verb) {
				break
			}
			message, err := readDotted(in)
			if err != nil {
				return
			}
			v.take(message, say)
		case "BDAT":
			var n int
			fmt.Sscan(args, &n)
			message := make([]byte, n)
			if _, err := io.ReadFull(in, message); err != nil {
				return
			}
			if v.state != 2 {
				say("out of order", "503 5.5.1 bad sequence")
				break
			}
			v.take(message, say)
		case "QUIT":
			say(verb, "221 bye")
			return
		default: // RSET, HELO
			v.state = 0
			say(verb, "250 ok")
		}
	}
}

var errHungUp = fmt.Errorf("hung up")

// order answers a command that is allowed in one state and leads to another.
func (v *server) order(from, to int, say func(stage, usual string) bool, verb string) bool {
	if v.state != from {
		say("out of order", "503 5.5.1 bad sequence")
		return false
	}
	usual := "250 ok"
	if verb == "DATA" {
		usual = "354 go"
	}
	if !say(verb, usual) {
		return false
	}
	v.state = to
	return true
}

func (v *server) take(message []byte, say func(stage, usual string) bool) {
	v.state = 0
	// Before the reply: whoever has heard it may look.
	if reply, ok := v.replies["body"]; !ok || strings.HasPrefix(reply, "2") {
		v.messages = append(v.messages, string(message))
	}
	say("body", "250 queued")
}

// readDotted reads up to the lone dot, and nothing but "\r\n" ends a line.
func readDotted(in *bufio.Reader) ([]byte, error) {
	var message []byte
	for {
		var line []byte
		for !bytes.HasSuffix(line, []byte("\r\n")) {
			part, err := in.ReadBytes('\n')
			if err != nil {
				return nil, err
			}
			line = append(line, part...)
		}
		if string(line) == ".\r\n" {
			return message, nil
		}
		message = append(message, bytes.TrimPrefix(line, []byte("."))...)
	}
}

var modes = []struct {
	name   string
	offers []string
}{
	{"one trip", []string{"PIPELINING", "CHUNKING"}},
	{"two trips", []string{"PIPELINING"}},
	{"lockstep", nil},
	{"lockstep, BDAT", []string{"CHUNKING"}},
}
