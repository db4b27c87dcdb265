package campaign

import (
	"math"
	"strings"
	"testing"
)

func TestBrakeJudges(t *testing.T) {
	counts := func(l Lane, accepted, gone, blocked, greylisted int64) []LaneCount {
		return []LaneCount{
			{l, Accepted, NoReason, accepted}, {l, Bounced, UserUnknown, gone}, {l, Deferred, Blocked, blocked},
			{l, Deferred, Greylisted, greylisted}, {l, Bounced, MailboxFull, 40}, {l, Waiting, NoReason, 10_000}, {l, Skipped, Suppressed, 5000},
		}
	}
	for name, c := range map[string]struct {
		brake Brake
		lanes []LaneCount
		heard []FeedbackCount
		lane  Lane
		kind  string // "" when it is not pulled
	}{
		"all is well":                {lanes: counts(LaneGoogle, 5000, 50, 0, 0)},
		"nobody is settled":          {lanes: counts(LaneGoogle, 0, 0, 0, 9000)},
		"too early to tell":          {lanes: counts(LaneGoogle, 100, 90, 0, 0)},
		"soon enough to tell":        {brake: Brake{Least: 100}, lanes: counts(LaneGoogle, 100, 90, 0, 0), lane: LaneGoogle, kind: "bounced"},
		"a dead list":                {lanes: counts(LaneGoogle, 800, 160, 0, 0), lane: LaneGoogle, kind: "bounced"},
		"the limit itself":           {brake: Brake{Least: 1}, lanes: []LaneCount{{LaneGoogle, Accepted, NoReason, 90}, {LaneGoogle, Bounced, UserUnknown, 10}}},
		"a list that may be dead":    {brake: Brake{Bounces: 40}, lanes: counts(LaneGoogle, 800, 160, 0, 0)},
		"off":                        {brake: Brake{Off: true}, lanes: counts(LaneGoogle, 0, 900, 900, 0)},
		"a site that blocks":         {lanes: counts(LaneMicrosoft, 0, 0, 700, 0), lane: LaneMicrosoft, kind: "were rejected"},
		"greylisting is no refusal":  {lanes: counts(LaneMicrosoft, 600, 0, 0, 9000)},
		"one bad site of two":        {lanes: append(counts(LaneGoogle, 50_000, 10, 0, 0), counts(LaneYahoo, 500, 10, 200, 0)...), lane: LaneYahoo, kind: "were rejected"},
		"the worse of two":           {lanes: append(counts(LaneGoogle, 500, 100, 0, 0), counts(LaneYahoo, 100, 0, 600, 0)...), lane: LaneYahoo, kind: "were rejected"},
		"complaints":                 {lanes: counts(LaneYahoo, 1000, 0, 0, 0), heard: []FeedbackCount{{LaneYahoo, Complaint, 4}}, lane: LaneYahoo, kind: "complained"},
		"Gmail's limit is not above": {lanes: counts(LaneYahoo, 1000, 0, 0, 0), heard: []FeedbackCount{{LaneYahoo, Complaint, 3}}},
		"bounces that come later":    {lanes: counts(LaneYahoo, 1000, 0, 0, 0), heard: []FeedbackCount{{LaneYahoo, HardBounce, 300}}, lane: LaneYahoo, kind: "bounced"},
		"full mailboxes are no harm": {lanes: counts(LaneYahoo, 1000, 0, 0, 0), heard: []FeedbackCount{{LaneYahoo, SoftBounce, 300}}},
	} {
		harm := c.brake.Judge(c.lanes, c.heard)
		switch {
		case harm == nil && c.kind == "":
		case harm == nil:
			t.Errorf("%s: it is not pulled, want it for who %s", name, c.kind)
		case harm.Lane != c.lane || harm.Kind != c.kind:
			t.Errorf("%s: it is pulled for %+v, want %v %q", name, harm, c.lane, c.kind)
		}
	}
}

func TestBrakeNote(t *testing.T) {
	h := &Harm{Lane: LaneGoogle, Kind: "bounced", N: 160, Of: 1000, Limit: 10}
	const want = "The brake stopped this run: 160 of 1000 at Gmail bounced, 16 %, more than 10 %. The server says: 550 5.1.1 no such user. Resume to go on without the brake, or cancel."
	if got := h.note("550 5.1.1 no such user"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := h.note(""); strings.Contains(got, "server") {
		t.Errorf("nobody said anything: %s", got)
	}
}

func TestBrakeValidates(t *testing.T) {
	for want, b := range map[string]Brake{
		"":                 {Bounces: 5, Complaints: 0.1, Rejections: 100, Least: 1},
		"brake.bounces":    {Bounces: 101},
		"brake.complaints": {Complaints: -1},
		"brake.rejections": {Rejections: math.NaN()},
		"brake.least":      {Least: -1},
	} {
		err := b.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", b, err, want)
		}
	}
}

// What a person has put right is not held against the run again.
func TestBrakeAfterAPause(t *testing.T) {
	refused := tally{lanes: []LaneCount{{LaneGoogle, Accepted, NoReason, 20}, {LaneGoogle, Deferred, AuthRejected, 600}}}
	healed := tally{lanes: []LaneCount{{LaneGoogle, Accepted, NoReason, 500}, {LaneGoogle, Deferred, AuthRejected, 120}}}
	if h := (Brake{Least: 100}).Judge(healed.since(refused)); h != nil {
		t.Errorf("it is pulled for what was before: %+v", h)
	}
	worse := tally{lanes: []LaneCount{{LaneGoogle, Accepted, NoReason, 20}, {LaneGoogle, Deferred, AuthRejected, 800}}, heard: []FeedbackCount{{LaneGoogle, Complaint, 1}}}
	if h := (Brake{Least: 100}).Judge(worse.since(refused)); h == nil || h.N != 200 || h.Of != 200 {
		t.Errorf("what came since is judged as %+v, want 200 of 200", h)
	}
	if h := (Brake{Least: 100}).Judge(refused.since(tally{})); h == nil || h.N != 600 {
		t.Errorf("all of it is judged as %+v", h)
	}
}
