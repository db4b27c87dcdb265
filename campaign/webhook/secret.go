package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// secretPrefix begins a secret's written form (Standard Webhooks 1.0.0, "Signature
// scheme": symmetric keys).
const secretPrefix = "whsec_"

// RotationTime is how long the old secret signs beside a new one.
const RotationTime = 24 * time.Hour

func newSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return secret
}

// secretText is a secret as people are shown it, once.
func secretText(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// sign sets the headers of Standard Webhooks. While a secret is rotated there are two
// signatures, of which a receiver needs to know one.
func (e *Endpoint) sign(h http.Header, id string, body []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	signatures := signature(e.Secret, id, stamp, body)
	if len(e.OldSecret) > 0 && now.Before(e.OldUntil) {
		signatures += " " + signature(e.OldSecret, id, stamp, body)
	}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", signatures)
}

func signature(secret []byte, id, stamp string, body []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + stamp + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
