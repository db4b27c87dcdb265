package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"broadside/campaign/account"
	"broadside/store"
)

func TestOIDCConfig(t *testing.T) {
	good := func(change func(*OIDCConfig)) OIDCConfig {
		c := defaultOIDC()
		c.Issuer, c.ClientID, c.ClientSecret = "https://login.example.org/realms/a", "broadside", "secret"
		change(&c)
		return c
	}
	const public = "https://news.example.org"
	for name, c := range map[string]struct {
		change func(*OIDCConfig)
		want   string // "" for no complaint
	}{
		"as it should be": {func(*OIDCConfig) {}, ""},
		"none":            {func(c *OIDCConfig) { *c = defaultOIDC() }, ""},
		"nearly none":     {func(c *OIDCConfig) { c.Issuer = "" }, "oidc.issuer is missing"},
		"no way in":       {func(c *OIDCConfig) { *c = OIDCConfig{} }, "oidc.issuer is missing"},
		"plain http":      {func(c *OIDCConfig) { c.Issuer = "http://login.example.org" }, "oidc.issuer is"},
		"this host":       {func(c *OIDCConfig) { c.Issuer = "http://localhost:8080/realms/a" }, ""},
		"a query":         {func(c *OIDCConfig) { c.Issuer += "?a=b" }, "oidc.issuer is"},
		"two secrets":     {func(c *OIDCConfig) { c.ClientSecretFile = "x" }, "one of oidc.client_secret"},
		"unknown role":    {func(c *OIDCConfig) { c.DefaultRole = "boss" }, "oidc.default_role"},
		"everybody":       {func(c *OIDCConfig) { c.Issuer, c.DefaultRole = "https://accounts.google.com", "viewer" }, "lets everybody in"},
		"everybody of a firm": {func(c *OIDCConfig) {
			c.Issuer, c.DefaultRole, c.Domains = "https://accounts.google.com", "viewer", []string{"example.org"}
		}, ""},
		"a group's role":  {func(c *OIDCConfig) { c.Roles = map[string]string{"a": "boss"} }, "oidc.roles"},
		"no group's role": {func(c *OIDCConfig) { c.Roles = map[string]string{"": "admin"} }, "oidc.roles"},
		"no groups":       {func(c *OIDCConfig) { c.Roles, c.GroupsClaim = map[string]string{"a": "admin"}, "" }, "oidc.groups_claim"},
		"an address":      {func(c *OIDCConfig) { c.Domains = []string{"@example.org"} }, "oidc.domains"},
		"a domain":        {func(c *OIDCConfig) { c.Admins = []string{"example.org"} }, "oidc.admins"},
	} {
		t.Run(name, func(t *testing.T) {
			err := good(c.change).check(public)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if err := good(func(*OIDCConfig) {}).check(""); err == nil || !strings.Contains(err.Error(), "public_url") {
		t.Errorf("without public_url: %v", err)
	}
}

// The keys mean what the page of the configuration says, in a file and in the environment.
func TestOIDCSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broadside.toml")
	secret := filepath.Join(t.TempDir(), "secret")
	text := "public_url = \"https://news.example.org/\"\n[oidc]\nissuer = \"https://login.example.org\"\nclient_id = \"b\"\nclient_secret_file = '" + secret + "'\n" +
		"domains = [\"Example.org\"]\nadmins = [\"Ann@Example.org\"]\nroles = { desk = \"author\" }\ngroups_claim = \"realm_access.roles\"\n"
	for name, text := range map[string]string{file: text, secret: " hush \n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("BROADSIDE_OIDC_PASSWORDS", "false")
	cfg, err := loadConfig(file)
	if err == nil {
		err = cfg.check()
	}
	if err != nil {
		t.Fatal(err)
	}
	want := account.Rules{
		Domains: []string{"example.org"}, Admins: []string{"ann@example.org"},
		Roles: map[string]account.Role{"desk": account.Author}, NoPasswords: true,
	}
	if rules := cfg.OIDC.rules(); !reflect.DeepEqual(rules, want) {
		t.Errorf("%+v\nwant %+v", rules, want)
	}
	s, err := cfg.OIDC.signOn(cfg.PublicURL)
	if err != nil || s.ClientSecret != "hush" || s.Label != "login.example.org" || s.Redirect != "https://news.example.org/login/openid/back" || s.GroupsClaim != "realm_access.roles" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.OIDC.signOn(cfg.PublicURL); err == nil {
		t.Error("an empty secret")
	}
	t.Setenv("BROADSIDE_OIDC_ROLES", "news-admins=admin,desk=editor")
	if cfg, err := loadConfig(""); err != nil || !reflect.DeepEqual(cfg.OIDC.Roles, map[string]string{"news-admins": "admin", "desk": "editor"}) {
		t.Errorf("%v, %v", cfg.OIDC.Roles, err)
	}
	if s, err := defaultOIDC().signOn(""); s != nil || err != nil {
		t.Errorf("without a provider: %v, %v", s, err)
	}
}

// The command lets in whom it should, and says so in the audit log.
func TestUserLetIn(t *testing.T) {
	ctx, data := t.Context(), t.TempDir()
	db, err := store.Open(ctx, filepath.Join(data, "broadside.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, u := range []account.User{{Email: "ann@example.org", Name: "Ann", Role: account.Admin, Zone: "UTC"}, {Email: "bob@example.org", Name: "Bob", Role: account.Author, Zone: "UTC"}} {
		if _, err := db.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	broadside := func(args ...string) (status int, out string) {
		var text strings.Builder
		status = run(append(args, "--data", data), strings.NewReader(""), &text, &text)
		return status, text.String()
	}
	if status, out := broadside("user", "let-in", "bob@example.org"); status != 1 || !strings.Contains(out, "is author and not admin") {
		t.Errorf("an author: %d %s", status, out)
	}
	status, out := broadside("user", "let-in", "Ann@Example.org", "--for", "8h")
	_, secret, ok := strings.Cut(strings.TrimSpace(out), "/welcome?token=")
	if status != 0 || !ok {
		t.Fatalf("%d %s", status, out)
	}
	accounts := account.New(db, nil, func() time.Time { return time.Now().Add(7 * time.Hour) })
	accounts.UseProvider(account.Rules{NoPasswords: true})
	if u, err := accounts.Accept(ctx, secret, "a harbour in the fog", "UTC"); err != nil || u.Email != "ann@example.org" {
		t.Errorf("%+v, %v", u, err)
	}
	if status, out := broadside("user", "let-in", "bob@example.org", "--admin", "--json"); status != 0 || !strings.Contains(out, `"user": "bob@example.org"`) {
		t.Errorf("with --admin: %d %s", status, out)
	}
	if status, out := broadside("user"); status != 0 || !strings.Contains(out, "with password") || strings.Count(out, "admin") != 2 {
		t.Errorf("%d %s", status, out)
	}
	entries, err := accounts.Entries(ctx, 0, 10)
	if err != nil || len(entries) != 2 || entries[0].Action != "let in" || entries[0].Object != "bob@example.org" || entries[0].Via != "command" {
		t.Errorf("audit %+v, %v", entries, err)
	}
}
