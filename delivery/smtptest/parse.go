package smtptest

import (
	"bytes"
	"strconv"
)

// verb is a command's name, upper-cased, in its first bytes; commands that are
// longer than that have their own constants.
type verb uint32

const (
	verbEHLO     = verb('E')<<24 | 'H'<<16 | 'L'<<8 | 'O'
	verbHELO     = verb('H')<<24 | 'E'<<16 | 'L'<<8 | 'O'
	verbMAIL     = verb('M')<<24 | 'A'<<16 | 'I'<<8 | 'L'
	verbRCPT     = verb('R')<<24 | 'C'<<16 | 'P'<<8 | 'T'
	verbDATA     = verb('D')<<24 | 'A'<<16 | 'T'<<8 | 'A'
	verbBDAT     = verb('B')<<24 | 'D'<<16 | 'A'<<8 | 'T'
	verbRSET     = verb('R')<<24 | 'S'<<16 | 'E'<<8 | 'T'
	verbNOOP     = verb('N')<<24 | 'O'<<16 | 'O'<<8 | 'P'
	verbQUIT     = verb('Q')<<24 | 'U'<<16 | 'I'<<8 | 'T'
	verbVRFY     = verb('V')<<24 | 'R'<<16 | 'F'<<8 | 'Y'
	verbSTARTTLS = verb(1) // the only name of eight letters
	verbUnknown  = verb(0)
)

// splitVerb takes a command line apart; args are without the blanks around them.
func splitVerb(line []byte) (v verb, args []byte) {
	name := line
	if n := bytes.IndexByte(line, ' '); n >= 0 {
		name, args = line[:n], bytes.TrimSpace(line[n:])
	}
	if len(name) == 8 && bytes.EqualFold(name, []byte("STARTTLS")) {
		return verbSTARTTLS, args
	}
	if len(name) != 4 {
		return verbUnknown, args
	}
	for _, c := range name {
		v = v<<8 | verb(upper(c))
	}
	return v, args
}

// splitPath takes apart the arguments of MAIL or RCPT: the keyword with its colon,
// an address in angle brackets, parameters. strict is false when there was a blank
// before the bracket, which servers forgive and RFC 5321 §3.3 forbids.
func splitPath(args []byte, keyword string) (address, parameters []byte, strict, ok bool) {
	if len(args) < len(keyword) || !bytes.EqualFold(args[:len(keyword)], []byte(keyword)) {
		return nil, nil, false, false
	}
	path := args[len(keyword):]
	trimmed := bytes.TrimLeft(path, " ")
	strict = len(trimmed) == len(path)
	if len(trimmed) == 0 || trimmed[0] != '<' {
		return nil, nil, strict, false
	}
	end := closingBracket(trimmed)
	if end < 0 {
		return nil, nil, strict, false
	}
	rest := trimmed[end+1:]
	if len(rest) > 0 && rest[0] != ' ' {
		return nil, nil, strict, false
	}
	return trimmed[1:end], bytes.TrimSpace(rest), strict, true
}

// closingBracket finds the bracket that ends a path; one inside a quoted local part
// does not.
func closingBracket(path []byte) int {
	quoted := false
	for i := 1; i < len(path); i++ {
		switch c := path[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '>':
			return i
		case c == '<' || c == ' ':
			return -1
		}
	}
	return -1
}

// splitAddress returns the parts around the last @.
func splitAddress(address []byte) (local, domain []byte, ok bool) {
	n := bytes.LastIndexByte(address, '@')
	if n <= 0 || n == len(address)-1 {
		return nil, nil, false
	}
	return address[:n], address[n+1:], true
}

// chunkSize reads the arguments of BDAT (RFC 3030 §2).
func chunkSize(args []byte) (size int64, last, ok bool) {
	number, rest, more := bytes.Cut(args, []byte(" "))
	if more {
		last = bytes.EqualFold(bytes.TrimSpace(rest), []byte("LAST"))
		if !last {
			return 0, false, false
		}
	}
	size, err := strconv.ParseInt(string(number), 10, 64)
	return size, last, err == nil && size >= 0 && len(number) <= 20 && isDigits(number)
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// lower makes ASCII letters small, in place.
func lower(b []byte) {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
