package shaping

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reactions makes reactions of what is written at a key, and puts them before those
// below, of which they replace the ones with the same name.
func (f *file) reactions(provider string, list []*written, below []*Reaction, at ...string) ([]*Reaction, error) {
	var made []*Reaction
	seen := map[string]bool{}
	for i, w := range list {
		key := append(slices.Clone(at), "reaction", "#"+strconv.Itoa(i))
		replaced := slices.ContainsFunc(below, func(r *Reaction) bool { return r.Name == w.Name })
		switch {
		case w.Name == "":
			return nil, f.problem(key, "a reaction needs a name")
		case seen[w.Name]:
			return nil, f.problem(key, "there is another reaction %q", w.Name)
		case w.Off && !replaced:
			return nil, f.problem(key, "off: there is no built-in reaction %q", w.Name)
		}
		seen[w.Name] = true
		if w.Off {
			continue
		}
		if err := w.check(f, key); err != nil {
			return nil, err
		}
		made = append(made, w.reaction(provider))
	}
	for _, r := range below {
		if !seen[r.Name] {
			made = append(made, r)
		}
	}
	return made, nil
}

// check finds what cannot work, except samples.
func (w *written) check(f *file, at []string) error {
	slows := w.Rate != nil || w.Connections != nil
	switch {
	case w.Codes == nil && w.Enhanced == nil && w.Pattern == nil:
		return f.problem(at, "reaction %q needs codes, enhanced or a pattern to go by", w.Name)
	case !w.Stop && !slows:
		return f.problem(at, "reaction %q does nothing: write stop = true, a rate or connections", w.Name)
	case w.Stop && slows:
		return f.problem(at, "reaction %q: a stop has neither rate nor connections", w.Name)
	case w.Probe && !w.Stop:
		return f.problem(append(at, "probe"), "reaction %q: only a stop is followed by probing", w.Name)
	case w.For == nil:
		return f.problem(at, `reaction %q: for how long? write for = "30m"`, w.Name)
	case !lasts(w.For, time.Second, 7*24*time.Hour):
		return f.problem(append(at, "for"), "%s: from 1s to 168h", spanText(w.For.Duration))
	case !lasts(w.Within, time.Second, 24*time.Hour):
		return f.problem(append(at, "within"), "%s: from 1s to 24h", spanText(w.Within.Duration))
	case !count(w.Hits, 1000):
		return f.problem(append(at, "hits"), "%d: from 1 to 1000", *w.Hits)
	case !count(w.Connections, 1000):
		return f.problem(append(at, "connections"), "%d: from 1 to 1000", *w.Connections)
	case len(w.Samples) == 0:
		return f.problem(at, "reaction %q needs samples: replies as the provider sends them", w.Name)
	}
	return nil
}

func (w *written) reaction(provider string) *Reaction {
	r := &Reaction{
		Provider: provider, Name: w.Name, Hits: 1, Within: time.Hour, Scope: w.Scope.Scope,
		Stop: w.Stop, Probe: w.Probe, For: w.For.Duration,
		codes: w.Codes,
	}
	if w.Hits != nil {
		r.Hits = *w.Hits
	}
	if w.Within != nil {
		r.Within = w.Within.Duration
	}
	if w.Rate != nil {
		r.Rate = w.Rate.perSecond
	}
	if w.Connections != nil {
		r.Connections = *w.Connections
	}
	for _, e := range w.Enhanced {
		r.enhanced = append(r.enhanced, e.code)
	}
	if w.Pattern != nil {
		r.pattern = w.Pattern.matcher
	}
	return r
}

// checkSamples sees to it that each sample leads to its own reaction.
func (f *file) checkSamples(t *Table) error {
	if err := f.checkSamplesOf(t, "", f.Default.Reaction, "default"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Provider)) {
		if err := f.checkSamplesOf(t, name, f.Provider[name].Reaction, "provider", name); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) checkSamplesOf(t *Table, provider string, list []*written, at ...string) error {
	for i, w := range list {
		if w.Off {
			continue
		}
		key := append(slices.Clone(at), "reaction", "#"+strconv.Itoa(i), "samples")
		for _, sample := range w.Samples {
			code, enhanced, text, ok := splitSample(sample)
			if !ok {
				return f.problem(key, `%q is no refusal: write the whole reply, such as "421 4.7.0 Try again later"`, sample)
			}
			r, ok := t.React(provider, code, enhanced, text)
			switch own := w.reaction(provider); {
			case !own.matches(newSaid(code, enhanced, text)):
				return f.problem(key, "%q does not match reaction %q", sample, w.Name)
			case !ok || r.Name != w.Name || r.Provider != provider:
				return f.problem(key, "%q is caught by reaction %q, which comes before %q", sample, r.Name, w.Name)
			}
		}
	}
	return nil
}

var sampleForm = regexp.MustCompile(`^([45][0-9][0-9])[ -](?:([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$))?(.*)$`)

// splitSample takes a reply apart as a session does.
func splitSample(sample string) (code int, enhanced, text string, ok bool) {
	m := sampleForm.FindStringSubmatch(sample)
	if m == nil {
		return 0, "", "", false
	}
	code, err := strconv.Atoi(m[1])
	return code, m[2], strings.TrimSpace(m[3]), err == nil
}
