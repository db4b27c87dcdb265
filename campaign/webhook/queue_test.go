package webhook

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A parcel is held for as long as an endpoint takes to answer, and no longer.
func TestParcelIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Int32
		p := Parcel{Claim: 30 * time.Second, Hold: func() error { held.Add(1); return nil }}
		letGo := p.keep(t.Context())
		time.Sleep(2*time.Minute + time.Second)
		letGo()
		time.Sleep(time.Minute)
		if n := held.Load(); n != 12 {
			t.Errorf("held %d times in two minutes, want one in ten seconds", n)
		}
	})
}
