package main

import (
	"errors"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignWhyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "why ADDRESS", Short: "Tell everything that was done about one person, what came back, and why not", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				p, err := s.Person(cmd.Context(), args[0])
				if err != nil && !errors.Is(err, campaign.ErrNotFound) {
					return err
				}
				_, rows, err := s.Why(cmd.Context(), args[0])
				if err != nil && (len(p.Suppressions) == 0 || !errors.Is(err, campaign.ErrNotFound)) {
					return err
				}
				if a.json {
					return a.printJSON(whyJSON(p, rows))
				}
				a.showHistory(p, rows)
				return nil
			})
		},
	}
}

func (a *app) showHistory(p campaign.Person, rows []campaign.HistoryRow) {
	a.printf("%s\n", p.Email)
	switch {
	case p.Contact == nil:
		a.printf("  is no contact\n")
	case len(rows) == 0:
		a.printf("  was in no run yet\n")
	}
	for _, h := range rows {
		a.printf("\n  %s, run %d: %s%s\n", h.Campaign, h.Row.Run, h.Row.State, because(h.Row.Reason)+ofVariant(h.Row.Variant))
		for _, at := range h.Attempts {
			a.printf("    %s  attempt %d: %s%s\n", day(at.At), at.Number, at.State, because(at.Reason))
			if at.Reply != "" {
				a.printf("        %s %s %s\n", codeText(at.Code), at.Enhanced, at.Reply)
			}
			if at.Host != "" {
				a.printf("        from %s\n", at.Host)
			}
		}
		switch {
		case h.Row.State == campaign.Accepted:
			a.printf("    %s  attempt %d: accepted with %s\n", day(h.Row.At), h.Row.Attempts, codeText(h.Row.Code))
		case h.Row.State == campaign.Deferred:
			a.printf("    next attempt %s\n", day(h.Row.Due))
		}
		for _, f := range p.Feedback {
			if f.Run == h.Row.Run {
				a.printf("    %s  came back: %s%s\n", day(f.At), f.Kind, colon(f.Detail))
			}
		}
	}
	a.showWhyNot(p)
}

// showWhyNot tells what keeps mail from a person.
func (a *app) showWhyNot(p campaign.Person) {
	for _, l := range p.Lists {
		if !l.Subscribed {
			a.printf("\n  %s  left the list %s\n", day(l.Since), l.List)
		}
	}
	for _, s := range p.Suppressions {
		where := "whatever the list"
		if s.List != "" {
			where = "on the list " + s.List
		}
		a.printf("\n  %s  suppressed, %s: %s%s\n", day(s.At), where, s.Reason, colon(s.Detail))
		if campaign.AddressKey(p.Email) != s.Who {
			a.printf("        by %s\n", s.Who)
		}
	}
}

// ofVariant names what the person got in an A/B test.
func ofVariant(v campaign.Variant) string {
	if v == campaign.NoVariant {
		return ""
	}
	return ", variant " + v.String()
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func whyJSON(p campaign.Person, rows []campaign.HistoryRow) map[string]any {
	left := []campaign.PersonList{}
	for _, l := range p.Lists {
		if !l.Subscribed {
			left = append(left, l)
		}
	}
	return map[string]any{"email": p.Email, "history": historyJSON(rows), "came_back": p.Feedback, "left": left, "suppressions": p.Suppressions}
}

func historyJSON(rows []campaign.HistoryRow) []map[string]any {
	out := make([]map[string]any, 0, len(rows))
	for _, h := range rows {
		attempts := make([]map[string]any, 0, len(h.Attempts))
		for _, at := range h.Attempts {
			attempts = append(attempts, map[string]any{
				"number": at.Number, "state": at.State.String(), "reason": at.Reason.String(), "code": at.Code,
				"enhanced": at.Enhanced, "reply": at.Reply, "host": at.Host, "at": at.At,
			})
		}
		out = append(out, map[string]any{
			"campaign": h.Campaign, "run": h.Row.Run, "state": h.Row.State.String(), "reason": h.Row.Reason.String(),
			"variant": h.Row.Variant, "code": h.Row.Code, "attempts": attempts, "at": h.Row.At,
		})
	}
	return out
}
