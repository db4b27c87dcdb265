package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Reply is a server's reply. The zero Reply stands for none.
type Reply struct {
	// Code is the three-digit code, 200 to 599. It alone decides between temporary
	// and permanent, whatever Enhanced says: Gmail sends "421 5.7.32".
	Code int
	// Enhanced is the RFC 3463 code as sent, "" when there is none.
	Enhanced string
	// Text is the rest: lines joined with a space, everything unprintable escaped,
	// at most 512 bytes.
	Text string
}

// String is the reply in one line, as a server would send it.
func (r Reply) String() string {
	if r.Code == 0 {
		return "no reply"
	}
	parts := make([]string, 0, 3)
	parts = append(parts, fmt.Sprint(r.Code))
	for _, p := range [...]string{r.Enhanced, r.Text} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " ")
}

// ParseReply reads one reply out of text as a person or a log has it: one line or
// several, ended by CRLF or LF. It fails on what a session would call malformed.
func ParseReply(text string) (Reply, error) {
	r := replyReader{
		in:       bufio.NewReader(strings.NewReader(strings.TrimRight(text, "\r\n") + "\n")),
		maxLines: defaultReplyLines, maxBytes: defaultReplyBytes,
	}
	code, err := r.read()
	if err != nil {
		return Reply{}, fmt.Errorf("not an SMTP reply: %w", err)
	}
	return newReply(code, r.text), nil
}

// malformed is the error of a reply that breaks the protocol.
type malformed string

func (m malformed) Error() string { return string(m) }

// replyReader reads replies of bounded length: net/textproto would read an endless
// "250-" until memory is gone.
type replyReader struct {
	in       *bufio.Reader
	maxLines int
	maxBytes int
	text     []byte // of the reply read last: its lines without codes, each ended by '\n'
}

// read reads one reply (RFC 5321 §4.2.1) and leaves its text in r.text. A line may
// end in a bare LF, and must fit into the buffer of r.in.
func (r *replyReader) read() (code int, err error) {
	r.text = r.text[:0]
	size := 0
	for range r.maxLines {
		line, err := r.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, malformed(fmt.Sprintf("a reply line of more than %d bytes", len(line)))
		}
		if err != nil {
			return 0, err
		}
		if size += len(line); size > r.maxBytes {
			return 0, malformed(fmt.Sprintf("a reply of more than %d bytes", r.maxBytes))
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		c, last, ok := splitCode(line)
		if !ok {
			return 0, malformed("not a reply: " + escape(line))
		}
		if code != 0 && c != code {
			return 0, malformed(fmt.Sprintf("codes %d and %d in one reply", code, c))
		}
		code = c
		r.text = append(append(r.text, line[min(4, len(line)):]...), '\n')
		if last {
			return code, nil
		}
	}
	return 0, malformed(fmt.Sprintf("a reply of more than %d lines", r.maxLines))
}

// splitCode takes the code off a line. The second digit may be any: servers of
// old answer 571.
func splitCode(line []byte) (code int, last, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digits(line[1:3]) {
		return 0, false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, true, true
	}
	return code, line[3] == ' ', line[3] == ' ' || line[3] == '-'
}

// newReply makes a Reply of a text as replyReader leaves it.
func newReply(code int, text []byte) Reply {
	enhanced := enhancedCode(text)
	if rest, one := bytes.CutSuffix(text, []byte("\n")); one && plain(rest) {
		s := string(rest)
		return Reply{Code: code, Enhanced: s[:enhanced], Text: strings.TrimSpace(s[enhanced:])}
	}
	r := Reply{Code: code, Enhanced: string(text[:enhanced])}
	var joined []byte
	for line := range bytes.Lines(text) {
		// Servers repeat the enhanced code on each line; once is enough.
		if n := enhancedCode(line); n > 0 && string(line[:n]) == r.Enhanced {
			line = line[n:]
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			joined = append(append(joined, line...), ' ')
		}
	}
	r.Text = escape(bytes.TrimSpace(joined))
	return r
}

// enhancedCode returns the length of the enhanced status code that text begins
// with, 0 if there is none (RFC 2034 §4, RFC 3463 §2): class "." subject "." detail,
// followed by white space. "5.6.7.8 is blocked" has none.
func enhancedCode(text []byte) int {
	if len(text) < 6 || text[1] != '.' || (text[0] != '2' && text[0] != '4' && text[0] != '5') {
		return 0
	}
	n := 1
	for range 2 {
		if n >= len(text) || text[n] != '.' {
			return 0
		}
		n++
		start := n
		for n < len(text) && n-start < 3 && '0' <= text[n] && text[n] <= '9' {
			n++
		}
		if n == start {
			return 0
		}
	}
	if n < len(text) && text[n] != ' ' && text[n] != '\n' && text[n] != '\t' {
		return 0
	}
	return n
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
