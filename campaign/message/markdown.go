package message

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

//go:embed layout.html
var layout string

const layoutContent = "<!-- content -->"

// markdown makes the HTML of a Markdown template, in the default layout. HTML in the
// Markdown stays, and is checked like any other afterwards.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify),
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

// markdownHTML turns Markdown pieces into a marked HTML document with the same
// constructs. Marks would be percent-encoded in links, so the constructs pass
// through as words that Markdown leaves alone.
func markdownHTML(pieces []piece) (*marked, error) {
	source := newMarked(pieces)
	doc := &marked{constructs: source.constructs, markdown: source}
	prefix := wordPrefix(source.text)
	var src strings.Builder
	for _, r := range source.text {
		if isMark(r) {
			fmt.Fprintf(&src, "%s%dz", prefix, r-markFirst)
			continue
		}
		src.WriteRune(r)
	}
	var body bytes.Buffer
	if err := markdown.Convert([]byte(src.String()), &body); err != nil {
		return nil, fmt.Errorf("markdown: %w", err)
	}
	text := strings.Replace(layout, layoutContent, body.String(), 1)
	// A tag alone in its paragraph is no paragraph.
	text = regexp.MustCompile(`<p>(`+prefix+`\d+z)</p>`).ReplaceAllStringFunc(text, func(p string) string {
		if word := p[len("<p>") : len(p)-len("</p>")]; doc.construct(wordMark(word, prefix)).out == nil {
			return word
		}
		return p
	})
	doc.text = regexp.MustCompile(prefix+`\d+z`).ReplaceAllStringFunc(text, func(word string) string {
		return string(wordMark(word, prefix))
	})
	return doc, nil
}

func wordMark(word, prefix string) rune {
	n, _ := strconv.Atoi(word[len(prefix) : len(word)-1])
	return markFirst + rune(n)
}

// wordPrefix returns a word that does not occur in text.
func wordPrefix(text string) string {
	for n := 0; ; n++ {
		if prefix := fmt.Sprintf("zq%dq", n); !strings.Contains(text, prefix) {
			return prefix
		}
	}
}
