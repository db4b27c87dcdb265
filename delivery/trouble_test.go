package delivery

import (
	"testing"
	"time"

	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

// T3: each step down is taken only from the one above it, however many connections fail
// at once, and to clear text only where encryption is nobody's demand.
func TestEncryptionIsGivenUpStepByStep(t *testing.T) {
	book := ratelimit.NewBook()
	st := &site{sender: &Sender{Config: Config{Learned: book}}, name: "site"}
	steps := func() int { return book.Key(ratelimit.WholeSite, "", st.name).Fallback(time.Now()) }
	full := smtp.Config{TLS: smtp.Opportunistic}
	classic := smtp.Config{TLS: smtp.Opportunistic, ClassicTLS: true}
	demanded := smtp.Config{TLS: smtp.Require, ClassicTLS: true}
	for range 3 {
		if !st.tlsFailed(full) || steps() != classicTLS {
			t.Fatalf("the site is %d steps down after full encryption failed, want %d", steps(), classicTLS)
		}
	}
	if st.tlsFailed(demanded) || steps() != classicTLS {
		t.Fatalf("the site is %d steps down after it failed where it is demanded, want %d", steps(), classicTLS)
	}
	if !st.tlsFailed(classic) || steps() != clearText {
		t.Fatalf("the site is %d steps down after classic encryption failed, want %d", steps(), clearText)
	}
}
