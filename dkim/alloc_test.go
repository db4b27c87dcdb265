//go:build !race

package dkim

import (
	"bytes"
	"testing"
)

// Allocations are a promise, so they are a test. Not with -race, under which a
// sync.Pool forgets on purpose.
func TestSignAllocations(t *testing.T) {
	s := freeSigner(t)
	msg := newsletter(t, 15<<10)
	_, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	dst := make([]byte, 0, 2048)
	for name, shared := range map[string]*BodyPrefix{"whole": nil, "shared": NewBodyPrefix(body)} {
		allocs := testing.AllocsPerRun(200, func() {
			if _, err := s.SignShared(dst, msg, shared, testTime); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 2 {
			t.Errorf("%s: %.0f allocations, want at most 2", name, allocs)
		}
	}
}
