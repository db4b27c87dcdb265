package message

import "fmt"

// tracked is a place of a message that differs when its reader is counted: a link, or
// the pixel.
type tracked struct {
	pixel bool
	link  int     // index among the content's links
	plain []piece // what stands there otherwise
	rest  []piece // what follows the link's fixed part, for this recipient
}

// append appends what this recipient's message has at the place.
func (t *tracked) append(dst []byte, r *Recipient, get lookup) ([]byte, error) {
	switch {
	case t.pixel && r.Pixel == "":
		return dst, nil
	case t.pixel:
		return fmt.Appendf(dst, `<img src="%s" width="1" height="1" alt="">`, r.Pixel), nil
	case r.Link == nil:
		return appendPieces(dst, t.plain, get)
	}
	rest, err := appendPieces(nil, t.rest, get)
	if err != nil {
		return dst, err
	}
	return r.Link(dst, t.link, rest), nil
}

// appendPieces appends text and outputs.
func appendPieces(dst []byte, pieces []piece, get lookup) ([]byte, error) {
	for _, p := range pieces {
		if p.c == nil {
			dst = append(dst, p.text...)
			continue
		}
		text, err := p.c.out.eval(get)
		problem := ""
		if err != nil {
			problem = err.Error()
		} else {
			dst, problem = p.esc.append(dst, []byte(text))
		}
		if problem != "" {
			return dst, &MergeError{Field: p.c.out.name(), Where: p.c.field, Problem: problem}
		}
	}
	return dst, nil
}

// withPlain returns pieces as they are without counting: what they read and show does
// not depend on it.
func withPlain(pieces []piece) []piece {
	var out []piece
	for _, p := range pieces {
		if p.tracked != nil {
			out = append(out, p.tracked.plain...)
			continue
		}
		out = append(out, p)
	}
	return out
}
