package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The canary is the share of a run's audience that goes first, drawn at random over all
// sites. The rest leaves when the canary was tried, some time has passed for what comes
// later than the server's first answer, and the brake was not pulled.
const (
	// canaryFrom is from how many subscribers on a run has a canary if its campaign says
	// nothing: 1 % of them, but canaryLeast to canaryMost.
	canaryFrom  = 50_000
	canaryLeast = 1_000
	canaryMost  = 10_000
	// canaryWait is how long the rest waits after the canary was tried, if nothing is said.
	canaryWait    = 10 * time.Minute
	minCanaryWait = time.Minute
	maxCanaryWait = 24 * time.Hour
	// canarySettled is how many of a site are judged at the canary's end: fewer than
	// during a run, because they are all of it that the site had.
	canarySettled = 100
)

// maxShare is Waves.Share of everybody.
const maxShare = 1_000_000

// canary reads what a brake says of its canary: how many in a million go first, 0 for as
// many as its audience's size demands; off when there is none.
func (b Brake) canary() (share int, off bool, err error) {
	text := strings.TrimSpace(b.Canary)
	switch text {
	case "":
		return 0, b.Off, nil
	case "off":
		return 0, true, nil
	}
	number, isShare := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !isShare || !(percent >= 0.01 && percent <= 50) {
		return 0, true, fmt.Errorf("brake.canary: must be off or a share from 0.01%% to 50%%, such as 2%%, but is %q", b.Canary)
	}
	if b.Off {
		return 0, true, errors.New("brake.canary: nobody judges a canary while the brake is off; take one of them out")
	}
	return int(percent * maxShare / 100), false, nil
}

// validateCanary says what is wrong with the canary.
func (b Brake) validateCanary() error {
	_, _, err := b.canary()
	if d := time.Duration(b.CanaryWait); d != 0 && (d < minCanaryWait || d > maxCanaryWait) {
		err = errors.Join(err, fmt.Errorf("brake.canary_wait: must be between %s and %s, but is %s", minCanaryWait, maxCanaryWait, d))
	}
	return err
}

// mayHaveCanary reports whether runs of a campaign have one if they are large enough: not
// if somebody waits for the message, and, unless it is asked for, not if the mail is
// spread, which leaves the brake its time.
func (s Spec) mayHaveCanary() bool {
	share, off, err := s.Brake.canary()
	return err == nil && !off && s.Class != Transactional && !s.LocalTime.On() && (share > 0 || s.Priority != Express && s.Spread == 0)
}

// CanaryShare is how many in a million of a run's audience go first, whose lists have so
// many subscribers; 0 for none.
func (s Spec) CanaryShare(subscribers int64) int {
	share, _, _ := s.Brake.canary()
	switch {
	case !s.mayHaveCanary():
		return 0
	case share > 0 || subscribers < canaryFrom:
		return share
	}
	return int(min(max(subscribers/100, canaryLeast), canaryMost) * maxShare / subscribers)
}

// CanaryWords says who goes first of a run to so many subscribers; "" when nobody does.
func (s Spec) CanaryWords(subscribers int64) string {
	share := s.CanaryShare(subscribers)
	if share == 0 || s.waveKind() != CanaryWaves {
		return ""
	}
	return fmt.Sprintf("%.2g %% go first, over all sites; the rest leaves %s after they were tried, unless the brake stops the run",
		100*float64(share)/maxShare, roughly(time.Duration(s.Brake.WithDefaults().CanaryWait)))
}

// canaryWaves is how a run's audience is parted for its canary.
func (p *Planner) canaryWaves(ctx context.Context, r *Run) (Waves, error) {
	subscribers := int64(0)
	for _, name := range r.Spec.Lists {
		list, err := p.Store.ListByName(ctx, name)
		if err != nil {
			return Waves{}, err
		}
		subscribers += list.Subscribed
	}
	share := r.Spec.CanaryShare(subscribers)
	if share == 0 {
		return Waves{Kind: NoWaves}, nil
	}
	return Waves{Kind: CanaryWaves, Share: share}, nil
}

// canaryNote is why the rest of a run with a canary was let go.
const canaryNote = "the canary did no harm"

// needsNoCanary says why nobody need wait for a canary, now that the audience is known: its
// size was told beforehand by its lists, of which segments and exclusions leave a part.
func (s Spec) needsNoCanary(first firstWave) string {
	share, _, _ := s.Brake.canary()
	switch {
	case first.in == 0:
		return "nobody was drawn for a canary"
	case share == 0 && first.in+first.behind < canaryFrom:
		return "they are too few for a canary"
	}
	return ""
}

// minded is a run's canary that is being watched.
type minded struct {
	waves Waves
	tried bool // so much of it that it can be judged
}

// mind tells how a run's canary stands, and keeps when the rest is to leave as soon as
// that is known; over when there is nothing to wait for. An A/B test is its own canary, but
// its rest waits for the winner.
func (b *brakes) mind(ctx context.Context, r *Run) (c minded, over bool, err error) {
	p := b.p
	if c.waves, err = p.Store.WavesOf(ctx, r.ID); err != nil {
		if errors.Is(err, ErrNotFound) { // nothing of it is taken yet, or it was begun by an older version
			return c, r.SnapshotCursor != 0 || r.SnapshotDone, nil
		}
		return c, false, err
	}
	test := c.waves.Kind == ABWaves
	if c.waves.Kind != CanaryWaves && !test || c.waves.Open >= c.waves.Last() {
		return c, true, nil
	}
	if !r.SnapshotDone {
		return c, false, nil
	}
	if !c.waves.Due.IsZero() {
		c.tried = true
		return c, false, nil
	}
	if test && r.Spec.AB.Winner != ByChoice {
		return c, false, nil // whoever ends it says when all were tried
	}
	first, err := p.firstWave(ctx, r)
	if err != nil {
		return c, false, err
	}
	if why := r.Spec.needsNoCanary(first); why != "" && !test {
		_, err = p.Store.OpenWaves(ctx, r.ID, c.waves.Last(), why, p.Now())
		return c, err == nil, err
	}
	if c.tried = first.tried(b.tries.late(r, p.Now())); !c.tried || test {
		return c, false, nil
	}
	c.waves.Due = p.Now().Add(cmp.Or(time.Duration(r.Spec.Brake.CanaryWait), canaryWait))
	return c, false, p.Store.SetWavesDue(ctx, r.ID, c.waves.Due)
}

// letGo opens the rest of a run whose canary is due, when judging it found no harm.
func (p *Planner) letGo(ctx context.Context, r *Run, c minded) (bool, error) {
	if p.Now().Before(c.waves.Due) {
		return false, nil
	}
	opened, err := p.Store.OpenWaves(ctx, r.ID, c.waves.Last(), canaryNote, p.Now())
	if opened {
		p.Log.Info("planner: the rest of a run leaves", "run", r.ID, "campaign", r.Spec.Name, "why", canaryNote)
	}
	return err == nil, err
}
