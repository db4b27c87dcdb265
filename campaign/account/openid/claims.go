package openid

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"broadside/campaign/account"
)

// claims are what the provider says about a person, by name.
type claims map[string]any

func (c claims) tells(name string) bool { return c.find(name) != nil }

// find returns a claim by its name, or by the names of the objects that it is in, with
// dots between: "realm_access.roles".
func (c claims) find(name string) any {
	if v, ok := c[name]; ok {
		return v // names may have dots: "https://example.org/roles"
	}
	outer, inner, ok := strings.Cut(name, ".")
	if object, isObject := c[outer].(map[string]any); ok && isObject {
		return claims(object).find(inner)
	}
	return nil
}

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return strings.TrimSpace(s)
}

// add takes over what is not said yet. Whether an address is confirmed is said of the
// address beside it, and of no other.
func (c claims) add(more claims) {
	if c.tells("email") && lower(c.text("email")) != lower(more.text("email")) {
		delete(more, "email_verified")
	}
	if !c.tells("email") {
		delete(c, "email_verified")
	}
	for name, v := range more {
		if _, said := c[name]; !said {
			c[name] = v
		}
	}
}

// maxSubject is how long a subject may be (OpenID Connect Core §2).
const maxSubject = 255

// identity is what we take from the claims.
func (p *Provider) identity(c claims) (account.Identity, error) {
	subject, _ := c["sub"].(string)
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) }) {
		return account.Identity{}, fmt.Errorf("%w: the subject %.300q is not 1 to %d characters of ASCII", ErrDoubtful, subject, maxSubject)
	}
	id := account.Identity{Issuer: p.Issuer, Subject: subject, Email: lower(c.text("email")), Name: c.text("name"), Groups: names(c.find(p.GroupsClaim))}
	switch verified := c["email_verified"].(type) {
	case nil:
		id.Verified = p.TrustEmail
	case bool:
		id.Verified = verified
	case string: // of some providers
		id.Verified = verified == "true"
	}
	id.Verified = id.Verified && id.Email != ""
	if id.Name == "" {
		id.Name = strings.TrimSpace(c.text("given_name") + " " + c.text("family_name"))
	}
	return id, nil
}

// lower returns an address in lower case; "" when that would make a character of ASCII
// out of another, as of the Kelvin sign: the address would be somebody else's.
func lower(address string) string {
	if strings.ContainsFunc(address, func(r rune) bool { return r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII }) {
		return ""
	}
	return strings.ToLower(address)
}

// names are the texts of a claim: one, a list, or the names in an object.
func names(claim any) []string {
	var found []string
	switch v := claim.(type) {
	case string:
		found = append(found, v)
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				found = append(found, s)
			}
		}
	case map[string]any:
		for name := range v {
			found = append(found, name)
		}
		slices.Sort(found)
	}
	return found
}
