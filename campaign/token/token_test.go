package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var (
	first  = bytes.Repeat([]byte{7}, 32)
	second = bytes.Repeat([]byte{8}, 32)
	maker  = NewMaker(first)
)

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

// Tokens outlive the key that made them, and those from before keys had numbers.
func TestKeysAreRotated(t *testing.T) { // X8
	// As it was made before tokens named their key: unsubscribe, run 42, contact 7.
	const unnamed = "fid6d6qkpt4wxhmnznrq"
	old := string(maker.Append(nil, Unsubscribe, 42, 7))
	m := NewMaker(first)
	m.Renew([]Key{{Secret: first}, {Secret: second}}, 1)
	if tok := string(m.Append(nil, Unsubscribe, 42, 7)); tok != old {
		t.Errorf("a key that is not to be used yet made %q", tok)
	}
	m.Renew([]Key{{Secret: first}, {Secret: second}}, 2)
	fresh := string(m.Append(nil, Unsubscribe, 42, 7))
	if fresh == old {
		t.Error("the new key makes what the old one made")
	}
	for _, tok := range []string{unnamed, old, fresh} {
		if run, contact, err := m.Read(Unsubscribe, tok); run != 42 || contact != 7 || err != nil {
			t.Errorf("Read(%q) = %d, %d, %v", tok, run, contact, err)
		}
	}
	if _, _, err := maker.Read(Unsubscribe, fresh); !errors.Is(err, ErrInvalid) {
		t.Errorf("a key that is not known read a token: %v", err)
	}
	if _, _, err := NewMaker(second, first).Read(Unsubscribe, fresh); !errors.Is(err, ErrInvalid) {
		t.Errorf("a token was read with another key than it names: %v", err)
	}
	if before, after := maker.Append(nil, MessageID, 42, 7), m.Append(nil, MessageID, 42, 7); !bytes.Equal(before, after) {
		t.Errorf("the Message-ID of a further attempt is %s, was %s", after, before) // S17
	}
}

// A retired key reads nothing, and its number stays its own. Message-IDs are made as before.
func TestKeysAreRetired(t *testing.T) { // X8
	m := NewMaker(first)
	id := string(m.Append(nil, MessageID, 42, 7))
	var made []string
	for n := 1; n <= 3; n++ {
		m.Renew([]Key{{Secret: first}, {Secret: second}, {Secret: bytes.Repeat([]byte{3}, 32)}}, n)
		made = append(made, string(m.Append(nil, Unsubscribe, 42, 7)))
	}
	const unnamed = "fid6d6qkpt4wxhmnznrq" // of the first key too
	m.Renew([]Key{{Secret: first, Retired: true}, {Retired: true}, {Secret: bytes.Repeat([]byte{3}, 32)}}, 3)
	// What anybody can make with the secret that a retired key has not any more.
	forger := new(Maker)
	forger.Renew([]Key{{Secret: first}, {Secret: nil}}, 2)
	forged := string(forger.Append(nil, Unsubscribe, 42, 7))
	for _, tok := range []string{made[0], made[1], unnamed, forged} {
		if run, contact, err := m.Read(Unsubscribe, tok); !errors.Is(err, ErrInvalid) {
			t.Errorf("Read(%q) = %d, %d, %v", tok, run, contact, err)
		}
	}
	if run, contact, err := m.Read(Unsubscribe, made[2]); run != 42 || contact != 7 || err != nil {
		t.Errorf("the third key's token: %d, %d, %v", run, contact, err)
	}
	if got := string(m.Append(nil, MessageID, 42, 7)); got != id {
		t.Errorf("the Message-ID of a further attempt is %s, was %s", got, id) // S17
	}
	// Who is named in a complaint is suppressed, and whoever has the secret can name anybody.
	if run, contact, err := m.Read(MessageID, id); !errors.Is(err, ErrInvalid) {
		t.Errorf("the Message-ID: %d, %d, %v", run, contact, err)
	}
}

func TestChangedTokenIsInvalid(t *testing.T) { // X8
	tok := maker.Append(nil, Unsubscribe, 1, 2)
	for i := range tok {
		changed := bytes.Clone(tok)
		changed[i] = 'a' + (changed[i]-'a'+1)%26
		if r, c, err := maker.Read(Unsubscribe, string(changed)); err == nil && (r != 1 || c != 2) {
			t.Errorf("changed at %d: names %d, %d", i, r, c)
		}
	}
}

// What is read is what one of the keys made: there is no other spelling of a token.
func FuzzRead(f *testing.F) {
	older, newer := NewMaker(first), NewMaker(first, second)
	for _, p := range []Purpose{Bounce, Unsubscribe, MessageID, Complaint} {
		f.Add(byte(p), string(older.Append(nil, p, 1, 2)))
		f.Add(byte(p), string(newer.Append(nil, p, 1<<40, 1<<33)))
	}
	f.Add(byte(Bounce), "")
	f.Add(byte(Bounce), "aaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, purpose byte, s string) {
		p := Purpose(purpose)
		run, contact, err := newer.Read(p, s)
		if err != nil {
			return
		}
		for _, m := range []*Maker{older, newer} {
			if strings.EqualFold(string(m.Append(nil, p, run, contact)), s) {
				return
			}
		}
		t.Errorf("%q was read but is not what is made for %d, %d", s, run, contact)
	})
}
