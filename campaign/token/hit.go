package token

// Holder is whose message a counted link is in.
type Holder struct {
	Run     int64
	Contact int64 // 0 where nobody is to know whose it was
	// Variant of the run's A/B test, of a message of which nobody is to know whose it was; 0
	// for none.
	Variant int64
}

// AppendHit appends the token of a counted link to dst: a link of a run by its number, 0
// for the pixel. Where nobody is to know whose message it was, everybody's token is the
// same, or that of all who got a variant. rest is the part of the link's address that
// differs by recipient; none when empty.
func (m *Maker) AppendHit(dst []byte, h Holder, link int64, rest []byte) []byte {
	if h.Contact == 0 && h.Variant != 0 {
		return m.seal(dst, VariantHit, rest, h.Run, h.Variant, link)
	}
	return m.seal(dst, Hit, rest, h.Run, h.Contact, link)
}

// ReadHit checks a token of AppendHit, and returns what it was made of. It is for us
// alone to say where a link leads, so that no token of anybody else's does (X7).
func (m *Maker) ReadHit(token string) (h Holder, link int64, rest []byte, err error) {
	var numbers [3]int64
	if rest, err = m.readHit(Hit, token, numbers[:]); err == nil {
		return Holder{Run: numbers[0], Contact: numbers[1]}, numbers[2], rest, nil
	}
	if rest, err = m.readHit(VariantHit, token, numbers[:]); err != nil || numbers[1] == 0 {
		return Holder{}, 0, nil, ErrInvalid
	}
	return Holder{Run: numbers[0], Variant: numbers[1]}, numbers[2], rest, nil
}

func (m *Maker) readHit(p Purpose, token string, numbers []int64) (rest []byte, err error) {
	names, err := m.open(p, token)
	if err != nil {
		return nil, err
	}
	rest, ok := readNumbers(names, numbers)
	if !ok {
		return nil, ErrInvalid
	}
	return rest, nil
}
