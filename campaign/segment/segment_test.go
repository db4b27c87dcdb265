package segment

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const attributes = `{"age":"42","city":"Zürich","country":"DE","vip":"yes","score":7.5,"active":true,
	"paused":false,"empty":"","nothing":null,"signup":"2026-01-31","tags":["a"],"zero":0,"zip":"01234"}`

func TestMatch(t *testing.T) {
	for src, want := range map[string]bool{
		// Numbers that were imported as text.
		`age > 30`: true, `age >= 42 and age <= 42`: true, `age < 30`: false, `age == 42`: true, `age != 42`: false,
		`30 < age`: true, `age > "100"`: false, `score > 7`: true, `score == "7.5"`: true, `zip == 1234`: true,
		`zip == "1234"`: false, `zip == "01234"`: true, `10 < age < 50`: true,
		// Text.
		`city == "Zürich"`: true, `city == "zürich"`: false, `lower(city) == "zürich"`: true, `city > 3`: false, `city < 3`: false, `city == 3`: false,
		`signup >= "2026-01-01"`: true, `signup < "2025-12-31"`: false, `"b" > "a"`: true,
		`city contains "ür"`: true, `city startsWith "Z"`: true, `city endsWith "x"`: false, `city not contains "q"`: true,
		`city matches "^Z.*h$"`: true, `unknown matches ".*"`: false, `unknown contains ""`: false,
		// Missing.
		`unknown`: false, `unknown == nil`: true, `nothing == nil`: true, `unknown != 3`: true, `unknown > 3`: false, `unknown < 3`: false,
		`unknown == ""`: false, `unknown == false`: false, `empty == nil`: false, `unknown + 1 == nil`: true, `tags == nil`: true,
		`(unknown ?? 5) == 5`: true, `(age ?? 5) == 42`: true, `unknown == nothing`: true,
		// Truth.
		`vip`: true, `vip == true`: true, `active`: true, `active == true`: true, `active == "no"`: false, `paused == false`: true,
		`not paused`: true, `empty`: false, `zero`: false, `zero == false`: true, `!vip`: false, `active > 0`: false,
		// Lists, functions, arithmetic, conditions.
		`country in ["DE", "AT"]`: true, `country not in ["DE"]`: false, `age in [41, 42]`: true, `unknown in ["x"]`: false, `country in []`: false,
		`has(city)`: true, `has(empty)`: false, `has(unknown)`: false, `has(nothing)`: false, `has(zero)`: true,
		`domain(email) == "example.com"`: true, `domain(city) == "zürich"`: true, `email endsWith "@Example.com"`: true,
		`len(city) == 6`: true, `upper(country) == "DE"`: true, `trim(" x ") == "x"`: true, `len(unknown) == 0`: true,
		`age + 1 == 43`: true, `age * 2 - 4 == 80`: true, `age / 0 == nil`: true, `age % 5 == 2`: true, `-age == -42`: true, `+age == 42`: true,
		`country == "DE" ? age > 40 : false`:   true,
		`country == "DE" && (age > 50 || vip)`: true, `true or unknown`: true,
	} {
		s, err := Parse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := s.Match(Person{Email: "Ann@Example.com", Attributes: []byte(attributes)})
		if err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", src, got, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for src, want := range map[string]string{
		``:                                "column 1",
		`age >`:                           "column 5",
		"age > 3 and\n  (city == 1":       "line 2, column 12",
		`age > 3 foo`:                     "column 9",
		"vip and\nread(\"/etc\")":         "line 2, column 1: there is no function read",
		`filter(tags, # == 1)`:            "there is no function filter",
		`age in "DE"`:                     "in takes a list",
		`user.name == "x"`:                "attributes have no members",
		`city matches "("`:                "missing closing )",
		`city matches city`:               "in quotes",
		`1..1000000 == nil`:               "the operator .. is not part",
		`2 ** 1000 > 1`:                   "the operator ** is not part",
		`let x = 1; x`:                    "not part of the segment language",
		`[1, 2]`:                          "only after in",
		`{"a": 1}`:                        "not part of the segment language",
		`has()`:                           "takes one argument",
		`has(a, b)`:                       "takes one argument",
		strings.Repeat("a", 5000):         "at most 4096",
		strings.Repeat("a + ", 600) + "a": "maximum allowed nodes",
		`received()`:                      "takes the name of one campaign",
		`received(city)`:                  "column 10: received takes a campaign's name in quotes",
		`received("")`:                    "in quotes",
		`$env == nil`:                     "", // an attribute of an odd name, or an error: never the environment
	} {
		_, err := Parse(src)
		switch {
		case want == "":
		case err == nil:
			t.Errorf("%.40q: no error", src)
		case !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%.40q: got %q, want it to say %q in one line", src, err, want)
		}
	}
}

