package dkim

import (
	"strings"
	"testing"
)

func TestPublished(t *testing.T) {
	for _, alg := range []Algorithm{RSA2048, Ed25519} {
		k, err := Generate("example.org", "s", alg)
		if err != nil {
			t.Fatal(err)
		}
		_, txt := k.Record()
		_, p, _ := strings.Cut(txt, "p=")
		for _, test := range []struct {
			txt  string
			want bool
		}{
			{txt, true},
			{strings.ReplaceAll(txt, "; ", ";"), true},
			{txt[:60] + " " + txt[60:], true},
			{"k=ed25519; n=note; p=" + p + ";", alg == Ed25519},
			{"p=" + p, alg == RSA2048}, // k=rsa is the default
			{strings.Replace(txt, "DKIM1", "DKIM2", 1), false},
			{strings.Replace(txt, "p=", "p=A", 1), false},
			{"v=DKIM1; p=", false}, // revoked
			{"v=spf1 -all", false},
			{"", false},
		} {
			if got := k.Published([]string{"v=spf1 -all", test.txt}); got != test.want {
				t.Errorf("%s: %q: %v", alg, test.txt, got)
			}
		}
	}
}
