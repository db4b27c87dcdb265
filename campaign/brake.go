package campaign

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Brake pauses a run by itself when a site's answers say that going on does harm. Each
// share is of what the site has settled of the run, in percent.
type Brake struct {
	Off bool `json:"off,omitempty" toml:"off" yaml:"off"`
	// Bounces are addresses that don't exist or take no mail: a list that is not what it
	// was thought to be. Default 10.
	Bounces float64 `json:"bounces,omitempty" toml:"bounces" yaml:"bounces"`
	// Complaints are people who called the message spam. Default 0.3, Gmail's limit.
	Complaints float64 `json:"complaints,omitempty" toml:"complaints" yaml:"complaints"`
	// Rejections are refusals for what the message says or who sent it. Default 10.
	Rejections float64 `json:"rejections,omitempty" toml:"rejections" yaml:"rejections"`
	// Least is how many recipients of a site must be settled before it is judged: a few
	// dead addresses at the start are no share. Default 500.
	Least int64 `json:"least,omitempty" toml:"least" yaml:"least"`
	// Canary is the share of the audience that goes first, such as "2%", or "off". Default:
	// 1 % of 50,000 subscribers and more, but 1,000 to 10,000 people.
	Canary string `json:"canary,omitempty" toml:"canary" yaml:"canary"`
	// CanaryWait is how long the rest waits after the canary was tried. Default 10 m.
	CanaryWait Duration `json:"canary_wait,omitzero" toml:"canary_wait" yaml:"canary_wait"`
}

// DefaultBrake holds for whoever says nothing else.
var DefaultBrake = Brake{Bounces: 10, Complaints: 100 * ComplaintsLimit, Rejections: 10, Least: 500, CanaryWait: Duration(canaryWait)}

// WithDefaults fills in what is not said.
func (b Brake) WithDefaults() Brake {
	return Brake{
		Off: b.Off, Bounces: cmp.Or(b.Bounces, DefaultBrake.Bounces), Complaints: cmp.Or(b.Complaints, DefaultBrake.Complaints),
		Rejections: cmp.Or(b.Rejections, DefaultBrake.Rejections), Least: cmp.Or(b.Least, DefaultBrake.Least),
		Canary: b.Canary, CanaryWait: cmp.Or(b.CanaryWait, DefaultBrake.CanaryWait),
	}
}

// Validate says what is wrong with it; each problem begins with its key.
func (b Brake) Validate() error {
	var errs []error
	for _, share := range []struct {
		key string
		v   float64
	}{{"bounces", b.Bounces}, {"complaints", b.Complaints}, {"rejections", b.Rejections}} {
		if !(share.v >= 0 && share.v <= 100) { // a NaN neither
			errs = append(errs, fmt.Errorf("brake.%s: must be a percentage from 0 (the default) to 100, but is %v", share.key, share.v))
		}
	}
	if b.Least < 0 {
		errs = append(errs, fmt.Errorf("brake.least: must be a number of recipients, 0 for the default of %d, but is %d", DefaultBrake.Least, b.Least))
	}
	if err := b.validateCanary(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// BrakePull is when and why a run's brake was pulled; its zero value is of runs whose
// brake never was.
type BrakePull struct {
	At   time.Time
	Note string
}

// Harm is what a brake was pulled for: a site's share of a kind above its limit.
type Harm struct {
	Lane    Lane
	Kind    string // "bounced", "complained" or "were rejected"
	N, Of   int64
	Limit   float64 // percent
	Reasons []Reason
}

// Share is in percent.
func (h *Harm) Share() float64 { return 100 * float64(h.N) / float64(h.Of) }

// goneReasons say that an address takes no mail, rejectedReasons that it did not want this.
var (
	goneReasons     = []Reason{UserUnknown, DomainUnknown}
	rejectedReasons = []Reason{PolicyRejected, Blocked, AuthRejected}
)

// Judge returns the worst harm at any site, measured by how often it has its limit; nil
// when all is within them.
func (b Brake) Judge(lanes []LaneCount, heard []FeedbackCount) *Harm {
	if b.Off {
		return nil
	}
	b = b.WithDefaults()
	sites := map[Lane]*toll{}
	for _, l := range lanes {
		tollOf(sites, l.Lane).add(l)
	}
	for _, f := range heard {
		tollOf(sites, f.Lane).hear(f)
	}
	var worst *Harm
	for lane, t := range sites {
		for _, h := range []*Harm{
			{lane, "bounced", t.gone, t.settled, b.Bounces, goneReasons},
			{lane, "complained", t.complaints, t.accepted, b.Complaints, nil},
			{lane, "were rejected", t.rejected, t.settled, b.Rejections, rejectedReasons},
		} {
			if h.N > 0 && h.Of >= max(b.Least, 1) && h.Share() > h.Limit && (worst == nil || worse(h, worst)) {
				worst = h
			}
		}
	}
	return worst
}

// worse orders harms by how often they have their limit, then by lane.
func worse(a, b *Harm) bool {
	return cmp.Or(cmp.Compare(b.Share()/b.Limit, a.Share()/a.Limit), cmp.Compare(a.Lane, b.Lane)) < 0
}

// toll is what became of a site's part of a run.
type toll struct {
	settled, accepted, gone, rejected, complaints int64
}

func tollOf(sites map[Lane]*toll, lane Lane) *toll {
	if sites[lane] == nil {
		sites[lane] = &toll{}
	}
	return sites[lane]
}

// add counts tried recipients. Who was refused for now is settled too when the refusal is
// about us: a provider that blocks says so with 4yz for days.
func (t *toll) add(l LaneCount) {
	rejected := l.Reason == PolicyRejected || l.Reason == Blocked || l.Reason == AuthRejected
	switch l.State {
	case Accepted:
		t.accepted += l.N
	case Bounced:
		if l.Reason == UserUnknown || l.Reason == DomainUnknown {
			t.gone += l.N
		}
	case Deferred:
		if !rejected {
			return
		}
	default:
		return
	}
	if rejected && l.State != Accepted {
		t.rejected += l.N
	}
	t.settled += l.N
}

// hear counts what came after acceptance; who bounced then is settled already.
func (t *toll) hear(f FeedbackCount) {
	switch f.Kind {
	case HardBounce:
		t.gone += f.N
	case Refusal:
		t.rejected += f.N
	case Complaint:
		t.complaints += f.N
	}
}
