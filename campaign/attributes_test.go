package campaign_test

import (
	"encoding/json"
	"strings"
	"testing"

	"broadside/campaign"
)

func TestAttributes(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`,
		`{"name":"Ann <ann> & \"co\"","age":12345678901234567890,"vip":true,"gone":null}`: `{"age":12345678901234567890,"gone":null,"name":"Ann <ann> & \"co\"","vip":true}`,
		`{"Name":"x"}`:  "Name",
		`{"email":"x"}`: "email",
		`{"":"x"}`:      "name",
		`{"a":[1]}`:     "a must be",
		`{"a":{"b":1}}`: "a must be",
		`{"a":"` + strings.Repeat("ä", 4001) + `"}`: "4001",
	} {
		var values map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
		got, err := campaign.Attributes(values)
		if strings.HasPrefix(want, "{") {
			if err != nil || string(got) != want {
				t.Errorf("%s: %s %v", text, got, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50s: %v, want %q", text, err, want)
		}
	}
}

// Whatever is accepted is the JSON that was meant.
func FuzzAttributes(f *testing.F) {
	f.Add("name", `"Ann"`)
	f.Add("n", `1e999`)
	f.Add("x_1", `"\ud800"`)
	f.Fuzz(func(t *testing.T, name, value string) {
		got, err := campaign.Attributes(map[string]json.RawMessage{name: json.RawMessage(value)})
		if err != nil {
			return
		}
		var back map[string]any
		if err := json.Unmarshal(got, &back); err != nil && !strings.Contains(err.Error(), "number") {
			t.Fatalf("%s: %v", got, err)
		}
		if _, ok := back[name]; !ok && err == nil {
			t.Errorf("%q is not in %s", name, got)
		}
	})
}