func TestFields(t *testing.T) {
	s, err := Parse(`has(city) and (age > 3 or city == "x") and domain(email) != country`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Fields(), []string{"city", "age", "country"}; !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
}

func TestEvents(t *testing.T) {
	s, err := Parse(`received("Spring") and not received("Summer") or received("Spring") and city == "Rome"`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Events(), []Event{{Received, "Spring"}, {Received, "Summer"}}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	for _, test := range []struct {
		happened []bool
		want     bool
	}{{[]bool{true, false}, true}, {[]bool{true, true}, false}, {[]bool{false, false}, false}, {nil, false}} {
		if got, err := s.Match(Person{Email: "a@example.com", Happened: test.happened}); got != test.want || err != nil {
			t.Errorf("%v: %v, %v", test.happened, got, err)
		}
	}
}

func TestMatchAttributes(t *testing.T) {
	s, err := Parse(`has(city)`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Match(Person{Email: "a@example.com"}); got || err != nil {
		t.Errorf("no attributes: %v, %v", got, err)
	}
	if _, err := s.Match(Person{Email: "a@example.com", Attributes: []byte(`[1]`)}); err == nil {
		t.Error("attributes that are no object: no error")
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range []string{`age > 30 and city in ["a", "b"]`, `not has(x) ? 1 : -2`, `a matches "x+"`, `((((`, `a ?? b == nil`, `x.y[1:2]`} {
		f.Add(src, attributes)
	}
	f.Fuzz(func(t *testing.T, src, attributes string) {
		s, err := Parse(src)
		if err != nil {
			return
		}
		_, err = s.Match(Person{Email: "a@example.com", Attributes: []byte(attributes)})
		if err != nil && json.Valid([]byte(attributes)) && strings.HasPrefix(strings.TrimSpace(attributes), "{") {
			t.Errorf("%q fails for an object: %v", src, err)
		}
	})
}

// FuzzReadAttributes compares with encoding/json.
func FuzzReadAttributes(f *testing.F) {
	f.Add(attributes)
	f.Add(` { "a" : [ {"b":"}"} ] , "x\u0061" : "\\" , "a":-1.5e3,"b":{}} `)
	f.Fuzz(func(t *testing.T, data string) {
		fields := []string{"a", "b", "xa", "city", ""}
		got := make([]value, len(fields))
		var want map[string]any
		err := json.Unmarshal([]byte(data), &want)
		isObject := err == nil && want != nil
		if ok := readAttributes([]byte(data), fields, got); ok != isObject {
			// A number that does not fit is valid JSON, but cannot be decoded.
			if !ok || !json.Valid([]byte(data)) {
				t.Fatalf("%q: ok %v, encoding/json: %v", data, ok, err)
			}
			return
		}
		for i, name := range fields {
			if w := reference(want[name]); got[i] != w {
				t.Errorf("%q: %q is %+v, want %+v", data, name, got[i], w)
			}
		}
	})
}

func reference(v any) value {
	switch v := v.(type) {
	case string:
		return text(v)
	case float64:
		return num(v)
	case bool:
		return truth(v)
	}
	return value{}
}

func BenchmarkMatch(b *testing.B) {
	s, err := Parse(`country in ["DE", "AT", "CH"] and age >= 18 and not has(opted_down) and domain(email) != "example.net"`)
	if err != nil {
		b.Fatal(err)
	}
	attributes := []byte(`{"name":"Ann Example","country":"CH","age":"42","city":"Zürich","plan":"gold","signup":"2026-01-31"}`)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := s.Match(Person{Email: "ann@example.com", Attributes: attributes}); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
