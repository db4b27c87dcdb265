package locale

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

var placeholder = regexp.MustCompile(`\{\w*\}`)

// Every language says everything, with the same values in it; every file is used.
func TestLanguagesSayTheSame(t *testing.T) {
	found, err := fs.Glob(files, "*.toml")
	if err != nil || len(found) != len(languages) {
		t.Errorf("%d languages of the files %v (%v)", len(languages), found, err)
	}
	holes := func(text string) []string {
		names := placeholder.FindAllString(text, -1)
		slices.Sort(names)
		return names
	}
	first := languages[0]
	for _, w := range languages {
		if w.Name == "" {
			t.Errorf("%s has no name", w.Tag)
		}
		for key, text := range w.text {
			if _, ok := first.text[key]; !ok {
				t.Errorf("%s has %q, %s has not", w.Tag, key, first.Tag)
			}
			if text == "" {
				t.Errorf("%s says nothing for %q", w.Tag, key)
			}
		}
		for key, text := range first.text {
			if got := holes(w.text[key]); !slices.Equal(got, holes(text)) {
				t.Errorf("%s, %q: placeholders %v, want %v", w.Tag, key, got, holes(text))
			}
		}
	}
}

func TestSay(t *testing.T) {
	w := Choose("en")
	for _, test := range []struct{ said, want string }{
		{w.Say("left/title"), "You are unsubscribed"},
		{w.Say("left/text", "list", "{address} & Co"), "You will get no more mail from {address} & Co."},
		{w.Say("no/such"), "no/such"},
	} {
		if test.said != test.want {
			t.Errorf("%q, want %q", test.said, test.want)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		wishes []string
		want   string
	}{
		{nil, "en"},
		{[]string{"zh"}, "zh"},
		{[]string{"zh_CN"}, "zh"},
		{[]string{"zh-Hans-SG"}, "zh"},
		{[]string{"", "zh-CN,zh;q=0.9,en;q=0.8"}, "zh"},
		{[]string{"en-GB", "zh"}, "en"},
		{[]string{"fr", "zh"}, "zh"},              // a wish that nobody can fulfil leaves room for the next
		{[]string{"fr-CA, zh;q=0.5"}, "zh"},       //
		{[]string{"Klingon!", "zh-TW"}, "zh"},     // one that is no language, too
		{[]string{"de-DE,de;q=0.9"}, "en"},        //
		{[]string{"\x00\xff", "*", ",;q="}, "en"}, //
	} {
		if got := Choose(test.wishes...).Tag; got != test.want {
			t.Errorf("Choose(%q) is %s, want %s", test.wishes, got, test.want)
		}
	}
}

func TestWish(t *testing.T) {
	for attributes, want := range map[string]string{
		`{}`: "", ``: "", `{"language":"zh"}`: "zh", `{"locale":"zh_CN","age":3}`: "zh_CN",
		`{"language":"","locale":"en"}`: "en", `{"language":7,"locale":null}`: "",
	} {
		if got := Wish([]byte(attributes)); got != want {
			t.Errorf("Wish(%s) is %q, want %q", attributes, got, want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("zh-CN,zh;q=0.9,en;q=0.8")
	f.Add("*;q=0")
	f.Fuzz(func(t *testing.T, wish string) {
		if Choose(wish) == nil {
			t.Errorf("%q has no words", wish)
		}
	})
}
