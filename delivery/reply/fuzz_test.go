package reply

import (
	"strings"
	"testing"

	"broadside/campaign"
)

// B5: whatever a server says, only the end of a mailbox or of its domain, permanent
// by both codes, suppresses; nobody is suppressed for what is said of us.
func FuzzRead(f *testing.F) {
	f.Add("google", 550, "5.1.1", "The email account that you tried to reach does not exist.")
	f.Add("orange", 550, "5.5.0", "Les emails ont ete bloques LPN007_102")
	f.Add("", 421, "4.7.28", "unusual rate of mail containing one of your URL domains")
	f.Add("", 0, "", "user unknown")
	f.Add("qq", 571, "5.7.1", "ofr416 \xff 5.1.1.")
	f.Fuzz(func(t *testing.T, provider string, code int, enhanced, text string) {
		m := Read(provider, code, enhanced, text)
		if m.Reason == campaign.NoReason || m.Scope > URLDomain {
			t.Fatalf("%+v", m)
		}
		if code/100 == 5 && m.Reason == campaign.ServerBusy {
			t.Error("busy for good")
		}
		if !Gone(m.Reason, code, enhanced) {
			return
		}
		if m.Scope != Recipient || code/100 == 4 || strings.HasPrefix(enhanced, "5.7.") {
			t.Errorf("%+v suppresses after %d %s", m, code, enhanced)
		}
	})
}
