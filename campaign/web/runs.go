package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
)

// sitesOf sums a run's counts by site, the largest first.
func sitesOf(lanes []campaign.LaneCount) []siteNews {
	byName := map[string]*siteNews{}
	var list []*siteNews
	for _, l := range lanes {
		name := l.Lane.Title()
		site := byName[name]
		if site == nil {
			site = &siteNews{Name: name}
			byName[name] = site
			list = append(list, site)
		}
		site.Counts.Add(l.State, l.N)
	}
	slices.SortStableFunc(list, func(a, b *siteNews) int { return cmp.Compare(b.Counts.Planned, a.Counts.Planned) })
	sites := make([]siteNews, len(list))
	for i, s := range list {
		sites[i] = *s
	}
	return sites
}

// because is how many recipients are in a state for a reason.
type because struct {
	State  campaign.State
	Reason campaign.Reason
	N      int64
	Sites  []siteShare // where they are, the most first
}

// AtSites says at which sites, in one line.
func (b because) AtSites() string {
	var words []string
	rest := b.N
	for _, s := range b.Sites[:min(len(b.Sites), sitesNamed)] {
		words = append(words, s.Name+" "+group(s.N))
		rest -= s.N
	}
	if rest > 0 && len(words) > 0 {
		words = append(words, "others "+group(rest))
	}
	return strings.Join(words, " · ")
}

// sitesNamed are those that a reason's line has room for.
const sitesNamed = 4

type runView struct {
	Run     campaign.Run
	Counts  campaign.Counts
	Terms   []because // the balance, a term for each state
	Reasons []because // for states that need one, most frequent first
	Sites   []siteNews
	Heard   []heardOf
	Hours   string    // in which it may send, "" for always
	Waits   string    // what it waits for
	Held    int64     // who are in waves that are not open
	Waves   string    // how it was parted
	Spread  string    // over how long
	Until   time.Time // that it is spread
	Seconds float64   // that the run took
	Earlier []runLine
	Brake   campaign.BrakePull // of a run that stopped itself and went on
	Readers campaign.Readers
	AB      *campaign.ABReport
}

// repliesShown are the most frequent replies of servers.
const repliesShown = 12

// showReplies is a part of the page of a run, which asks for it when it is shown: with
// millions of recipients it takes seconds to group.
func showReplies(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	replies, err := v.app.Store.TopReplies(v.r.Context(), run.ID, repliesShown)
	if err != nil {
		return err
	}
	return v.renderPart("replies", "part", struct {
		Run     campaign.RunID
		Replies []campaign.ReplyCount
	}{run.ID, replies})
}

func showRun(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	ctx, store := v.r.Context(), v.app.Store
	status, err := v.app.Service.StatusOf(ctx, run.ID)
	if err != nil {
		return err
	}
	body := runView{Run: run, Counts: status.Counts, Readers: status.Readers, AB: status.AB, Sites: sitesOf(status.Lanes)}
	zone := v.User.Location()
	body.Hours, _ = hours(run.Spec, v.app.Now(), zone)
	body.Spread, body.Until = written(run.Spec.Spread), status.SpreadUntil()
	body.Waits, body.Held, body.Waves = status.WaitsFor(v.app.Now(), zone), status.Waves.Held(v.app.Now()), status.Waves.Parted(zone)
	for _, s := range campaign.States() {
		body.Terms = append(body.Terms, because{State: s, N: numberOf(status.Counts, s)})
	}
	body.Reasons, body.Heard = reasonsOf(status.Lanes), heardOfRun(status.Heard)
	if !run.Open() {
		body.Seconds = run.Finished.Sub(run.Started).Seconds()
	}
	if body.Brake, err = store.BrakeOf(ctx, run.ID); err != nil {
		return err
	}
	runs, err := store.RunsOf(ctx, run.Campaign, run.ID, 5)
	if err != nil {
		return err
	}
	for _, r := range runs {
		counts, err := store.Counts(ctx, r.ID)
		if err != nil {
			return err
		}
		body.Earlier = append(body.Earlier, runLine{r, counts})
	}
	return v.render(http.StatusOK, "run", run.Spec.Name, body)
}

