package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// The top level is fixed, so that `ls` is the architecture. Whatever else is needed
// nests under its owner.
var topLevel = []string{
	"cmd", "campaign", "delivery", "ratelimit", "dkim", "store", "benchmarks", "deploy", "docs",
}

// arrows says which of our packages a package imports, and why no others. A package
// that is not named follows the one that it nests under. Tests may import anything:
// they put the parts together.
var arrows = map[string]struct {
	to     []string
	reason string
}{
	"cmd/broadside": {
		[]string{
			"benchmarks",
			"campaign",
			"campaign/account",
			"campaign/account/openid",
			"campaign/listfile",
			"campaign/message",
			"campaign/schedule",
			"campaign/segment",
			"campaign/signup",
			"campaign/token",
			"campaign/track",
			"campaign/upload",
			"campaign/web",
			"campaign/webhook",
			"delivery",
			"delivery/bounce",
			"delivery/dane",
			"delivery/meter",
			"delivery/mtasts",
			"delivery/mx",
			"delivery/queue",
			"delivery/reply",
			"delivery/shaping",
			"delivery/smtp",
			"delivery/smtptest",
			"delivery/tlspolicy",
			"delivery/tlsrpt",
			"dkim",
			"ratelimit",
			"store",
		},
		"it wires all that a process needs, and nothing that only tests need",
	},
	"campaign": {
		[]string{"campaign/library", "campaign/lint", "campaign/listfile", "campaign/message", "campaign/schedule", "campaign/segment", "campaign/token"},
		"what must be sent doesn't know how it is sent, stored or shown",
	},
	"campaign/library":        {nil, "texts to begin with are data"},
	"campaign/lint":           {nil, "a message is looked at without knowing whose it is"},
	"campaign/listfile":       {nil, "files are read without knowing what their rows are for"},
	"campaign/account":        {[]string{"campaign"}, "who may use the pages is apart from what they do there"},
	"campaign/account/openid": {[]string{"campaign/account"}, "a provider is asked who somebody is, without knowing what the person may do"},
	"campaign/locale":         {nil, "words are looked up without knowing what they are said about"},
	"campaign/message":        {nil, "a message is compiled and rendered from its arguments alone"},
	"campaign/schedule":       {nil, "when something is due is a matter of calendars alone"},
	"campaign/segment":        {nil, "an expression is evaluated over attributes alone"},
	"campaign/signup": {
		[]string{"campaign", "campaign/locale", "campaign/message", "campaign/token"},
		"who may join a list is asked and recorded without knowing how it looks or where it is kept",
	},
	"campaign/token":   {nil, "a token is made and read from its arguments alone"},
	"campaign/track":   {[]string{"campaign", "campaign/token"}, "readers are answered without knowing how their hits are carried and kept"},
	"campaign/upload":  {[]string{"campaign", "campaign/listfile"}, "a file waits for its import without knowing who looks at it"},
	"campaign/webhook": {[]string{"campaign"}, "what is told of campaigns doesn't know who keeps it, nor how people order it"},
	"campaign/web": {
		[]string{"campaign", "campaign/account", "campaign/account/openid", "campaign/listfile", "campaign/locale", "campaign/message", "campaign/schedule", "campaign/segment", "campaign/signup", "campaign/token", "campaign/upload", "campaign/web/api", "campaign/web/transfer", "campaign/webhook"},
		"pages show campaigns and change them through campaign.Service, as the commands do",
	},
	"campaign/web/api": {
		[]string{"campaign", "campaign/account", "campaign/listfile", "campaign/message", "campaign/schedule", "campaign/signup", "campaign/upload", "campaign/web/transfer", "campaign/webhook"},
		"programs change campaigns through campaign.Service, as the pages and the commands do",
	},
	"campaign/web/transfer": {nil, "bytes are moved without knowing what they are"},
	"delivery": {
		[]string{
			"campaign", "campaign/message", "campaign/token",
			"delivery/meter", "delivery/mx", "delivery/queue", "delivery/reply", "delivery/shaping", "delivery/smtp", "delivery/tlspolicy", "dkim", "ratelimit",
		},
		"delivery states as interfaces what it needs of a store, and never knows the simulator",
	},
	"delivery/tlspolicy": {
		[]string{"delivery/dane", "delivery/mtasts", "delivery/mx", "delivery/smtp", "delivery/tlsrpt", "delivery/ttl"},
		"what a domain demands is put together from its policies, and held against a session",
	},
	"delivery/bounce":             {[]string{"campaign", "campaign/token", "delivery/reply"}, "a bounce names a recipient and no connection that mail left by"},
	"delivery/meter":              {nil, "counts are numbers, whoever reads them"},
	"delivery/mx":                 {[]string{"delivery/ttl"}, "where a domain's mail goes is asked of DNS alone"},
	"delivery/ttl":                {nil, "answers are remembered without knowing what was asked"},
	"delivery/mtatest":            {nil, "private mail servers for tests know nothing of ours"},
	"delivery/queue":              {[]string{"campaign", "campaign/webhook"}, "the queue carries campaign's jobs and doesn't know how they are delivered"},
	"delivery/reply":              {[]string{"campaign"}, "a reply means the same whoever received it, in a session or in a bounce"},
	"delivery/shaping":            {nil, "what is known about providers is data, whoever acts on it"},
	"delivery/dane":               {nil, "TLSA records are asked for and matched without knowing what is sent"},
	"delivery/mtasts":             {nil, "a policy is found and kept without knowing what is sent"},
	"delivery/tlsrpt":             {nil, "results of sessions are counted without holding any"},
	"delivery/smtp":               {nil, "a session speaks a protocol and knows no campaign"},
	"delivery/smtptest":           {[]string{"delivery/smtptest/dnsserver"}, "the simulator shares no code with what it checks"},
	"delivery/smtptest/dnsserver": {nil, "questions are answered without knowing whose they are"},
	"dkim":                        {[]string{"dkim/rsa8"}, "a signature depends on a message and a key"},
	"dkim/rsa8":                   {nil, "eight signatures at once are arithmetic"},
	"ratelimit":                   {nil, "pace is a matter of time and numbers"},
	"store":                       {[]string{"campaign", "campaign/account", "campaign/signup", "campaign/webhook", "delivery", "delivery/mtasts", "delivery/tlsrpt"}, "the store implements the interfaces that campaign and delivery state"},
	"store/pgtest":                {nil, "a private PostgreSQL server for tests knows no table of ours"},
	"store/storetest":             {[]string{"campaign", "store"}, "a test's store is filled as every store is"},
	"benchmarks":                  {[]string{"*"}, "scenarios measure the engine and each of its parts"},
}

