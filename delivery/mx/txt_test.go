package mx

import (
	"slices"
	"testing"
	"time"
)

// TXT records come whole, through aliases, with how long they hold.
func TestLookupTXT(t *testing.T) {
	d := newDNS(t, startDNS(t, records(t, true, `
		_mta-sts.example. 300 IN TXT "v=STSv1; " "id=1"
		_mta-sts.example. 200 IN TXT "another's"
		alias.example. 100 IN CNAME _mta-sts.example.`)))
	for name, want := range map[string]time.Duration{"_mta-sts.example": 200 * time.Second, "alias.example": 100 * time.Second} {
		texts, holds, err := d.LookupTXTTTL(t.Context(), name)
		slices.Sort(texts)
		if err != nil || holds != want || !slices.Equal(texts, []string{"another's", "v=STSv1; id=1"}) {
			t.Errorf("%s: %q for %v, %v", name, texts, holds, err)
		}
	}
	if texts, _, err := d.LookupTXTTTL(t.Context(), "_mta-sts.gone.example"); len(texts) > 0 || problemOf(err) != NoDomain {
		t.Errorf("%q, %v", texts, err)
	}
}
