package campaign

import (
	"math"
	"strings"
	"testing"
	"time"

	"broadside/campaign/message"
)

func letters(n int) []Alternative {
	var all []Alternative
	for i := range n {
		all = append(all, Alternative{Subject: strings.Repeat("!", i+1)})
	}
	return all
}

// Who gets what is the same whenever it is asked, in the shares that were asked for, and
// no neighbour's in the list.
func TestVariantOf(t *testing.T) {
	const people = 100_000
	for _, test := range []ABTest{
		{}, {Share: 20, Variants: letters(1)}, {Share: 1, Variants: letters(3)}, {Share: 100, Variants: letters(2)}, {Share: 50, Variants: letters(3)},
	} {
		got := map[Variant]int{}
		together := 0
		for c := range ContactID(people) {
			v := test.VariantOf(7, c+1)
			got[v]++
			if v == test.VariantOf(7, c+2) {
				together++
			}
			if test.VariantOf(7, c+1) != v {
				t.Fatalf("contact %d has two variants", c+1)
			}
		}
		n := len(test.Variants) + 1
		for v := range Variant(n + 1) {
			want := float64(people) * float64(test.Share) / 100 / float64(n)
			if v == NoVariant {
				want = people * (1 - float64(test.Share)/100)
			}
			if !test.On() {
				want = map[Variant]float64{NoVariant: people}[v]
			}
			if d := math.Abs(float64(got[v]) - want); d > 5*math.Sqrt(want)+1 {
				t.Errorf("%d %%, %d variants: %q has %d, want about %.0f", test.Share, n, v, got[v], want)
			}
		}
		if test.Share == 100 && together > people/n+people/20 {
			t.Errorf("%d neighbours of %d have the same variant", together, people)
		}
	}
	test := ABTest{Share: 100, Variants: letters(1)}
	same := 0
	for c := range ContactID(people) {
		if test.VariantOf(7, c+1) == test.VariantOf(8, c+1) {
			same++
		}
	}
	if same < people*48/100 || same > people*52/100 {
		t.Errorf("%d of %d have the same variant in the next run", same, people)
	}
}

func TestSpecAs(t *testing.T) {
	base := Spec{Source: message.Source{From: `Anna <anna@example.org>`, Subject: "A", Preheader: "a", HTML: "<p>a</p>", Text: "a"}}
	base.AB.Variants = []Alternative{{Subject: "B"}, {FromName: `Böb "B", Inc \ Co`, Preheader: "c"}, {Markdown: "# D"}}
	for v, want := range map[Variant]message.Source{
		NoVariant: base.Source, VariantA: base.Source, 9: base.Source,
		2: {From: base.From, Subject: "B", Preheader: "a", HTML: "<p>a</p>", Text: "a"},
		3: {From: `"Böb \"B\", Inc \\ Co" <anna@example.org>`, Subject: "A", Preheader: "c", HTML: "<p>a</p>", Text: "a"},
		4: {From: base.From, Subject: "A", Preheader: "a", Markdown: "# D"},
	} {
		if got := base.As(v).Source; got.From != want.From || got.Subject != want.Subject || got.Preheader != want.Preheader || got.HTML != want.HTML || got.Markdown != want.Markdown || got.Text != want.Text {
			t.Errorf("as %d:\n got %+v\nwant %+v", v, got, want)
		}
		if problem := mailboxProblem(base.As(v).From); problem != "" {
			t.Errorf("as %d: %s", v, problem)
		}
	}
	if _, err := base.Pick("e"); err == nil {
		t.Error("there is a variant e")
	}
	if d, err := base.Pick("d"); err != nil || d.Markdown != "# D" {
		t.Errorf("as d: %+v, %v", d.Source, err)
	}
}

