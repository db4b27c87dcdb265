package smtp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"broadside/campaign/message"
)

// ends are the line ends that one server takes for the end of a message and another
// does not (CVE-2023-51764, -51765, -51766).
var ends = []string{"\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n"}

// smuggled is a second message, for whoever believes that the first has ended.
const smuggled = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n"

// S5: whatever is in a message, exactly one arrives at servers that others wrote, also
// at one that ends messages at bare LFs.
func TestReceiversAreNotSmuggledTo(t *testing.T) {
	t.Parallel()
	for _, server := range receivers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			r := server.start(t)
			ways := []string{"two trips", "one trip"}
			if _, ok := r.ways["lax"]; ok {
				ways = append(ways, "lax")
			}
			for _, way := range ways {
				t.Run("body and header, "+way, func(t *testing.T) { smuggleRaw(t, r, way) })
				t.Run("merge fields, "+way, func(t *testing.T) { smuggleMerged(t, r, way) })
			}
		})
	}
}

// smuggleRaw hands such messages to a session: none of them reaches the wire.
func smuggleRaw(t *testing.T, r *receiver, way string) {
	s := r.session(t, way, NoTLS)
	for _, end := range ends {
		for _, msg := range []net.Buffers{
			buffers("Subject: body\r\n\r\nhi" + end + smuggled),
			buffers("Subject: cut\r\n\r\nhi"+end[:1], end[1:2], end[2:], smuggled),
			buffers("Subject: header" + end + smuggled + "\r\nhi\r\n"),
			buffers("Subject: end\r\n\r\nhi" + end),
		} {
			if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, msg); result.Failure != Invalid || s.Sent() != 0 {
				t.Errorf("%q: %v", end, result)
			}
		}
	}
	msg := numbered(0, "\r\n.\r\n.\r\n")
	if result := s.Send(t.Context(), Envelope{To: "ann@example.net"}, msg); !result.OK() {
		t.Error(result)
	}
	r.compare(t, []net.Buffers{msg})
}

// smuggleMerged puts them where people of a list, and those who write to it, can put
// something: a message is made without them, or not at all.
func smuggleMerged(t *testing.T, r *receiver, way string) {
	s := r.session(t, way, NoTLS)
	sent := 0
	for _, end := range ends {
		attack := "hi" + end + smuggled
		for name, src := range map[string]message.Source{
			"subject":  {Subject: "Hello {{ v }}", Text: "x"},
			"text":     {Subject: "x", Text: "Hello {{ v }}\n"},
			"HTML":     {Subject: "x", HTML: "<p>Hello {{ v }}</p><pre>{{ v }}</pre>"},
			"markdown": {Subject: "x", Markdown: "Hello *{{ v }}*"},
			"writer":   {Subject: "x", Text: attack, HTML: "<p>" + attack + "</p>"},
			"file": {Subject: "x", Text: "x", Attachments: []message.File{
				{Name: "a.txt", Type: "text/plain", Data: []byte(attack)}}},
			"file's name": {Subject: "x", Text: "x", Attachments: []message.File{{Name: "a" + attack, Data: []byte("x")}}},
		} {
			src.From = "News <news@example.org>"
			content, err := message.Compile(src, message.Options{})
			if err != nil {
				continue // refused before anybody is sent to
			}
			attributes, err := json.Marshal(map[string]string{"v": attack})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := content.Append(nil, &message.Recipient{
				Email: "ann@example.net", Attributes: attributes, MessageID: fmt.Sprintf("%d@example.org", sent), Date: time.Now(),
			})
			if err != nil {
				continue // refused for this recipient
			}
			if result := s.Send(t.Context(), Envelope{From: "news@example.org", To: "ann@example.net"}, net.Buffers{raw}); !result.OK() {
				t.Errorf("%s, %q: %v", name, end, result)
			}
			sent++
		}
	}
	if sent < 4*len(ends) {
		t.Errorf("%d messages were sent: the others were refused before they could prove anything", sent)
	}
	for _, got := range r.arrived(t, sent) {
		if header, _, _ := strings.Cut(got, "\r\n\r\n"); !strings.Contains(header, "\r\nFrom: News <news@example.org>\r\n") {
			t.Errorf("a smuggled message arrived:\n%s", got)
		}
	}
}

// S5, the check has teeth: what our session refuses to send is two messages to a server that
// believes it, and none to one that is hardened.
func TestSmugglingIsReal(t *testing.T) {
	t.Parallel()
	r := startPostfix(t)
	sendRaw := func(way string) {
		conn, err := net.Dial("tcp", r.ways[way].String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		in := bufio.NewReader(conn)
		for _, text := range []string{
			"EHLO out.example.org\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<ann@example.net>\r\n", "DATA\r\n",
			"Subject: first\r\n\r\nhi\n.\n" + smuggled,
		} {
			for { // the reply to what came before
				line, err := in.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line[3] == ' ' {
					break
				}
			}
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
		}
		io.WriteString(conn, "QUIT\r\n")
		io.Copy(io.Discard, in)
	}
	sendRaw("lax")
	r.arrived(t, 2)
	sendRaw("one trip")
	r.arrived(t, 0)
}
