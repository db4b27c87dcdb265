package main

import (
	"bufio"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every direct dependency and tool of go.mod has its reason on the page that says so,
// and the page names none that is gone.
func TestDependenciesHaveReasons(t *testing.T) {
	mod, err := os.Open("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer mod.Close()
	direct := map[string]bool{}
	tools := false
	for scan := bufio.NewScanner(mod); scan.Scan(); {
		line := strings.TrimSpace(scan.Text())
		fields := strings.Fields(line)
		switch {
		case line == "tool (":
			tools = true
		case tools && len(fields) == 1 && line != ")":
			direct[line] = true
		case len(fields) == 2 && strings.HasPrefix(fields[1], "v"):
			direct[fields[0]] = true
		}
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok && strings.Contains(name, "/") {
			name, _, _ = strings.Cut(name, "`")
			named[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		if !named[name] {
			t.Errorf("docs/dependencies.md gives no reason for %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !direct[name] {
			t.Errorf("docs/dependencies.md names %s, which go.mod doesn't require directly", name)
		}
	}
}

// Every key of the configuration is on the page that lists them, with its variable,
// and the page lists nothing else.
func TestConfigurationIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.HasPrefix(cells[1], " `") {
			page[strings.Trim(cells[1], " `")] = strings.Trim(cells[2], " `")
		}
	}
	keys := configKeys(reflect.TypeFor[Config](), "", "BROADSIDE_")
	for key, variable := range keys {
		if page[key] != variable {
			t.Errorf("docs/configuration.md says that %q is %q in the environment, it is %q", key, page[key], variable)
		}
	}
	for key := range page {
		if keys[key] == "" {
			t.Errorf("docs/configuration.md lists %q, which is no key", key)
		}
	}
}

// configKeys are the keys of a file with their environment variables.
func configKeys(section reflect.Type, prefix, envPrefix string) map[string]string {
	keys := map[string]string{}
	for f := range section.Fields() {
		key := prefix + f.Tag.Get("toml")
		if inner := f.Tag.Get("envPrefix"); inner != "" {
			maps.Copy(keys, configKeys(f.Type, key+".", envPrefix+inner))
			continue
		}
		if keys[key] = envPrefix + f.Tag.Get("env"); f.Tag.Get("env") == "-" {
			keys[key] = "in the file only"
		}
	}
	return keys
}

// The file to start from is read without complaint, as it is and with all that it
// only shows.
func TestSampleConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../deploy/broadside.toml")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^#([a-z_]+ = )`).ReplaceAll(text, []byte("$1"))
	if len(shown) == len(text) {
		t.Error("it shows nothing")
	}
	for name, text := range map[string][]byte{"as it is": text, "with all it shows": shown} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "broadside.toml")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := loadConfig(file)
			if err == nil {
				err = cfg.check()
			}
			if err != nil || cfg.Data != "/var/lib/broadside" {
				t.Errorf("data is %q, %v", cfg.Data, err)
			}
		})
	}
}

// What the pages name in backquotes by its path is there.
func TestPagesNameWhatIsThere(t *testing.T) {
	root := os.DirFS("../..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := fs.Glob(root, pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	path := regexp.MustCompile("`((?:" + strings.Join(topLevel, "|") + ")/[A-Za-z0-9_./-]+)`")
	link := regexp.MustCompile(`\]\(([^):#]+)[)#]`)
	for _, page := range pages {
		text, err := fs.ReadFile(root, page)
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, m := range path.FindAllSubmatch(text, -1) {
			named = append(named, string(m[1]))
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			named = append(named, filepath.ToSlash(filepath.Join(filepath.Dir(page), string(m[1]))))
		}
		for _, name := range named {
			if _, err := fs.Stat(root, strings.TrimSuffix(name, "/")); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