// fences keep a library where its work is, so that it can be understood, replaced and
// updated there. Where a path ends in a slash, all below it is meant. Benchmarks are
// outside the fences: they measure us against the plain use of the same libraries.
var fences = []struct {
	imports []string
	within  []string
	reason  string
}{
	{[]string{"github.com/nats-io/", "github.com/synadia-io/"}, []string{"delivery/queue", "ratelimit", "cmd/"},
		"NATS is spoken by the queue and the shared limits"},
	{[]string{"database/sql", "database/sql/", "github.com/jmoiron/sqlx", "github.com/jackc/", "github.com/pressly/", "modernc.org/"}, []string{"store", "store/"},
		"SQL is written in the store, where one contract suite runs it on both databases"},
	{[]string{"github.com/emersion/go-msgauth/"}, []string{"dkim"},
		"signatures are made and verified in one place"},
	{[]string{"github.com/wneessen/go-mail"}, []string{"campaign/message"},
		"messages are composed in one place"},
	{[]string{"github.com/wneessen/go-mail/"}, []string{"campaign/message", "delivery/smtp"},
		"go-mail's SMTP package is used for its AUTH mechanisms"},
	{[]string{"github.com/emersion/go-smtp"}, []string{"delivery/bounce", "delivery/smtptest"},
		"mail is received by the bounce role and the simulator"},
	{[]string{"github.com/emersion/go-imap/"}, []string{"delivery/bounce"},
		"mailboxes are read by the bounce role"},
	{[]string{"github.com/coreos/go-oidc/", "golang.org/x/oauth2"}, []string{"campaign/account/openid"},
		"an OpenID provider is spoken with in one place"},
	{[]string{"github.com/spf13/", "github.com/caarlos0/", "flag"}, []string{"cmd/"},
		"packages read no flags and no environment: main gives them values"},
	{[]string{"log"}, []string{"cmd/", "dkim/rsa8/gen"},
		"a *slog.Logger is passed in, so that the caller decides where lines go"},
	{[]string{"testing", "testing/"}, nil,
		"test helpers that ship in the program would drag the test machinery in"},
	{[]string{"unsafe"}, []string{"dkim/rsa8"},
		"only the assembly kernels need aligned memory"},
	{[]string{"C"}, nil,
		"one static binary is built without a C compiler"},
}

// calls are functions that read or change what belongs to the whole process.
var calls = []struct {
	names  []string
	within []string
	reason string
}{
	{[]string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv"}, []string{"cmd/"},
		"packages read no environment: main gives them values"},
	{[]string{"os.Exit", "os.Chdir", "os.Setenv"}, []string{"cmd/"},
		"the process is main's; packages return errors"},
	{[]string{"slog.Default", "slog.SetDefault", "slog.Debug", "slog.Info", "slog.Warn", "slog.Error"}, nil,
		"a *slog.Logger is passed in, so that the caller decides where lines go"},
	{[]string{"time.Sleep"}, nil,
		"a wait ends with its context"},
}

func TestArchitecture(t *testing.T) {
	for _, broken := range violations(t, os.DirFS("../..")) {
		t.Error(broken)
	}
}

