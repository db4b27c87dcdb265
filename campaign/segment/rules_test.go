package segment

import (
	"reflect"
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	for src, want := range map[string]Rules{
		"":               {All: true},
		`city == "Rome"`: {true, []Group{{true, []Rule{{"city", Is, "Rome"}}}}},
		`age >= 18 and not has(opted) and domain(email) != "example.org"`: {true, []Group{{true, []Rule{{"age", AtLeast, "18"}, {"opted", NotSet, ""}, {DomainField, IsNot, "example.org"}}}}},
		`vip or not paid or email endsWith "@x.example"`:                  {false, []Group{{false, []Rule{{"vip", True, ""}, {"paid", NotTrue, ""}, {"email", Ends, "@x.example"}}}}},
		`a == 1 and (b < -2.5 or c not in ["x", 3]) and d contains "7"`:   {true, []Group{{true, []Rule{{"a", Is, "1"}}}, {false, []Rule{{"b", Less, "-2.5"}, {"c", NotIn, "x, 3"}}}, {true, []Rule{{"d", Contains, "7"}}}}},
		`a == 1 and b == 2 or received("The \"Spring\"") and not opened("x")`: {false, []Group{
			{true, []Rule{{"a", Is, "1"}, {"b", Is, "2"}}}, {true, []Rule{{"", WasReceived, `The "Spring"`}, {"", WasNotOpened, "x"}}}}},
		`zip == "01234" and name not contains "ü"`: {true, []Group{{true, []Rule{{"zip", Is, "01234"}, {"name", ContainsNot, "ü"}}}}},
	} {
		got, ok := ReadRules(src)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", src, got, ok, want)
		}
		canonical := got.Expression()
		if again, ok := ReadRules(canonical); !ok || !reflect.DeepEqual(again, got) {
			t.Errorf("%s is written %s, which reads %+v", src, canonical, again)
		}
	}
	for _, src := range []string{
		`age +`, `age > other`, `len(city) > 3`, `lower(city) == "rome"`, `a and (b or (c and d))`, `not (a and b)`, `city == ""`,
		`zip == "42"`, // text: the row would make a number of it
		`city in ["a, b"]`, `city in []`, `city matches "x"`, `vip == true`, `has("x")`, `city == nil`, `x ? a : b`, `received(" x")`,
	} {
		if rules, ok := ReadRules(src); ok {
			t.Errorf("%s is read as %+v", src, rules)
		}
	}
}

// Rows that say nothing yet are left out.
func TestIncompleteRules(t *testing.T) {
	r := Rules{true, []Group{
		{false, []Rule{{"", Is, "x"}, {"city", Is, " "}, {"city", "nonsense", "x"}, {"city", Is, " Rome "}}},
		{false, []Rule{{}}},
		{false, []Rule{{"age", In, "1,, two ,"}, {"", WasClicked, ""}, {"", WasReceived, "Spring"}}},
	}}
	if got, want := r.Expression(), `city == "Rome" and (age in [1, "two"] or received("Spring"))`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is read as rules is written as an expression that is read as the same rules.
func FuzzReadRules(f *testing.F) {
	for _, src := range []string{`a == 1 and (b or not has(c))`, `a in ["x", 2] || received("y")`, `domain(email) not contains "é"`, `a == -0.10`, `a == 1e3`} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		rules, ok := ReadRules(src)
		if !ok {
			return
		}
		written := rules.Expression()
		again, ok := ReadRules(written)
		if !ok || !reflect.DeepEqual(again, rules) {
			t.Fatalf("%q → %+v → %q → %+v, %v", src, rules, written, again, ok)
		}
		if strings.TrimSpace(src) == "" {
			return
		}
		a, err1 := Parse(src)
		b, err2 := Parse(written)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q: %v; %q: %v", src, err1, written, err2)
		}
		for _, p := range []Person{{Email: "a@example.com", Attributes: []byte(attributes)}, {Email: "b@example.org", Attributes: []byte(`{"a":"1","b":true}`), Happened: []bool{true}}} {
			x, err1 := a.Match(p)
			y, err2 := b.Match(p)
			if x != y || (err1 == nil) != (err2 == nil) {
				t.Fatalf("%q is %v for %s, %q is %v", src, x, p.Email, written, y)
			}
		}
	})
}
