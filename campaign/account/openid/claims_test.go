package openid

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"broadside/campaign/account"
)

const issuer = "https://login.example.org"

func TestIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		groups, claims string
		trust          bool
		want           account.Identity
	}{
		"all": {
			"groups", `{"sub":"1","email":" Ann@Example.ORG ","email_verified":true,"name":"Ann","groups":["a","b"]}`, false,
			account.Identity{Subject: "1", Email: "ann@example.org", Verified: true, Name: "Ann", Groups: []string{"a", "b"}},
		},
		"little":                       {"", `{"sub":"1","groups":["a"]}`, true, account.Identity{Subject: "1"}},
		"verified in words":            {"", `{"sub":"1","email":"a@b","email_verified":"true"}`, false, account.Identity{Subject: "1", Email: "a@b", Verified: true}},
		"not verified in words":        {"", `{"sub":"1","email":"a@b","email_verified":"false"}`, true, account.Identity{Subject: "1", Email: "a@b"}},
		"verified by a number":         {"", `{"sub":"1","email":"a@b","email_verified":1}`, true, account.Identity{Subject: "1", Email: "a@b"}},
		"trusted":                      {"", `{"sub":"1","email":"a@b"}`, true, account.Identity{Subject: "1", Email: "a@b", Verified: true}},
		"trusted, and denied":          {"", `{"sub":"1","email":"a@b","email_verified":false}`, true, account.Identity{Subject: "1", Email: "a@b"}},
		"verified, but what":           {"", `{"sub":"1","email_verified":true}`, true, account.Identity{Subject: "1"}},
		"an address of the wrong kind": {"", `{"sub":"1","email":["a@b"],"email_verified":true}`, true, account.Identity{Subject: "1"}},
		"an address like another's":    {"", `{"sub":"1","email":"mar\u212a@example.org","email_verified":true}`, true, account.Identity{Subject: "1"}},
		"an address of Ärger's":        {"", `{"sub":"1","email":"Ärger@example.org","email_verified":true}`, true, account.Identity{Subject: "1", Email: "ärger@example.org", Verified: true}},
		"two names":                    {"", `{"sub":"1","given_name":"Ann","family_name":"Quay"}`, false, account.Identity{Subject: "1", Name: "Ann Quay"}},
		"one group":                    {"role", `{"sub":"1","role":"a"}`, false, account.Identity{Subject: "1", Groups: []string{"a"}}},
		"groups in an object":          {"realm_access.roles", `{"sub":"1","realm_access":{"roles":["a"]}}`, false, account.Identity{Subject: "1", Groups: []string{"a"}}},
		"groups in no object":          {"realm_access.roles", `{"sub":"1","realm_access":["roles"]}`, false, account.Identity{Subject: "1"}},
		"a name with dots":             {"https://b.example/roles", `{"sub":"1","https://b.example/roles":["a"]}`, false, account.Identity{Subject: "1", Groups: []string{"a"}}},
		"names of an object":           {"roles", `{"sub":"1","roles":{"b":{},"a":{}}}`, false, account.Identity{Subject: "1", Groups: []string{"a", "b"}}},
		"groups of the wrong kind":     {"groups", `{"sub":"1","groups":[1,null,["a"],"b"]}`, false, account.Identity{Subject: "1", Groups: []string{"b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			said := claims{}
			if err := json.Unmarshal([]byte(c.claims), &said); err != nil {
				t.Fatal(err)
			}
			p := New(Config{Issuer: issuer, GroupsClaim: c.groups, TrustEmail: c.trust})
			c.want.Issuer = issuer
			if got, err := p.identity(said); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
	for _, sub := range []any{nil, "", 7, "a\x00b", "ä", strings.Repeat("x", 256), []any{"1"}} {
		if id, err := New(Config{}).identity(claims{"sub": sub}); !errors.Is(err, ErrDoubtful) {
			t.Errorf("subject %v: %+v, %v", sub, id, err)
		}
	}
}

// Whether an address is confirmed is said of that address only.
func TestClaimsAdd(t *testing.T) {
	for _, c := range []struct{ said, more, want claims }{
		{claims{"email": "Ann@b"}, claims{"email": "ann@b", "email_verified": false}, claims{"email": "Ann@b", "email_verified": false}},
		{claims{"sub": "1"}, claims{"email": "a", "email_verified": true}, claims{"sub": "1", "email": "a", "email_verified": true}},
		{claims{"email": "a"}, claims{"email": "a", "email_verified": true}, claims{"email": "a", "email_verified": true}},
		{claims{"email": "a"}, claims{"email": "b", "email_verified": true}, claims{"email": "a"}},
		{claims{"email": "a"}, claims{"email_verified": true}, claims{"email": "a"}},
		{claims{"email_verified": true}, claims{"email": "b"}, claims{"email": "b"}},
		{claims{"email": "a", "email_verified": false}, claims{"email": "a", "email_verified": true, "sub": "2"}, claims{"email": "a", "email_verified": false, "sub": "2"}},
	} {
		if c.said.add(c.more); !reflect.DeepEqual(c.said, c.want) {
			t.Errorf("%v, want %v", c.said, c.want)
		}
	}
}

// Whatever a provider says, an identity is whole and fit to be stored, or there is none.
func FuzzIdentity(f *testing.F) {
	f.Add("groups", `{"sub":"1","email":"Ann@Example.org","email_verified":true,"groups":["a"]}`, `{"sub":"1","name":"Ann"}`)
	f.Add("a.b.c", `{"sub":"1","a":{"b":{"c":{"d":1}}}}`, `{"email":"a","email_verified":"true"}`)
	f.Add(".", `{"sub":"","":{"":"x"}}`, `null`)
	f.Fuzz(func(t *testing.T, groups, token, info string) {
		said, more := claims{}, claims{}
		if json.Unmarshal([]byte(token), &said) != nil || json.Unmarshal([]byte(info), &more) != nil || said == nil || more == nil {
			return
		}
		told := said.text("email")
		said.add(more)
		if told != "" && said.text("email") != told {
			t.Errorf("another address: %q", said.text("email"))
		}
		id, err := New(Config{Issuer: issuer, GroupsClaim: groups}).identity(said)
		if err != nil {
			return
		}
		bad := strings.ContainsFunc(id.Subject, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) })
		if id.Issuer != issuer || id.Subject == "" || len(id.Subject) > maxSubject || bad || id.Email != strings.ToLower(id.Email) || id.Verified && id.Email == "" {
			t.Errorf("%+v", id)
		}
	})
}
