package main

import (
	"fmt"

	"broadside/campaign"
)

// siteFeedback is what came back from one site's people after their messages had been
// accepted, and how many left by them.
type siteFeedback struct {
	name                              string
	accepted                          int64
	hard, soft, refused, spammy, left int64
}

// complaints is their share of the accepted messages.
func (f siteFeedback) complaints() float64 {
	if f.accepted == 0 {
		return 0
	}
	return float64(f.spammy) / float64(f.accepted)
}

// line says on which side of Gmail's lines the complaints are.
func (f siteFeedback) line() string {
	switch share := f.complaints(); {
	case share >= campaign.ComplaintsLimit:
		return "over Gmail's limit of 0.3 %: mail lands in spam"
	case share >= campaign.ComplaintsWatch:
		return "above Gmail's 0.1 %: find out why"
	}
	return ""
}

// feedbackBySite sums a run's feedback by site, all of them first; none when nothing
// came back.
func feedbackBySite(st campaign.Status) []siteFeedback {
	if len(st.Heard) == 0 {
		return nil
	}
	all := siteFeedback{name: "all sites", accepted: st.Counts.Accepted}
	var sites []siteFeedback
	for _, l := range byLane(st.Lanes) {
		f := siteFeedback{name: l.name, accepted: l.Accepted}
		for _, c := range st.Heard {
			if laneName(c.Lane) == l.name {
				f.add(c)
				all.add(c)
			}
		}
		if f.hard+f.soft+f.refused+f.spammy+f.left > 0 {
			sites = append(sites, f)
		}
	}
	return append([]siteFeedback{all}, sites...)
}

func (f *siteFeedback) add(c campaign.FeedbackCount) {
	switch c.Kind {
	case campaign.HardBounce:
		f.hard += c.N
	case campaign.SoftBounce:
		f.soft += c.N
	case campaign.Refusal:
		f.refused += c.N
	case campaign.Complaint:
		f.spammy += c.N
	case campaign.Unsubscription:
		f.left += c.N
	}
}

// showFeedback prints what came back later, if anything did.
func (a *app) showFeedback(st campaign.Status) {
	sites := feedbackBySite(st)
	if len(sites) == 0 {
		return
	}
	a.printf("\nCame back after it was accepted:\n\n")
	t := newTable("site", ">gone", ">soft", ">refused", ">complaints", ">share", ">unsubscribed", "")
	for _, f := range sites {
		t.row(f.name, group(f.hard), group(f.soft), group(f.refused), group(f.spammy), fmt.Sprintf("%.2f %%", 100*f.complaints()), group(f.left), f.line())
	}
	t.print(a.out)
}

func feedbackJSON(st campaign.Status) map[string]any {
	out := map[string]any{}
	for _, f := range feedbackBySite(st) {
		out[f.name] = map[string]any{
			"gone": f.hard, "soft": f.soft, "refused": f.refused, "complaints": f.spammy, "unsubscribed": f.left,
			"complaint_rate": f.complaints(), "line": f.line(),
		}
	}
	return out
}
