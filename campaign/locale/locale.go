// Package locale has the words that recipients read on pages and in mail of our own, in
// their languages. Each language is one file, embedded here; a further one needs no code.
// The package keeps nothing else.
package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed *.toml
var files embed.FS

// Words are what is said in one language.
type Words struct {
	Tag  string // BCP 47, the name of the file
	Name string // as its speakers call it
	text map[string]string
}

// The languages, the first of which everybody gets who speaks none of them.
var (
	languages = read("en", "zh")
	matcher   = language.NewMatcher(tags())
)

// Languages lists what there is; the first is the one that is used when none fits.
func Languages() []*Words { return slices.Clone(languages) }

func tags() (tags []language.Tag) {
	for _, w := range languages {
		tags = append(tags, language.MustParse(w.Tag))
	}
	return tags
}

func read(names ...string) (all []*Words) {
	for _, name := range names {
		file, err := files.ReadFile(name + ".toml")
		if err != nil {
			panic(err) // it is embedded
		}
		var sections map[string]map[string]string
		if err := toml.Unmarshal(file, &sections); err != nil {
			panic(fmt.Sprintf("locale %s: %v", name, err)) // a test reads them all
		}
		w := &Words{Tag: name, text: map[string]string{}}
		for section, words := range sections {
			for key, text := range words {
				w.text[path.Join(section, key)] = text
			}
		}
		w.Name = w.text["language/name"]
		all = append(all, w)
	}
	return all
}

// Say returns the text of a key, such as "left/title", with its placeholders filled in:
// "list", name puts name in the place of {list}. A key that there are no words for is
// said itself.
func (w *Words) Say(key string, pairs ...string) string {
	text, ok := w.text[key]
	if !ok {
		return key
	}
	if len(pairs) == 0 {
		return text
	}
	replacements := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		replacements[i], replacements[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(replacements...).Replace(text)
}

// Choose returns the words of the first wish that there are words for. A wish is a
// language as people and programs write it ("zh", "zh_CN") or an Accept-Language field
// (RFC 9110 §12.5.4); an empty one is none.
func Choose(wishes ...string) *Words {
	for _, wish := range wishes {
		found, _, err := language.ParseAcceptLanguage(strings.ReplaceAll(wish, "_", "-"))
		if err != nil || len(found) == 0 {
			continue
		}
		if _, i, confidence := matcher.Match(found...); confidence > language.No {
			return languages[i]
		}
	}
	return languages[0]
}

// Wish is the language that a contact's attributes (a JSON object) name, in language or
// locale; "" when they name none.
func Wish(attributes []byte) string {
	var named map[string]any
	if json.Unmarshal(attributes, &named) != nil {
		return ""
	}
	for _, name := range []string{"language", "locale"} {
		if wish, ok := named[name].(string); ok && wish != "" {
			return wish
		}
	}
	return ""
}