// Each law notices when it is broken, and says why it is one.
func TestArchitectureNotices(t *testing.T) {
	long := "package main\n" + strings.Repeat("//\n", 120)
	for name, c := range map[string]struct{ file, text, want string }{
		"arrow":        {"campaign/x.go", `package campaign; import _ "broadside/store"`, "how it is sent, stored or shown"},
		"nested arrow": {"dkim/rsa8/gen/x.go", `package main; import _ "broadside/dkim"`, "arithmetic"},
		"simulator":    {"delivery/x.go", `package delivery; import _ "broadside/delivery/smtptest"`, "never knows the simulator"},
		"homeless":     {"delivery/x_test.go", `package delivery; import _ "broadside/nowhere"`, ""},
		"fence":        {"campaign/x.go", `package campaign; import _ "database/sql"`, "one contract suite"},
		"wide fence":   {"delivery/smtp/x.go", `package smtp; import _ "github.com/wneessen/go-mail"`, "composed in one place"},
		"in its fence": {"delivery/smtp/x.go", `package smtp; import _ "github.com/wneessen/go-mail/smtp"`, ""},
		"environment":  {"store/x.go", "package store\nimport \"os\"\nvar home = os.Getenv(\"HOME\")", "packages read no environment"},
		"test":         {"store/x_test.go", "package store\nimport \"os\"\nvar home = os.Getenv(\"HOME\")", ""},
		"benchmark":    {"benchmarks/plain/x.go", `package main; import _ "github.com/emersion/go-msgauth/dkim"`, ""},
		"top level":    {"internal/x.go", "package internal", "`ls` is the architecture"},
		"package name": {"store/util/x.go", "package util", "says what it is about"},
		"main":         {"cmd/broadside/main.go", long, "120 lines"},
	} {
		t.Run(name, func(t *testing.T) {
			got := violations(t, fstest.MapFS{c.file: {Data: []byte(c.text)}})
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("unexpected: %q", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want) || !strings.HasPrefix(got[0], c.file)):
				t.Errorf("got %q, want one line about %s with %q", got, c.file, c.want)
			}
		})
	}
}

// violations reads every Go file of the repository and returns a line for each law
// that it breaks: where, what, and the reason.
func violations(t *testing.T, repository fs.FS) (broken []string) {
	t.Helper()
	err := fs.WalkDir(repository, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); file != "." && (name == "testdata" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(repository, file)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, b := range placeBroken(file, string(text), syntax) {
			broken = append(broken, file+": "+b)
		}
		if strings.HasSuffix(file, "_test.go") {
			return nil
		}
		for _, b := range slices.Concat(importsBroken(file, syntax), callsBroken(file, syntax)) {
			broken = append(broken, file+": "+b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return broken
}

func placeBroken(file, text string, syntax *ast.File) (broken []string) {
	if top, _, _ := strings.Cut(file, "/"); !slices.Contains(topLevel, top) {
		broken = append(broken, fmt.Sprintf("%s is not of the top level %s: `ls` is the architecture", top, strings.Join(topLevel, ", ")))
	}
	switch syntax.Name.Name {
	case "util", "utils", "common", "helper", "helpers", "misc", "shared", "base":
		broken = append(broken, fmt.Sprintf("a package's name says what it is about; %q does not", syntax.Name.Name))
	}
	if lines := strings.Count(text, "\n"); file == "cmd/broadside/main.go" && lines > 120 {
		broken = append(broken, fmt.Sprintf("%d lines: main wires in at most 120 lines", lines))
	}
	return broken
}

func importsBroken(file string, syntax *ast.File) (broken []string) {
	dir := path.Dir(file)
	for _, spec := range syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		if ours, ok := strings.CutPrefix(imported, "broadside/"); ok {
			rule := arrows[ruleOf(dir)]
			if !slices.Contains(rule.to, ours) && !slices.Contains(rule.to, "*") {
				broken = append(broken, fmt.Sprintf("%s must not import %s: %s", dir, ours, rule.reason))
			}
			continue
		}
		for _, f := range fences {
			if covers(f.imports, imported) && !covers(f.within, dir) && !covers([]string{"benchmarks", "benchmarks/"}, dir) {
				broken = append(broken, fmt.Sprintf("%s must not import %s: %s", dir, imported, f.reason))
			}
		}
	}
	return broken
}

// ruleOf is the nearest package at or above dir that arrows names.
func ruleOf(dir string) string {
	for dir != "." {
		if _, ok := arrows[dir]; ok {
			return dir
		}
		dir = path.Dir(dir)
	}
	return dir
}

// callsBroken knows a package by its usual name: nothing of ours is called os, slog or time.
func callsBroken(file string, syntax *ast.File) (broken []string) {
	dir := path.Dir(file)
	ast.Inspect(syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		name := pkg.Name + "." + selector.Sel.Name
		for _, c := range calls {
			if slices.Contains(c.names, name) && !covers(c.within, dir) && !covers([]string{"benchmarks", "benchmarks/"}, dir) {
				broken = append(broken, fmt.Sprintf("%s must not call %s: %s", dir, name, c.reason))
			}
		}
		return true
	})
	return broken
}

// covers reports whether name is one of paths, or below one that ends in a slash.
func covers(paths []string, name string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		return p == name || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p)
	})
}
