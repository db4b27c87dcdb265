package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of argon2id: the second recommended option of RFC 9106 §4 takes 64 MiB,
// which a laptop has for a few sign-ins at once; atOnce bounds them.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 4
	argonKey     = 32
	argonSalt    = 16
	atOnce       = 2
)

const (
	minPassword = 10
	maxPassword = 200
)

var hashing = make(chan struct{}, atOnce)

func checkPassword(password, email string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return &Problem{"password", fmt.Sprintf("has %d characters; use %d or more, a short sentence is easy to remember", n, minPassword)}
	case len(password) > maxPassword:
		return &Problem{"password", fmt.Sprintf("is longer than %d bytes", maxPassword)}
	case strings.EqualFold(password, email):
		return &Problem{"password", "is your address, which others know"}
	}
	return nil
}

// hashPassword returns the PHC string of a password with fresh salt.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt),
		base64.RawStdEncoding.EncodeToString(derive(password, salt, argonTime, argonMemory, argonThreads, argonKey)))
}

// derive waits for its turn: each derivation holds its memory.
func derive(password string, salt []byte, time, memory uint32, threads uint8, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, length)
}

// nobody is compared with when there is no such user, so that the answer takes as long.
var nobody = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// samePassword compares in constant time; false also for a hash that can't be read.
func samePassword(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var version int
	var memory, time uint32
	var threads uint8
	if n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &threads); n != 4 || err != nil || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 || memory > 1<<20 || time == 0 || time > 10 || threads == 0 {
		return false
	}
	got := derive(password, salt, time, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}
