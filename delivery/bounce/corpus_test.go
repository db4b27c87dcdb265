package bounce

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"broadside/campaign"
)

var update = flag.Bool("update", false, "write the golden file")

// What each kind of message in the corpus must come to, by the first word of its name.
// Nobody is suppressed but by the first two and by complaints.
var meant = map[string]struct {
	kind    Kind
	follows campaign.FeedbackKind // 0: nothing
}{
	"unknown":   {Failed, campaign.HardBounce},
	"nodomain":  {Failed, campaign.HardBounce},
	"full":      {Failed, campaign.SoftBounce},
	"expired":   {Failed, campaign.SoftBounce},
	"policy":    {Failed, campaign.Refusal},
	"blocked":   {Failed, campaign.Refusal},
	"delayed":   {Delayed, 0},
	"auto":      {AutoReply, 0},
	"complaint": {Complained, campaign.Complaint},
	"other":     {Unrecognised, 0},
}

// B1, B2, B4, B5: the formats of many MTAs and providers, each file one's: what became
// of the message, and the details beside the golden file.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var golden strings.Builder
	messages := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, f := range archive.Files {
			messages++
			name := from + "/" + f.Name
			r := Parse(f.Data)
			fmt.Fprintf(&golden, "%s: %s, %s, %d %s, %s\n", name, r.Kind, r.Reason, r.Code, r.Status, r.Recipient)
			word, _, _ := strings.Cut(f.Name, "-")
			want, ok := meant[word]
			if !ok {
				t.Errorf("%s: nobody says what it means", name)
				continue
			}
			follows, _ := r.Feedback()
			if r.Kind != want.kind || follows != want.follows {
				t.Errorf("%s: %s, %s; want %s, %s\n%+v", name, r.Kind, follows, want.kind, want.follows, r)
			}
			if word != "auto" && word != "other" && word != "complaint" && !strings.HasPrefix(r.Recipient, "ann@") {
				t.Errorf("%s is about %q", name, r.Recipient)
			}
		}
	}
	if messages < 200 || len(files) < 40 {
		t.Errorf("%d messages of %d: files were cut", messages, len(files))
	}
	const goldenFile = "testdata/corpus/golden.txt"
	if *update {
		if err := os.WriteFile(goldenFile, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(was), "\n")
	for i, line := range strings.Split(golden.String(), "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("golden.txt:%d:\n got %s\nwant %s", i+1, line, want[min(i, len(want)-1)])
		}
	}
}
