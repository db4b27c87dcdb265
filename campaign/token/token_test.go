package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var maker = NewMaker(bytes.Repeat([]byte{7}, 32))

func TestTokenNamesItsRecipientForItsPurpose(t *testing.T) { // M15, X8
	tok := string(maker.Append(nil, Bounce, 42, 10_000_000))
	if len(tok) > 48 {
		t.Errorf("a token of %d characters leaves no room in a local part of 64", len(tok))
	}
	for _, form := range []string{tok, strings.ToUpper(tok)} {
		run, contact, err := maker.Read(Bounce, form)
		if run != 42 || contact != 10_000_000 || err != nil {
			t.Errorf("Read(%q) = %d, %d, %v", form, run, contact, err)
		}
	}
	if _, _, err := maker.Read(Unsubscribe, tok); !errors.Is(err, ErrInvalid) {
		t.Errorf("a bounce token unsubscribes: %v", err)
	}
	if _, _, err := NewMaker(make([]byte, 32)).Read(Bounce, tok); !errors.Is(err, ErrInvalid) {
		t.Errorf("another secret reads the token: %v", err)
	}
}

func TestChangedTokenIsInvalid(t *testing.T) {
	tok := maker.Append(nil, Unsubscribe, 1, 2)
	for i := range tok {
		changed := bytes.Clone(tok)
		changed[i] = 'a' + (changed[i]-'a'+1)%26
		if r, c, err := maker.Read(Unsubscribe, string(changed)); err == nil && (r != 1 || c != 2) {
			t.Errorf("changed at %d: names %d, %d", i, r, c)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(string(maker.Append(nil, Bounce, 1, 2)))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		run, contact, err := maker.Read(Bounce, s)
		if err == nil && !strings.EqualFold(string(maker.Append(nil, Bounce, run, contact)), s) {
			t.Errorf("%q was read but is not what is made for %d, %d", s, run, contact)
		}
	})
}