// reasonsOf sums a run's counts by state and reason where there is one, and each by site.
func reasonsOf(lanes []campaign.LaneCount) []because {
	type key struct {
		s campaign.State
		r campaign.Reason
	}
	sums := map[key]map[string]int64{}
	for _, l := range lanes {
		if l.Reason == campaign.NoReason || l.N == 0 {
			continue
		}
		k := key{l.State, l.Reason}
		if sums[k] == nil {
			sums[k] = map[string]int64{}
		}
		sums[k][l.Lane.Title()] += l.N
	}
	var list []because
	for k, sites := range sums {
		b := because{State: k.s, Reason: k.r}
		for name, n := range sites {
			b.N += n
			b.Sites = append(b.Sites, siteShare{Name: name, N: n})
		}
		slices.SortFunc(b.Sites, func(x, y siteShare) int { return cmp.Or(cmp.Compare(y.N, x.N), cmp.Compare(x.Name, y.Name)) })
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b because) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// heardOf is how many of those whose message was accepted were heard of in a way.
type heardOf struct {
	What string
	N    int64
}

func heardOfRun(counts []campaign.FeedbackCount) []heardOf {
	list := []heardOf{{What: "came back later"}, {What: "called it spam"}, {What: "unsubscribed"}}
	for _, c := range counts {
		switch c.Kind {
		case campaign.SoftBounce, campaign.HardBounce, campaign.Refusal:
			list[0].N += c.N
		case campaign.Complaint:
			list[1].N += c.N
		case campaign.Unsubscription:
			list[2].N += c.N
		}
	}
	return slices.DeleteFunc(list, func(h heardOf) bool { return h.N == 0 })
}

// run finds the run that the path names.
func (v *visit) run() (campaign.Run, error) {
	id, err := v.id("id")
	if err != nil {
		return campaign.Run{}, err
	}
	run, err := v.app.Store.RunByID(v.r.Context(), campaign.RunID(id))
	v.object = fmt.Sprintf("%s, run %d", run.Spec.Name, id)
	return run, err
}

// runEvents streams what the page of a run shows until it is over.
func runEvents(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	zone := v.User.Location()
	watch, leave := v.app.watches.join(run.ID)
	defer leave()
	out, err := v.events()
	if err != nil {
		return nil // the page was closed
	}
	for first := true; ; {
		text, over, changed := watch.see(zone, first)
		if text != nil { // there are news
			if out.write(text) != nil || over {
				return nil
			}
			first = false
		}
		select {
		case <-changed:
		case <-v.r.Context().Done():
			return nil
		case <-v.app.stopping:
			return nil
		}
	}
}

func pauseRun(v *visit) error {
	return v.steer(func(id campaign.RunID) (campaign.Run, error) {
		return v.app.Service.PauseRun(v.r.Context(), id, "paused by "+v.User.Name)
	})
}

func resumeRun(v *visit) error {
	return v.steer(func(id campaign.RunID) (campaign.Run, error) {
		return v.app.Service.ResumeRun(v.r.Context(), id)
	})
}

func cancelRun(v *visit) error {
	return v.steer(func(id campaign.RunID) (campaign.Run, error) {
		return v.app.Service.CancelRun(v.r.Context(), id, "cancelled by "+v.User.Name)
	})
}

// undoRun takes a start back; it never stops a run that has begun.
func undoRun(v *visit) error {
	return v.steer(func(id campaign.RunID) (campaign.Run, error) {
		return v.app.Service.UndoRun(v.r.Context(), id, "taken back by "+v.User.Name)
	})
}

// sendRest lets everybody go who waits for the run's next wave.
func sendRest(v *visit) error {
	return v.steer(func(id campaign.RunID) (campaign.Run, error) {
		return v.app.Service.SendRest(v.r.Context(), id, v.User.Name)
	})
}

func weighRun(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	f, err := v.readForm("weight")
	if err != nil {
		return err
	}
	weight, err := strconv.Atoi(strings.TrimSpace(f.Values["weight"]))
	if err != nil || weight < 1 || weight > 100 {
		return v.refuse(http.StatusUnprocessableEntity, "Not changed", "A weight is a whole number from 1 to 100; 10 is usual.")
	}
	if _, err := v.app.Service.SetWeight(v.r.Context(), run.ID, weight); err != nil {
		return err
	}
	v.flash("The run has weight %d now, against the weights of other runs.", weight)
	return v.redirect(fmt.Sprintf("/runs/%d", run.ID))
}

func (v *visit) steer(move func(campaign.RunID) (campaign.Run, error)) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	if run, err = move(run.ID); err != nil {
		return err
	}
	v.app.watches.poke(run.ID)
	if v.wantsData() {
		return v.json(http.StatusOK, map[string]string{"state": string(run.State)})
	}
	return v.redirect(fmt.Sprintf("/runs/%d", run.ID))
}

// Took writes how long something took.
func (v view) Took(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f seconds", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}
