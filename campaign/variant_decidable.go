package campaign

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

// decidable lists what keeps a test's rule from finding a winner: readers are counted only
// as far as the lists, and the campaign, allow.
func (s *Service) decidable(ctx context.Context, spec Spec) ([]Finding, error) {
	rule := spec.AB.Winner
	if spec.AB.HasRest() && rule == ByChoice && spec.Repeat != (schedule.Repeat{}) {
		return []Finding{{false, "ab.winner", "each time it is sent, the rest waits until a person chooses, and times that come meanwhile are left out",
			"let openings or clicks decide, if nobody is there each time"}}, nil
	}
	if !spec.AB.HasRest() || rule != ByOpens && rule != ByClicks {
		return nil, nil
	}
	findings := uncounted(spec)
	least, most := TrackIndividual, TrackOff
	var off []string
	for _, name := range spec.Lists {
		list, err := s.Store.ListByName(ctx, name)
		if errors.Is(err, ErrNotFound) {
			return findings, nil // check has said so
		}
		if err != nil {
			return nil, err
		}
		level, clicks := spec.Track.Within(list.Tracking)
		if rule == ByClicks {
			level = clicks
		}
		least, most = min(least, level), max(most, level)
		if level == TrackOff {
			off = append(off, name)
		}
	}
	switch {
	case most == TrackOff:
		findings = append(findings, Finding{true, "ab.winner", fmt.Sprintf("%s cannot decide: nothing of its lists is counted", rule.plural()),
			"allow counting on the list's page, or let a person choose"})
	case len(off) > 0:
		findings = append(findings, Finding{false, "ab.winner", fmt.Sprintf("only a part of the audience decides: %s are not counted in %s", rule.plural(), strings.Join(off, ", ")),
			"allow counting on the list's page, if those who joined agree to that"})
	case least == TrackAnonymous:
		findings = append(findings, Finding{false, "ab.winner", rule.plural() + " are not known by person in all of its lists: who does it twice counts twice there",
			"nothing, if that will do: every variant is counted the same way"})
	}
	return findings, nil
}

// uncounted are the variants that have nothing which could be counted.
func uncounted(spec Spec) []Finding {
	var findings []Finding
	for _, v := range spec.Variants() {
		as := spec.As(v)
		opt := MessageOptions(spec)
		opt.Links = true
		content, err := message.Compile(as.Source, opt)
		switch {
		case err != nil: // check has said so
		case spec.AB.Winner == ByOpens && as.HTML == "" && as.Markdown == "":
			findings = append(findings, Finding{true, v.at("text"), "has no HTML, and so nothing by which openings could be counted", "write it as Markdown or HTML, or let clicks or a person decide"})
		case spec.AB.Winner == ByClicks && len(content.Links()) == 0:
			findings = append(findings, Finding{true, v.at("text"), "has no link, and so nothing by which clicks could be counted", "put one in, or let openings or a person decide"})
		}
	}
	return findings
}
