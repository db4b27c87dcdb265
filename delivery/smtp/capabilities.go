package smtp

import (
	"strconv"
	"strings"
)

// Capabilities is what a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).
// The zero value is a server that knows only HELO.
type Capabilities struct {
	Pipelining          bool // RFC 2920
	Chunking            bool // RFC 3030
	EightBitMIME        bool // RFC 6152
	SMTPUTF8            bool // RFC 6531
	StartTLS            bool // RFC 3207
	DSN                 bool // RFC 3461
	EnhancedStatusCodes bool // RFC 2034
	Size                bool // RFC 1870
	// MaxSize is the largest message in octets, 0 when there is no fixed limit.
	MaxSize int64
	// Auth lists the mechanisms of RFC 4954 in upper case.
	Auth []string
	// MailMax is the number of MAIL commands a session may see, RcptMax the number
	// of recipients of a transaction (RFC 9422); 0 when not limited.
	MailMax, RcptMax int
}

// parseCapabilities reads the text of a reply to EHLO, one line per extension after
// the first, which names the server. What it can't understand it passes over.
func parseCapabilities(text []byte) Capabilities {
	var c Capabilities
	_, rest, _ := strings.Cut(string(text), "\n")
	for line := range strings.Lines(rest) {
		// Servers from before RFC 2554 write "AUTH=LOGIN".
		line = strings.Replace(line, "AUTH=", "AUTH ", 1)
		fields := strings.Fields(strings.ToUpper(line))
		if len(fields) == 0 {
			continue
		}
		c.add(fields[0], fields[1:])
	}
	return c
}

func (c *Capabilities) add(keyword string, params []string) {
	switch keyword {
	case "PIPELINING":
		c.Pipelining = true
	case "CHUNKING":
		c.Chunking = true
	case "8BITMIME":
		c.EightBitMIME = true
	case "SMTPUTF8":
		c.SMTPUTF8 = true
	case "STARTTLS":
		c.StartTLS = true
	case "DSN":
		c.DSN = true
	case "ENHANCEDSTATUSCODES":
		c.EnhancedStatusCodes = true
	case "SIZE":
		c.Size = true
		if len(params) > 0 && digits([]byte(params[0])) {
			c.MaxSize, _ = strconv.ParseInt(params[0], 10, 64)
		}
	case "AUTH":
		c.Auth = append(c.Auth, params...)
	case "LIMITS":
		for _, p := range params {
			c.limit(p)
		}
	}
}

// limit takes one "NAME=value" of LIMITS. A value is one to six digits without a
// leading zero; any other is ignored (RFC 9422 §4).
func (c *Capabilities) limit(param string) {
	name, value, _ := strings.Cut(param, "=")
	if value == "" || len(value) > 6 || value[0] == '0' || !digits([]byte(value)) {
		return
	}
	n, _ := strconv.Atoi(value)
	switch name {
	case "MAILMAX":
		c.MailMax = n
	case "RCPTMAX":
		c.RcptMax = n
	}
}
