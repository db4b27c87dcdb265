package campaign

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"broadside/campaign/schedule"
	"broadside/campaign/segment"
)

// The values of what a Spec leaves out.
const (
	defaultWeight = 10
	defaultGiveUp = 72 * time.Hour // RFC 5321 §4.5.4.1 has 4–5 days; news is old before
	maxGiveUp     = 30 * 24 * time.Hour
	minSpread     = 10 * time.Minute
	maxSpread     = 7 * 24 * time.Hour
)

// WithDefaults returns the Spec with what it leaves out filled in: weight 10,
// priority bulk, on_unknown resend, give_up 72h.
func (s Spec) WithDefaults() Spec {
	if s.Weight == 0 {
		s.Weight = defaultWeight
	}
	if s.Template() {
		s.Priority = Express // whatever was said: somebody waits for each message
	}
	if s.Priority == "" {
		s.Priority = Bulk
	}
	if s.OnUnknown == "" {
		s.OnUnknown = Resend
	}
	if s.GiveUp == 0 {
		s.GiveUp = Duration(defaultGiveUp)
	}
	s.AB = s.AB.withDefaults()
	return s
}

// Validate returns every problem of a Spec with its defaults, joined; each begins
// with its key. What is in the content is package message's to check.
func (s Spec) Validate() error {
	var p problems
	p.ofMessage(s)
	p.ofAudience(s)
	p.ofFirstParts(s)
	p.ofRank(s)
	p.ofTimes(s)
	p.ofOutcomes(s)
	return errors.Join(p...)
}

// problems are those of a Spec, in the order of its keys.
type problems []error

func (p *problems) add(key, format string, a ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, a...)))
}

// under adds each line of an error, whose keys are below one of ours.
func (p *problems) under(key string, err error) {
	for line := range strings.Lines(err.Error()) {
		*p = append(*p, errors.New(key+"."+strings.TrimSpace(line)))
	}
}

// ofMessage looks at what everybody gets.
func (p *problems) ofMessage(s Spec) {
	if problem := nameProblem(s.Name); problem != "" {
		p.add("name", "%s", problem)
	}
	if problem := mailboxProblem(s.From); problem != "" {
		p.add("from", "%s", problem)
	}
	if s.ReplyTo != "" {
		if problem := mailboxProblem(s.ReplyTo); problem != "" {
			p.add("reply_to", "%s", problem)
		}
	}
	if strings.TrimSpace(s.Subject) == "" {
		p.add("subject", "is empty; write one")
	}
	switch {
	case s.HTML != "" && s.Markdown != "":
		p.add("markdown", "there is html too; keep one of them")
	case s.HTML == "" && s.Markdown == "" && s.Text == "":
		p.add("html", "there is no content; write html, markdown or text")
	}
}

// ofAudience looks at who gets it.
func (p *problems) ofAudience(s Spec) {
	if len(s.Lists) == 0 && s.Class != Transactional {
		p.add("lists", "name at least one list to send to")
	}
	for _, name := range s.Lists {
		if slices.Contains(s.Exclude, name) {
			p.add("exclude", "%q is also under lists; keep it in one of them", name)
		}
	}
	for _, name := range s.Segments {
		if slices.Contains(s.ExcludeSegments, name) {
			p.add("exclude_segments", "%q is also under segments; keep it in one of them", name)
		}
	}
	if s.Segment != "" {
		if _, err := segment.Parse(s.Segment); err != nil {
			*p = append(*p, err) // begins with "segment"
		}
	}
}

// ofFirstParts looks at who goes first and what is tried on them: the brake's canary, and
// the A/B test.
func (p *problems) ofFirstParts(s Spec) {
	if err := s.Brake.Validate(); err != nil {
		*p = append(*p, err)
	}
	if err := s.AB.Validate(); err != nil {
		*p = append(*p, err)
	} else if s.AB.On() && s.Class == Transactional {
		p.add("ab", "a message about an order or an account is no test; take it out")
	} else if s.AB.HasRest() && s.LocalTime.On() {
		p.add("ab.share", "must be 100 while everybody gets it by their own clock: nobody can wait for a winner then; or take out local_time")
	}
	if share, _, err := s.Brake.canary(); err == nil && share > 0 && s.AB.HasRest() {
		p.add("brake.canary", "the A/B test is the canary: its rest leaves only when those in it were tried; take one of them out")
	}
}

// ofRank looks at what it is beside other campaigns.
func (p *problems) ofRank(s Spec) {
	if s.Weight < 1 || s.Weight > 100 {
		p.add("weight", "must be 1 to 100, but is %d", s.Weight)
	}
	if s.Priority != Bulk && s.Priority != Express {
		p.add("priority", "must be bulk or express, but is %q", s.Priority)
	}
	if s.Class != "" && s.Class != Marketing && s.Class != Transactional {
		p.add("class", "must be marketing or transactional, but is %q", s.Class)
	}
}

// ofTimes looks at when it may leave.
func (p *problems) ofTimes(s Spec) {
	if _, err := s.Window.Parse(); err != nil {
		p.under("window", err)
	} else if s.Window != (schedule.Window{}) && s.Class == Transactional {
		p.add("window", "a message about an order or an account does not wait for office hours; take out the window")
	}
	if s.Repeat != (schedule.Repeat{}) {
		if _, err := s.Repeat.Parse(); err != nil {
			p.under("repeat", err)
		}
	}
	*p = append(*p, s.localProblems()...)
	if d := time.Duration(s.Spread); d != 0 && (d < minSpread || d > maxSpread) {
		p.add("spread", "must be between %s and %s, but is %s", minSpread, maxSpread, d)
	}
}

// ofOutcomes looks at what follows an attempt, and what is counted of readers.
func (p *problems) ofOutcomes(s Spec) {
	if s.OnUnknown != Resend && s.OnUnknown != Hold {
		p.add("on_unknown", "must be resend or hold, but is %q", s.OnUnknown)
	}
	if d := time.Duration(s.GiveUp); d < time.Minute || d > maxGiveUp {
		p.add("give_up", "must be between 1m and %s, but is %s", maxGiveUp, d)
	}
	for _, track := range [][2]string{{"track.opens", s.Track.Opens}, {"track.clicks", s.Track.Clicks}} {
		if !slices.Contains([]string{"", "off", "anonymous", "individual"}, track[1]) {
			p.add(track[0], "must be off, anonymous or individual, but is %q", track[1])
		}
	}
}

func nameProblem(name string) string {
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Sprintf("must be 1 to 100 characters on one line, but has %d", n)
	}
	return ""
}

// mailboxProblem says why s is not one mailbox with a domain.
func mailboxProblem(s string) string {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.Contains(a.Address, "[") {
		return fmt.Sprintf("%q is not one mailbox; write it like News <news@example.org>", s)
	}
	return ""
}
