package dkim

import (
	"bytes"
	"fmt"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// maxSignatures bounds what a message from outside can make a verifier do.
const maxSignatures = 10

// Verification is what became of one signature of a message.
type Verification struct {
	Domain  string    // d=
	Headers []string  // h=, as signed
	Signed  time.Time // t=, zero when absent
	Expires time.Time // x=, zero when absent
	Err     error     // nil when the signature is valid
}

// Verify checks every signature of a message, in the order they stand in it; none
// for a message without. An error means that the message couldn't be read, or
// carries more than ten signatures. lookupTXT returns one string per TXT record.
func Verify(msg []byte, lookupTXT func(name string) ([]string, error)) ([]Verification, error) {
	found, err := dkim.VerifyWithOptions(bytes.NewReader(msg), &dkim.VerifyOptions{
		LookupTXT:        lookupTXT,
		MaxVerifications: maxSignatures,
	})
	if err != nil {
		return nil, fmt.Errorf("verify the DKIM signatures: %w", err)
	}
	verifications := make([]Verification, len(found))
	for i, v := range found {
		verifications[i] = Verification{
			Domain:  v.Domain,
			Headers: v.HeaderKeys,
			Signed:  v.Time,
			Expires: v.Expiration,
			Err:     v.Err,
		}
	}
	return verifications, nil
}
