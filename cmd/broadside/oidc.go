package main

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"broadside/campaign/account"
	"broadside/campaign/account/openid"
	"broadside/campaign/web"
)

// OIDCConfig says by way of which OpenID provider people sign in to the pages.
type OIDCConfig struct {
	Issuer           string            `toml:"issuer" env:"ISSUER"`                         // default: no provider
	ClientID         string            `toml:"client_id" env:"CLIENT_ID"`                   //
	ClientSecret     string            `toml:"client_secret" env:"CLIENT_SECRET"`           //
	ClientSecretFile string            `toml:"client_secret_file" env:"CLIENT_SECRET_FILE"` // instead
	Label            string            `toml:"label" env:"LABEL"`                           // default: the issuer's host
	Scopes           []string          `toml:"scopes" env:"SCOPES"`                         // beside openid, email and profile
	Domains          []string          `toml:"domains" env:"DOMAINS"`                       // of addresses; default: all
	Admins           []string          `toml:"admins" env:"ADMINS"`                         // addresses
	DefaultRole      string            `toml:"default_role" env:"DEFAULT_ROLE"`             // default: who was invited
	GroupsClaim      string            `toml:"groups_claim" env:"GROUPS_CLAIM"`             // default groups
	Roles            map[string]string `toml:"roles" env:"ROLES" envKeyValSeparator:"="`    // by group
	TrustEmail       bool              `toml:"trust_email" env:"TRUST_EMAIL"`               // the provider confirms all addresses
	Passwords        bool              `toml:"passwords" env:"PASSWORDS"`                   // count too; default true
}

func defaultOIDC() OIDCConfig { return OIDCConfig{GroupsClaim: "groups", Passwords: true} }

// check finds what cannot work, or would let in more people than was meant.
func (c OIDCConfig) check(publicURL string) error {
	if c.Issuer == "" {
		if c.ClientID != "" || c.ClientSecret != "" || c.ClientSecretFile != "" || !c.Passwords {
			return errors.New("oidc.issuer is missing: name the provider's issuer URL, or leave oidc out")
		}
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !openid.Safe(c.Issuer) || strings.Contains(c.Issuer, "?") {
		bad("oidc.issuer is %q: use the provider's issuer URL, https://…", c.Issuer)
	}
	if publicURL == "" {
		bad("oidc.issuer needs public_url, below which the provider leads people back")
	}
	if c.ClientID == "" {
		bad("oidc.client_id is missing: register broadside with the provider")
	}
	if (c.ClientSecret == "") == (c.ClientSecretFile == "") {
		bad("give one of oidc.client_secret and oidc.client_secret_file")
	}
	if c.DefaultRole != "" && !knownRole(c.DefaultRole) {
		bad("oidc.default_role is %q: use admin, editor, author or viewer", c.DefaultRole)
	}
	if c.DefaultRole != "" && len(c.Domains) == 0 && c.Issuer == "https://accounts.google.com" {
		bad("oidc.default_role with Google lets everybody in who has an account there: name your oidc.domains")
	}
	for group, role := range c.Roles {
		if group == "" || !knownRole(role) {
			bad("oidc.roles: %q is %q: use admin, editor, author or viewer", group, role)
		}
	}
	if len(c.Roles) > 0 && c.GroupsClaim == "" {
		bad("oidc.roles needs oidc.groups_claim, where the provider says a person's groups")
	}
	for _, d := range c.Domains {
		if d == "" || strings.ContainsAny(d, "@* /") {
			bad("oidc.domains: %q is not a domain such as example.org", d)
		}
	}
	for _, address := range c.Admins {
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			bad("oidc.admins: %q is not an address", address)
		}
	}
	return errors.Join(errs...)
}

func knownRole(name string) bool { return slices.Contains(account.Roles(), account.Role(name)) }

// rules say who enters by way of the provider.
func (c OIDCConfig) rules() account.Rules {
	if c.Issuer == "" {
		return account.Rules{}
	}
	r := account.Rules{Newcomers: account.Role(c.DefaultRole), NoPasswords: !c.Passwords, Roles: map[string]account.Role{}}
	for _, d := range c.Domains {
		r.Domains = append(r.Domains, strings.ToLower(d))
	}
	for _, a := range c.Admins {
		r.Admins = append(r.Admins, strings.ToLower(a))
	}
	for group, role := range c.Roles {
		r.Roles[group] = account.Role(role)
	}
	return r
}

// signOn is the provider; nil without one. It is not asked for anything yet.
func (c OIDCConfig) signOn(publicURL string) (*web.SignOn, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	secret := c.ClientSecret
	if c.ClientSecretFile != "" {
		text, err := os.ReadFile(c.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("oidc.client_secret_file: %w", err)
		}
		if secret = strings.TrimSpace(string(text)); secret == "" {
			return nil, fmt.Errorf("oidc.client_secret_file: %s is empty", c.ClientSecretFile)
		}
	}
	label := c.Label
	if u, err := url.Parse(c.Issuer); label == "" && err == nil {
		label = u.Hostname()
	}
	config := openid.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: secret, Scopes: c.Scopes, TrustEmail: c.TrustEmail, Now: time.Now,
	}
	if len(c.Roles) > 0 {
		config.GroupsClaim = c.GroupsClaim
	}
	return web.NewSignOn(config, label, publicURL), nil
}
