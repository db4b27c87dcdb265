package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/delivery"
)

func TestSourcesOfAFile(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```toml\n[[source]]")
	example, _, _ = strings.Cut(example, "```")
	file := filepath.Join(t.TempDir(), "broadside.toml")
	if err := os.WriteFile(file, []byte("[[source]]"+example), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	sources, pools, warmups := cfg.sources(), cfg.pools(), cfg.warmups()
	if len(sources) != 2 || sources[1].Name != "b" || sources[1].Addr.String() != "192.0.2.2" || sources[1].Hello != "b.mta.example.org" {
		t.Errorf("sources %+v", sources)
	}
	if len(pools["default"]) != 2 || len(pools["invoices"]) != 1 || pools["invoices"][0] != (delivery.Share{Source: "a", Weight: 1}) {
		t.Errorf("pools %+v", pools)
	}
	if len(warmups) != 1 || !warmups[0].Start.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) || warmups[0].PerDay[7] != 40000 {
		t.Errorf("warm-ups %+v", warmups)
	}
	if !cfg.hasPool("invoices") || !cfg.hasPool("default") || cfg.hasPool("nobody's") {
		t.Error("the pools of campaigns are others than those of the file")
	}
}

func TestMistakesInSources(t *testing.T) {
	for text, want := range map[string]string{
		"[[source]]\naddress = \"192.0.2.1\"":                              `source 1 is called ""`,
		"[[source]]\nname = \"a\"\n[[source]]\nname = \"a\"":               `source 2 is called "a"`,
		"[[source]]\nname = \"a\"\naddress = \"mta.example\"":              `address "mta.example" is not an IP address`,
		"[pool]\ndefault = { a = 0 }":                                      "the weight of a is 0",
		"[[warmup]]\nsources = [\"a\"]\nper_day = [50]":                    "warmup 1 needs sources, a start",
		"[[warmup]]\nsources = [\"a\"]\nstart = 2026-11-23\nper_day = [0]": "a day's allowance is 1 or more",
	} {
		file := filepath.Join(t.TempDir(), "broadside.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := loadConfig(file)
		if err == nil {
			err = cfg.check()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}
