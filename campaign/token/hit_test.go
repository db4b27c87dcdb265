package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestHitTokens(t *testing.T) { // X7
	tok := string(maker.AppendHit(nil, Holder{Run: 42, Contact: 10_000_000}, 7, nil))
	if len(tok) > 40 {
		t.Errorf("a link's token has %d characters", len(tok))
	}
	h, link, rest, err := maker.ReadHit(tok)
	if h != (Holder{Run: 42, Contact: 10_000_000}) || link != 7 || len(rest) > 0 || err != nil {
		t.Errorf("read %+v, %d, %q, %v", h, link, rest, err)
	}
	// Of a variant everybody has the same, which names nobody; a contact is no variant.
	ofB := string(maker.AppendHit(nil, Holder{Run: 42, Variant: 2}, 7, nil))
	if h, link, _, err := maker.ReadHit(ofB); h != (Holder{Run: 42, Variant: 2}) || link != 7 || err != nil {
		t.Errorf("read %+v, %d, %v", h, link, err)
	}
	if ofB == string(maker.AppendHit(nil, Holder{Run: 42, Contact: 2}, 7, nil)) {
		t.Error("contact 2 is taken for variant B")
	}
	if _, _, err := maker.Read(Unsubscribe, tok); !errors.Is(err, ErrInvalid) {
		t.Errorf("a click unsubscribes: %v", err)
	}
	if _, _, _, err := maker.ReadHit(string(maker.Append(nil, Unsubscribe, 42, 1))); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unsubscribe token is a click: %v", err)
	}
	personal := maker.AppendHit(nil, Holder{Run: 42}, 7, []byte("Basket?id=%C3%A9&x=Y"))
	if _, _, rest, err := maker.ReadHit(string(personal)); string(rest) != "Basket?id=%C3%A9&x=Y" || err != nil {
		t.Errorf("the rest is %q, %v", rest, err)
	}
	// Whatever is changed, the token is nobody's.
	for i := range personal {
		for _, c := range []byte("aq27") {
			changed := bytes.Clone(personal)
			if changed[i] == c {
				continue
			}
			changed[i] = c
			if _, _, _, err := maker.ReadHit(string(changed)); err == nil {
				t.Errorf("changed at %d to %c, and still good", i, c)
			}
		}
	}
}

func FuzzReadHit(f *testing.F) {
	f.Add(string(maker.AppendHit(nil, Holder{1, 2, 0}, 3, []byte("rest"))))
	f.Add(string(maker.AppendHit(nil, Holder{1, 0, 0}, 0, nil)))
	f.Add(string(maker.AppendHit(nil, Holder{1, 0, 2}, 0, nil)))
	f.Add(string(maker.Append(nil, Hit, 1, 2)))
	f.Fuzz(func(t *testing.T, s string) {
		h, link, rest, err := maker.ReadHit(s)
		if err == nil && !strings.EqualFold(string(maker.AppendHit(nil, h, link, rest)), s) {
			t.Errorf("%q was read but is not what is made for %+v, %d, %q", s, h, link, rest)
		}
	})
}
