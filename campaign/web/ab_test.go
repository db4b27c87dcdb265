package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// A test is written beside A, each variant is seen and sent as it will be, what is wrong
// with it is said, and what is emptied is gone.
func TestABTestIsComposed(t *testing.T) {
	w := newWorld(t)
	w.subscribe("ann@example.org", `{"name":"Ann"}`, "harbour")
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	fields := func(more ...string) []string {
		base := draft(w.admin.version(path), "lists", "harbour")
		base = append(base, "ab_share", "25", "ab_winner", "clicks", "ab_after", "2", "ab_unit", "days")
		return append(base, more...)
	}
	s := w.admin.save(path+"/draft", http.StatusOK, fields("ab_subject", "", "ab_subject", "Look outside", "ab_from_name", "", "ab_from_name", "Bea", "ab_content", "", "ab_content", "", "ab_content", "# Only C {{ nmae }}")...)
	if !strings.Contains(fmt.Sprint(s.Findings), "variant C, markdown") {
		t.Errorf("findings %+v", s.Findings)
	}
	stored := func() campaign.ABTest {
		t.Helper()
		c, err := w.db.CampaignByName(t.Context(), "Spring")
		if err != nil {
			t.Fatal(err)
		}
		return c.Spec.AB
	}
	if ab := stored(); ab.Share != 25 || ab.Winner != campaign.ByClicks || time.Duration(ab.After) != 48*time.Hour || len(ab.Variants) != 2 || ab.Variants[0] != (campaign.Alternative{Subject: "Look outside", FromName: "Bea"}) {
		t.Errorf("stored %+v", ab)
	}
	if text := w.admin.get(path+"/inbox?variant=B", http.StatusOK); !strings.Contains(text, "Look outside") || !strings.Contains(text, "Bea") {
		t.Errorf("B is %s", text)
	}
	w.admin.get(path+"/preview?variant=B", http.StatusOK)
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `value="Look outside"`) || !strings.Contains(text, "# Only C") {
		t.Error("the page does not show what was written")
	}
	if text := w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, "25 % test A, B and C; clicks decide after 48h what the rest gets") || !strings.Contains(text, "Variant C") {
		t.Error("the review does not tell of the test")
	}
	for field, value := range map[string]string{"ab_share": "many", "ab_after": "soon"} {
		bad := fields("ab_subject", "Look outside")
		for i := 0; i < len(bad); i += 2 {
			if bad[i] == field {
				bad[i+1] = value
			}
		}
		if s := w.admin.save(path+"/draft", http.StatusConflict, bad...); s.Problem == "" {
			t.Errorf("%s %q is taken", field, value)
		}
	}
	w.admin.save(path+"/draft", http.StatusOK, fields("ab_subject", "", "ab_format", "text", "ab_content", "Only plain words")...)
	if ab := stored(); len(ab.Variants) != 1 || ab.Variants[0] != (campaign.Alternative{Text: "Only plain words"}) {
		t.Errorf("stored %+v", ab)
	}
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, "Only plain words</textarea>") || !strings.Contains(text, `<option value="text" selected>`) {
		t.Error("the page does not show a version that is text only")
	}
	w.admin.save(path+"/draft", http.StatusOK, fields("ab_subject", "")...)
	if ab := stored(); ab.On() {
		t.Errorf("what was emptied is still there: %+v", ab)
	}
}

