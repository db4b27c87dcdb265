package message

import (
	"strings"
	"testing"
)

// benchmarkSource is a 15 KB message with three merge fields.
func benchmarkSource() Source {
	paragraph := "<p style=\"margin: 0 0 16px\">The quick brown fox jumps over the lazy dog, and “nobody” minds — 100 % of the time.</p>\n"
	return Source{
		From:    "Example News <news@example.org>",
		Subject: "News for {{ name | default: \"you\" }}",
		HTML: "<html><body><h1>Hello {{ name | default: \"there\" }}</h1>\n" +
			strings.Repeat(paragraph, 70) + `<p>{{ city }}</p><a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>`,
	}
}

func BenchmarkAppend(b *testing.B) {
	c := compile(b, benchmarkSource(), Options{ListName: "News", ListID: "news", Mailer: "Broadside"})
	r := recipient(map[string]any{"name": "Ann", "city": "Zürich", "age": 42, "plan": "gold"})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = c.Append(buf[:0], r); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkAppendBlock(b *testing.B) {
	src := benchmarkSource()
	src.HTML = strings.Replace(src.HTML, "{{ city }}", "{% if plan == \"gold\" %}{{ city | upcase }}{% else %}-{% endif %}", 1)
	c := compile(b, src, Options{})
	r := recipient(map[string]any{"name": "Ann", "city": "Zürich", "age": 42, "plan": "gold"})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = c.Append(buf[:0], r); err != nil {
			b.Fatal(err)
		}
	}
}
