package token

// AppendHit appends the token of a counted link to dst: a link of a run by its number, 0
// for the pixel. The contact is 0 where nobody is to know whose message it was: then
// everybody's token is the same. rest is the part of the link's address that differs by
// recipient; none when empty.
func (m *Maker) AppendHit(dst []byte, run, contact, link int64, rest []byte) []byte {
	return m.seal(dst, Hit, rest, run, contact, link)
}

// ReadHit checks a token of AppendHit, and returns what it was made of. It is for us
// alone to say where a link leads, so that no token of anybody else's does (X7).
func (m *Maker) ReadHit(token string) (run, contact, link int64, rest []byte, err error) {
	names, err := m.open(Hit, token)
	if err != nil {
		return 0, 0, 0, nil, err
	}
	var numbers [3]int64
	rest, ok := readNumbers(names, numbers[:])
	if !ok {
		return 0, 0, 0, nil, ErrInvalid
	}
	return numbers[0], numbers[1], numbers[2], rest, nil
}