func TestABTestValidate(t *testing.T) {
	hours := func(n int) Duration { return Duration(n) * Duration(time.Hour) }
	for _, c := range []struct {
		test ABTest
		want string // of the problem; "" for none
	}{
		{ABTest{}, ""}, {ABTest{Share: 300}, ""}, {ABTest{Variants: letters(3)}, ""},
		{ABTest{Share: 100, Variants: letters(1)}, ""}, {ABTest{Winner: ByChoice, Variants: letters(1)}, ""},
		{ABTest{Share: 101, Variants: letters(1)}, "ab.share: "}, {ABTest{Share: -1, Variants: letters(1)}, "ab.share: "},
		{ABTest{Variants: letters(4)}, "ab.variants: "}, {ABTest{Winner: "luck", Variants: letters(1)}, "ab.winner: "},
		{ABTest{Share: 100, Winner: ByOpens, Variants: letters(1)}, "ab.winner: "},
		{ABTest{Winner: ByChoice, After: hours(1), Variants: letters(1)}, "ab.after: "},
		{ABTest{After: Duration(time.Minute), Variants: letters(1)}, "ab.after: "}, {ABTest{After: hours(200), Variants: letters(1)}, "ab.after: must be between 10m and 168h, but is 200h"},
		{ABTest{Variants: []Alternative{{}}}, "variant B: is the same as A"},
		{ABTest{Variants: []Alternative{{Subject: "x"}, {Subject: "x"}}}, "variant C: is the same as B"},
		{ABTest{Variants: []Alternative{{HTML: "x", Markdown: "x"}}}, "variant B, markdown: "},
		{ABTest{Variants: []Alternative{{FromName: "x\r\nBcc: y"}}}, "variant B, from_name: "},
	} {
		err := c.test.withDefaults().Validate()
		if (err != nil) != (c.want != "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.test, err, c.want)
		}
	}
}

func TestDecide(t *testing.T) {
	e := func(v Variant, accepted, opens int64) ABEvidence {
		return ABEvidence{Variant: v, Accepted: accepted, Opens: opens, Clicks: 7}
	}
	for _, c := range []struct {
		all  []ABEvidence
		rule ABRule
		want Variant
		says string
	}{
		{[]ABEvidence{e(1, 1000, 200), e(2, 1000, 300)}, ByOpens, 2, "30.0 % of B were opened, 20.0 % of A."},
		{[]ABEvidence{e(1, 1000, 300), e(2, 1000, 200)}, ByOpens, 1, "30.0 % of A were opened, more than of any other."},
		{[]ABEvidence{e(1, 1000, 200), e(2, 1000, 210), e(3, 1000, 260)}, ByOpens, 3, "26.0 % of C were opened, 20.0 % of A."},
		{[]ABEvidence{e(1, 1000, 200), e(2, 1000, 201)}, ByOpens, 1, "Too little evidence: 20.1 % of B were opened, 20.0 % of A, which may be chance. A goes on."},
		{[]ABEvidence{e(1, 1000, 200), e(2, 1000, 200)}, ByOpens, 1, "A tie: 20.0 % of A were opened, and as many of another. A goes on."},
		{[]ABEvidence{e(1, 1000, 100), e(2, 1000, 300), e(3, 1000, 300)}, ByOpens, 2, "30.0 % of B were opened, 10.0 % of A; as many of another, and the earlier letter goes on."},
		{[]ABEvidence{e(1, 1000, 200), e(2, 1000, 300)}, ByClicks, 1, "A tie: 0.7 % of A were clicked in, and as many of another. A goes on."},
		{[]ABEvidence{e(1, 10, 0), e(2, 10, 9)}, ByOpens, 1, "Too little evidence: 90.0 % of B were opened, 0.0 % of A, which may be chance. A goes on."},
		{[]ABEvidence{e(1, 0, 0), e(2, 1000, 300)}, ByOpens, 1, "Too little evidence: 30.0 % of B were opened, 0.0 % of A, which may be chance. A goes on."},
		{[]ABEvidence{e(1, 0, 0), e(2, 0, 0)}, ByOpens, 1, "Too little evidence: nothing was counted. A goes on."},
		{[]ABEvidence{e(1, 100, 120), e(2, 100, 180)}, ByOpens, 2, "180.0 % of B were opened, 120.0 % of A."}, // where nobody knows whose they were
	} {
		got, says := decide(c.rule, c.all)
		if got != c.want || says != c.says {
			t.Errorf("%+v: %s, %q; want %s, %q", c.all, got, says, c.want, c.says)
		}
	}
}
