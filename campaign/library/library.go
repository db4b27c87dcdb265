// Package library has the texts that come with the program for people to begin with. They
// are in texts, Markdown and HTML, each with a few lines of what it is before it; the
// package keeps nothing else, and nobody changes them but with a release.
package library

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// Text is one of them.
type Text struct {
	Key                string // small letters
	Name, Means        string
	Subject, Preheader string
	HTML, Markdown     string // one of them
}

//go:embed texts
var files embed.FS

// order is how they are offered.
var order = []string{"newsletter.md", "announcement.md", "invitation.md", "letter.md", "offer.html", "digest.html"}

// Texts returns all texts, the most usual first.
var Texts = sync.OnceValue(func() []Text {
	texts := make([]Text, len(order))
	for i, name := range order {
		data, err := fs.ReadFile(files, path.Join("texts", name))
		if err == nil {
			texts[i], err = read(name, string(data))
		}
		if err != nil {
			panic(fmt.Sprintf("library: %s: %v", name, err)) // they are part of the program
		}
	}
	return texts
})

// read takes a file apart: lines of a key and its value, an empty line, and the text.
func read(name, data string) (Text, error) {
	ext := path.Ext(name)
	t := Text{Key: strings.TrimSuffix(name, ext)}
	head, body, ok := strings.Cut(data, "\n\n")
	if !ok {
		return t, fmt.Errorf("there is no empty line before the text")
	}
	fields := map[string]*string{"name": &t.Name, "means": &t.Means, "subject": &t.Subject, "preheader": &t.Preheader}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(line, ":")
		if fields[key] == nil {
			return t, fmt.Errorf("unknown line %q", line)
		}
		*fields[key] = strings.TrimSpace(value)
	}
	if t.HTML = body; ext == ".md" {
		t.HTML, t.Markdown = "", body
	}
	return t, nil
}
