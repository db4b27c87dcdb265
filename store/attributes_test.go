package store

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMergeAndRestore(t *testing.T) {
	tests := []struct{ old, given, merged, later, restored string }{
		{`{}`, `{}`, `{}`, ``, `{}`},
		{`{}`, `{"a":"1"}`, `{"a":"1"}`, ``, `{}`},
		{`{"a":"1"}`, `{"a":"1"}`, `{"a":"1"}`, ``, `{"a":"1"}`},
		{`{"a":"1","b":2}`, `{"a":null,"c":true}`, `{"a":null,"b":2,"c":true}`, ``, `{"a":"1","b":2}`},
		{`{"a":"1"}`, `{"a":"2","b":"x,}\""}`, `{"a":"2","b":"x,}\""}`, `{"a":"3","b":"x,}\""}`, `{"a":"3"}`},
		{` { "a" : "1" , "b" : 1e5 } `, `{"b":"2"}`, `{"a":"1","b":"2"}`, `{"a":"1"}`, `{"a":"1"}`},
	}
	for _, test := range tests {
		merged, changed, err := mergeAttributes([]byte(test.old), []byte(test.given))
		if err != nil || string(merged) != test.merged || changed != (test.merged != test.old) {
			t.Errorf("merge %s into %s: %s, %v, %v", test.given, test.old, merged, changed, err)
		}
		current := test.merged
		if test.later != "" {
			current = test.later
		}
		restored, _, err := restoreAttributes([]byte(current), []byte(test.old), []byte(test.given))
		if err != nil || string(restored) != test.restored {
			t.Errorf("restore %s: %s, %v", current, restored, err)
		}
	}
	for _, bad := range []string{``, `{`, `[]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":{}}`, `{"a":[1]}`, `{"a":1 "b":2}`, `{"a:1}`, `{"a":"\"}`} {
		if got, err := appendAttributes(nil, []byte(bad)); err == nil {
			t.Errorf("%s was read as %s", bad, objectOf(got))
		}
	}
}

// Every flat object that encoding/json reads is read the same, and written back.
func FuzzAttributes(f *testing.F) {
	f.Add(`{"a":"1","b":-2.5e3,"c":true,"d":null,"\u00e9\"":"\\"}`)
	f.Add(` { } `)
	f.Add(`{"a":"x}","a":1}`)
	f.Fuzz(func(t *testing.T, object string) {
		attributes, err := appendAttributes(nil, []byte(object))
		var want map[string]any
		if !utf8.ValidString(object) || json.Unmarshal([]byte(object), &want) != nil || want == nil {
			return
		}
		flat := true
		for _, v := range want {
			switch v.(type) {
			case map[string]any, []any:
				flat = false
			}
		}
		if !flat {
			return
		}
		if err != nil {
			// A value that a later one of the same name replaces may be nested.
			if strings.Count(object, "{")+strings.Count(object, "[") == 1 {
				t.Fatalf("%q: %v", object, err)
			}
			return
		}
		for _, a := range attributes {
			name, err := keyName(a.key)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := want[name]; !ok {
				t.Fatalf("%q: no attribute %q", object, name)
			}
		}
		var got map[string]any
		if err := json.Unmarshal(objectOf(attributes), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %s: %v", object, objectOf(attributes), err)
		}
	})
}

func TestHasNUL(t *testing.T) {
	for text, want := range map[string]bool{`"\u0000"`: true, `"\\u0000"`: false, `"\\\u0000"`: true, `"\\u0000\u0000"`: true, `"u0000"`: false} {
		if hasNUL([]byte(text)) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestEnhanced(t *testing.T) {
	for _, code := range []string{"2.0.0", "4.7.28", "5.1.1", "5.999.999"} {
		if got := unpackEnhanced(packEnhanced(code)); got != code {
			t.Errorf("%s became %s", code, got)
		}
	}
	for _, code := range []string{"", "5", "5.1", "5.1.x", "5.1.1000", "55.1.1", "5.-1.1", "0.0.0"} {
		if got := unpackEnhanced(packEnhanced(code)); got != "" {
			t.Errorf("%q became %s", code, got)
		}
	}
}

func TestGeneralReply(t *testing.T) {
	tests := map[string]string{
		"5.1.1 <bob@example.org>: user unknown":                                         "5.1.1 * user unknown",
		"4.7.0 [203.0.113.7] try again  later 6a1803df08f44-7b6sm12345":                 "4.7.0 [203.0.113.7] try again later *",
		"Our system has detected S3150 from 2001:db8::1234:5678, see RFC 5321":          "Our system has detected S3150 from 2001:db8::1234:5678, see RFC 5321",
		"queued as 4bXk2N1z5Rz9 at 1764000000":                                          "queued as * at *",
		"https://support.example.com/mail/?p=NoSuchUser explains this, postmaster said": "https://support.example.com/mail/?p=NoSuchUser explains this, postmaster said",
	}
	for reply, want := range tests {
		if got := generalReply(reply); got != want {
			t.Errorf("%q became %q, want %q", reply, got, want)
		}
	}
}
