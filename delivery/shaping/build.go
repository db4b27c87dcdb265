package shaping

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// on makes a table of base with a file on top of it.
func (f *file) on(base *Table) (*Table, error) {
	t := &Table{
		rules: f.Default.over(base.rules), providers: maps.Clone(base.providers), sites: maps.Clone(base.sites),
		suffixes: maps.Clone(base.suffixes), domains: maps.Clone(base.domains),
	}
	err := f.Default.check(f, "default")
	if err != nil {
		return nil, err
	}
	if t.reactions, err = f.reactions("", f.Default.Reaction, base.reactions, "default"); err != nil {
		return nil, err
	}
	owners := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(f.Provider)) {
		if err := f.addProvider(t, name, owners); err != nil {
			return nil, err
		}
	}
	for name, p := range t.providers {
		p.rules = p.limits.over(t.rules)
		t.providers[name] = p
	}
	for _, name := range slices.Sorted(maps.Keys(f.Site)) {
		if err := f.addSite(t, name); err != nil {
			return nil, err
		}
	}
	return t, f.checkSamples(t)
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// addProvider puts a section into t. What it says comes before what is there; its
// suffixes and domains are added, and taken from whoever had them. owners has those
// of this file, which nobody may take.
func (f *file) addProvider(t *Table, name string, owners map[string]string) error {
	s, at := f.Provider[name], []string{"provider", name}
	p, known := t.providers[name]
	switch {
	case !providerName.MatchString(name):
		return f.problem(at, "a provider's name is lower-case letters, digits and hyphens")
	case !known && len(s.MX) == 0:
		return f.problem(at, "nobody has this name: known are %s; a new provider needs mx = […]", strings.Join(t.Providers(), ", "))
	}
	if err := s.check(f, at...); err != nil {
		return err
	}
	var err error
	if p.reactions, err = f.reactions(name, s.Reaction, p.reactions, at...); err != nil {
		return err
	}
	p.limits = s.limits.on(p.limits)
	t.providers[name] = p
	if err := f.give(name, "mx", s.MX, t.suffixes, owners); err != nil {
		return err
	}
	return f.give(name, "domains", s.Domains, t.domains, owners)
}

// give makes names a provider's.
func (f *file) give(provider, key string, names []hostSuffix, to, owners map[string]string) error {
	for _, n := range names {
		if other, twice := owners[key+" "+n.name]; twice {
			return f.problem([]string{"provider", provider, key}, "%q is in the list of %s already", n.name, other)
		}
		owners[key+" "+n.name] = provider
		to[n.name] = provider
	}
	return nil
}

func (f *file) addSite(t *Table, name string) error {
	at := []string{"site", name}
	if name == "" || name != normal(name) || strings.ContainsAny(name, "*/@ ") {
		return f.problem(at, "a site is named after its first MX host, in lower case and without a dot at the end")
	}
	if _, ok := t.providers[name]; ok {
		return f.problem(at, "%s is a provider: write [provider.%s]", name, name)
	}
	if owner, ok := t.ProviderOf(name); ok {
		return f.problem(at, "the host is of provider %s, and so is its site: write [provider.%s]", owner, owner)
	}
	t.sites[name] = *f.Site[name]
	return f.Site[name].check(f, at...)
}
