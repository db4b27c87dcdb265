package smtp

import (
	"bufio"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// scramServer plays the server of RFC 5802 §3 with the values of RFC 7677 §3, and
// signs with a password that may not be the client's.
func scramServer(conn net.Conn, password string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(s string) { fmt.Fprintf(conn, "%s\r\n", s) }
	hear := func() string {
		line, _ := in.ReadString('\n')
		return strings.TrimSuffix(line, "\r\n")
	}
	decode := func(s string) string {
		b, _ := base64.StdEncoding.DecodeString(s)
		return string(b)
	}
	sum := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	challenge := func(s string) { say("334 " + base64.StdEncoding.EncodeToString([]byte(s))) }
	say("220 x")
	hear()
	say("250-x\r\n250 AUTH LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256")
	if hear() != "AUTH SCRAM-SHA-256" {
		say("504 not that one")
		return
	}
	say("334 ")
	bare := strings.TrimPrefix(decode(hear()), "n,,")
	nonce := bare[strings.Index(bare, "r=")+2:] + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	salt := "W22ZaJ0SNY7soEsUEjb6gQ=="
	first := "r=" + nonce + ",s=" + salt + ",i=4096"
	challenge(first)
	final := decode(hear())
	proofless, proof, _ := strings.Cut(final, ",p=")
	key, err := pbkdf2.Key(sha256.New, password, []byte(decode(salt)), 4096, 32)
	if err != nil {
		panic(err)
	}
	message := bare + "," + first + "," + proofless
	clientKey := sum(key, "Client Key")
	stored := sha256.Sum256(clientKey)
	for i, b := range sum(stored[:], message) {
		clientKey[i] ^= b
	}
	challenge("v=" + base64.StdEncoding.EncodeToString(sum(sum(key, "Server Key"), message)))
	if answer := hear(); answer == "*" {
		say("501 cancelled")
	} else if proof == base64.StdEncoding.EncodeToString(clientKey) {
		say("235 welcome")
	} else {
		say("535 5.7.8 wrong")
	}
	hear()
	say("221 bye")
}

// S24: SCRAM is preferred, the password never leaves, and the server proves itself.
func TestScram(t *testing.T) {
	for password, want := range map[string]string{
		"pencil":  "AUTH: 235 welcome",
		"another": "AUTH: authentication unavailable: invalid server signature",
	} {
		synctest.Test(t, func(t *testing.T) {
			client, peer := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				scramServer(peer, password)
			}()
			s, r := Open(t.Context(), testHost, &Config{
				Hello: "out.example.org", Dial: dialTo(client), AllowPlaintextAuth: true,
				Auth: &Credentials{Username: "user", Password: "pencil"},
			})
			if r.String() != want {
				t.Errorf("%v, want %s", r, want)
			}
			if s != nil {
				s.Close()
			}
			<-done
		})
	}
}
