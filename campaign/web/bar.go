package web

import (
	"fmt"
	"strings"

	"broadside/campaign"
)

// barPart is a state's part of a bar that is 1,000 units wide.
type barPart struct {
	State    campaign.State
	X, Width float64
}

// bar is a run by state, for the part "balance".
type bar struct {
	Class, Label string
	Parts        []barPart
}

// barStates are the settled states in the order of the bar; what is left over waits.
var barStates = []campaign.State{campaign.Accepted, campaign.Deferred, campaign.Bounced, campaign.Unknown, campaign.Skipped, campaign.Cancelled}

// numberOf returns a state's term of the balance.
func numberOf(c campaign.Counts, s campaign.State) int64 {
	switch s {
	case campaign.Accepted:
		return c.Accepted
	case campaign.Deferred:
		return c.Deferred
	case campaign.Bounced:
		return c.Bounced
	case campaign.Unknown:
		return c.Unknown
	case campaign.Skipped:
		return c.Skipped
	case campaign.Cancelled:
		return c.Cancelled
	}
	return c.Waiting
}

func barOf(c campaign.Counts, class string) bar {
	b := bar{Class: class}
	var words []string
	x := 0.0
	for _, s := range barStates {
		n := numberOf(c, s)
		if n == 0 {
			continue
		}
		width := 1000 * float64(n) / float64(max(c.Planned, 1))
		b.Parts = append(b.Parts, barPart{s, x, width})
		words = append(words, fmt.Sprintf("%s %s", group(n), s))
		x += width
	}
	b.Label = fmt.Sprintf("Of %s: %s, %s waiting", group(c.Planned), strings.Join(words, ", "), group(c.Waiting))
	return b
}