// While the page is open its slots stay where they are: whichever are emptied, filled and
// saved meanwhile, each has what was written in it, its plain text too, and no other has it.
func TestSlotsKeepWhatIsTheirs(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	none := campaign.Alternative{}
	b := campaign.Alternative{Subject: "Only another subject"}
	c := campaign.Alternative{Markdown: "# C", Text: "C in words"}
	d := campaign.Alternative{Subject: "D", HTML: "<p>D</p>", Text: "D in words"}
	words := campaign.Alternative{Preheader: "p", FromName: "Bea", Text: "Words alone"}
	for _, step := range []struct{ slots, stored []campaign.Alternative }{
		{[]campaign.Alternative{b, c, d}, []campaign.Alternative{b, c, d}},
		{[]campaign.Alternative{none, c, d}, []campaign.Alternative{c, d}},
		{[]campaign.Alternative{none, c, d}, []campaign.Alternative{c, d}},
		{[]campaign.Alternative{none, none, d}, []campaign.Alternative{d}},
		{[]campaign.Alternative{none, b, d}, []campaign.Alternative{b, d}},
		{[]campaign.Alternative{words, b, d}, []campaign.Alternative{words, b, d}},
		{[]campaign.Alternative{words, none, b}, []campaign.Alternative{words, b}},
		{[]campaign.Alternative{none, none, none}, nil},
	} {
		form := append(draft(w.admin.version(path)), "ab_share", "20", "ab_winner", "opens", "ab_after", "4", "ab_unit", "hours")
		for _, s := range step.slots {
			format, content, plain := "markdown", s.Markdown, s.Text
			switch {
			case s.HTML != "":
				format, content = "html", s.HTML
			case s.Markdown == "" && s.Text != "":
				format, content, plain = "text", s.Text, ""
			}
			form = append(form, "ab_subject", s.Subject, "ab_preheader", s.Preheader, "ab_from_name", s.FromName, "ab_format", format, "ab_content", content, "ab_text", plain)
		}
		w.admin.save(path+"/draft", http.StatusOK, form...)
		saved, err := w.db.CampaignByName(t.Context(), "Spring")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(saved.Spec.AB.Variants, step.stored) {
			t.Errorf("the slots\n%+v\nare stored as\n%+v", step.slots, saved.Spec.AB.Variants)
		}
		text := w.admin.get(path, http.StatusOK)
		for _, s := range step.stored {
			for _, words := range []string{s.Subject, s.Markdown, s.Text} {
				if !strings.Contains(text, words) {
					t.Errorf("the page does not show %q", words)
				}
			}
		}
	}
}

// The page of a run shows how the variants do, and whoever may send ends the test.
func TestWinnerPage(t *testing.T) {
	w := newWorld(t)
	w.subscribe("ann@example.org", `{"name":"Ann"}`, "harbour")
	spec := campaign.Spec{Name: "Spring", Lists: []string{"harbour"}}
	spec.Subject, spec.AB = "Hello", campaign.ABTest{Share: 50, Winner: campaign.ByOpens, After: campaign.Duration(time.Hour), Variants: []campaign.Alternative{{Subject: "<b>Good day</b>"}}}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := w.db.CreateCampaign(t.Context(), spec, time.Now())
	ok(err)
	run, err := w.db.CreateRun(t.Context(), c, campaign.RunRunning, time.Now(), time.Now())
	ok(err)
	_, err = w.db.FreezeWaves(t.Context(), run.ID, campaign.Waves{Kind: campaign.ABWaves, Share: 500_000})
	ok(err)
	rows := []campaign.NewRecipient{{Lane: 1, Contact: 1, Wave: 1, Tested: true, Variant: campaign.VariantA}, {Lane: 1, Contact: 2, Wave: 2, Tested: true}}
	ok(w.db.AppendRecipients(t.Context(), run.ID, 0, 2, rows, true))
	path := fmt.Sprintf("/runs/%d", run.ID)
	text := w.admin.get(path, http.StatusOK)
	for _, want := range []string{"50 % test A and B; openings decide after 1h what the rest gets", "&lt;b&gt;Good day", "Send B to the rest", "End the test now", "waits for the winner"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if !strings.Contains(text, "Its time begins when everybody in the test was tried.") || !strings.Contains(text, "data-notime") {
		t.Error("the page knows when it is decided before the test has begun")
	}
	ok(w.db.SetWavesDue(t.Context(), run.ID, time.Now().Add(time.Hour)))
	if text = w.admin.get(path, http.StatusOK); !strings.Contains(text, "It is decided ") || strings.Contains(text, "data-notime") {
		t.Error("the page does not say when it is decided, or waits to hear it")
	}
	w.as("author").post(path+"/winner", http.StatusForbidden, "variant", "B")
	w.admin.post(path+"/winner", http.StatusUnprocessableEntity, "variant", "X")
	w.admin.post(path+"/winner", http.StatusSeeOther, "variant", "B")
	w.admin.post(path+"/winner", http.StatusConflict, "variant", "A")
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, "B won.") || strings.Contains(text, "Send B to the rest") {
		t.Errorf("the page does not say who won:\n%s", text)
	}
}
