package message

import (
	"bytes"
	"strconv"
	"sync"
	"testing"
)

// A content is used by many senders at once.
func TestConcurrentAppend(t *testing.T) {
	c := compile(t, Source{
		Subject: "Hi {{ n }}",
		HTML:    "<p>{{ n }}{% if n > 3 %}{{ n | plus: 1 }}{% endif %}{% assign m = n %}{{ m }}</p>",
	}, Options{})
	want := make([][]byte, 8)
	for n := range want {
		want[n] = build(t, c, recipient(map[string]any{"n": n}))
		if !bytes.Contains(want[n], []byte("Subject: Hi "+strconv.Itoa(n)+"\r\n")) {
			t.Fatalf("message %d:\n%s", n, want[n])
		}
	}
	var wg sync.WaitGroup
	for n := range want {
		wg.Go(func() {
			r := recipient(map[string]any{"n": n})
			var buf []byte
			for range 50 {
				var err error
				if buf, err = c.Append(buf[:0], r); err != nil || !bytes.Equal(buf, want[n]) {
					t.Errorf("message %d: %v\n%s", n, err, buf)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Append goes on after what dst has, and leaves nothing of a recipient behind.
func TestAppendToBuffer(t *testing.T) {
	c := compile(t, Source{Text: `{{ a | default: "none" }} {{ email }}`}, Options{})
	first := build(t, c, recipient(map[string]any{"a": "secret"}))
	second, err := c.Append(first, recipient(nil))
	if err != nil || !bytes.HasPrefix(second, first) {
		t.Fatalf("%v: the buffer was changed", err)
	}
	if rest := second[len(first):]; bytes.Contains(rest, []byte("secret")) || !bytes.Contains(rest, []byte("none")) {
		t.Errorf("the second message:\n%s", rest)
	}
	if again := build(t, c, recipient(map[string]any{"a": "secret"})); !bytes.Equal(again, first) {
		t.Error("the same recipient gets another message") // M2: retries are the same
	}
}
