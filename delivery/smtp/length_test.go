package smtp

import (
	"net"
	"strings"
	"testing"
	"time"

	"broadside/campaign/message"
)

// S6: a command without the parameters of extensions fits into 512 octets, whatever the
// addresses that are let through.
func TestCommandsAreShort(t *testing.T) {
	longest := strings.Repeat("x", 64) + "@" + strings.Repeat("y.", 94) + "y"
	if flaw := checkPath(longest); flaw != "" || len(longest) != 254 {
		t.Fatalf("%q of %d octets is not the longest path", flaw, len(longest))
	}
	m := &mail{env: Envelope{From: longest, To: longest, EnvelopeID: "id", DSN: NotifyNever}}
	for _, line := range [][]byte{appendMail(nil, m, &Capabilities{}), appendRcpt(nil, m, &Capabilities{})} {
		if len(line) > 512 {
			t.Errorf("%d octets: %s", len(line), line)
		}
	}
	if !validHello(strings.Repeat("h", 255)) || validHello(strings.Repeat("h", 256)) {
		t.Error("EHLO takes names of up to 255 octets")
	}
}

// S6: 10 kB of HTML on one line leave in lines that a session takes, and a line that is
// too long is refused before anything is sent.
func TestLongLinesOfHTML(t *testing.T) {
	content, err := message.Compile(message.Source{
		From: "News <news@example.org>", Subject: "x", HTML: "<p>" + strings.Repeat("word ", 2_000) + strings.Repeat("W", 10_000) + "</p>",
	}, message.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := content.Append(nil, &message.Recipient{Email: "ann@example.net", MessageID: "1@example.org", Date: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if got := inspect(net.Buffers{raw}); got.flaw != "" || got.size < 20_000 {
		t.Errorf("%q in %d octets", got.flaw, got.size)
	}
	if got := inspect(buffers("\r\n", "<p>"+strings.Repeat("word ", 2_000)+"</p>\r\n")); got.flaw == "" {
		t.Error("a line of 10 kB would be sent")
	}
}
