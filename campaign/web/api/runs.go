package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Run is one execution of a campaign.
type Run struct {
	ID       int64     `json:"id"`
	Campaign int64     `json:"campaign"`
	Name     string    `json:"name" doc:"The campaign's, when it was started."`
	State    string    `json:"state" enum:"scheduled,running,paused,finished,cancelled"`
	Note     string    `json:"note,omitempty" doc:"Why it is in its state."`
	Weight   int       `json:"weight" doc:"Its share of a busy site, against other runs."`
	StartAt  time.Time `json:"start_at,omitzero" doc:"When it was to begin."`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero" doc:"When it was finished or cancelled."`
	// IrrevocableAt is the zero time for a run that has begun or is over.
	IrrevocableAt time.Time `json:"irrevocable_at,omitzero" doc:"Until then the start of a scheduled run can be undone: the first message leaves after it."`
	Forecast      *Forecast `json:"forecast,omitempty" doc:"What was foretold when it was started, if its audience was counted then."`
	Counted       bool      `json:"counted" doc:"The whole audience is planned."`
}

func runOf(r campaign.Run) Run {
	out := Run{
		ID: int64(r.ID), Campaign: int64(r.Campaign), Name: r.Spec.Name, State: string(r.State), Note: r.Note, Weight: r.Spec.Weight,
		StartAt: r.StartAt, Started: r.Started, Finished: r.Finished, Forecast: forecastOf(r.Forecast), Counted: r.SnapshotDone,
	}
	if r.State == campaign.RunScheduled {
		out.IrrevocableAt = r.StartAt
	}
	return out
}

// Status is where a run stands: planned = accepted + bounced + deferred + skipped +
// cancelled + unknown + waiting, always.
type Status struct {
	Run
	Counts campaign.Counts `json:"counts"`
	// Opens is zero while it waits for no window.
	Opens       time.Time          `json:"waits_until,omitzero" doc:"When a running run that is outside its window goes on."`
	SpreadUntil time.Time          `json:"spread_until,omitzero" doc:"When the last of it is to leave, if its mail is spread over time."`
	AB          *campaign.ABReport `json:"ab,omitempty" doc:"Where its A/B test stands, by variant."`
	Waves       *RunWaves          `json:"waves,omitempty" doc:"Of a run whose audience leaves in parts, one after the other."`
	Sites       []RunSite          `json:"sites" nullable:"false" doc:"The same by site, the largest first; small sites share lanes."`
}

// RunWaves are the parts of a run's audience that leave one after the other.
type RunWaves struct {
	Kind  string    `json:"kind" doc:"canary: a share goes first; ab: a test does; local: each by the clock of their own zone."`
	Held  int64     `json:"held" doc:"How many wait for a part that does not leave yet."`
	Due   time.Time `json:"due,omitzero" doc:"When the next leaves, as far as it is known."`
	Note  string    `json:"note,omitempty" doc:"Why the rest has left."`
	Parts []RunWave `json:"parts" nullable:"false" doc:"In order; those that have anybody so far."`
}

// RunWave is one of them.
type RunWave struct {
	Recipients int64     `json:"recipients" doc:"Who were not left out from the start."`
	At         time.Time `json:"at,omitzero" doc:"When it leaves, if that is told by the clock."`
	Open       bool      `json:"open" doc:"It leaves, or has left."`
}

func wavesOf(w campaign.WaveStatus, now time.Time) *RunWaves {
	if !w.Any() {
		return nil
	}
	out := &RunWaves{Kind: string(w.Kind), Held: w.Held(now), Due: w.NextAt(now), Note: w.Note, Parts: []RunWave{}}
	for _, p := range w.Parts {
		out.Parts = append(out.Parts, RunWave{p.N, p.Opens, p.Wave <= w.OpenAt(now) && (w.Complete || p.Wave <= w.First())})
	}
	return out
}

// RunSite is a site's part of a run.
type RunSite struct {
	Site    string          `json:"site"`
	Counts  campaign.Counts `json:"counts"`
	Reasons []RunReason     `json:"reasons" nullable:"false" doc:"Why, for states that have a reason."`
}

// RunReason is how many recipients are in a state for a reason.
type RunReason struct {
	State  string `json:"state"`
	Reason string `json:"reason"`
	N      int64  `json:"n"`
}

func (a *API) statusOf(s campaign.Status) Status {
	out := Status{Run: runOf(s.Run), Counts: s.Counts, Opens: s.Opens, SpreadUntil: s.SpreadUntil(), AB: s.AB, Waves: wavesOf(s.Waves, a.Now()), Sites: []RunSite{}}
	bySite := map[string]int{}
	for _, l := range s.Lanes {
		i, ok := bySite[l.Lane.String()]
		if !ok {
			i = len(out.Sites)
			bySite[l.Lane.String()] = i
			out.Sites = append(out.Sites, RunSite{Site: l.Lane.String(), Reasons: []RunReason{}})
		}
		site := &out.Sites[i]
		site.Counts.Add(l.State, l.N)
		if l.Reason != campaign.NoReason && l.N > 0 {
			site.Reasons = append(site.Reasons, RunReason{l.State.String(), l.Reason.String(), l.N})
		}
	}
	slices.SortStableFunc(out.Sites, func(a, b RunSite) int { return cmp.Compare(b.Counts.Planned, a.Counts.Planned) })
	return out
}

// Reply is how often a server's reply ended recipients of a run.
type Reply struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Code   int    `json:"code,omitempty"`
	Reply  string `json:"reply,omitempty"`
	N      int64  `json:"n"`
}

func replyOf(r campaign.ReplyCount) Reply {
	return Reply{r.State.String(), r.Reason.String(), int(r.Code), r.Reply, r.N}
}

// Report is what became of a run.
type Report struct {
	Status
	Brake    *Brake     `json:"brake,omitempty" doc:"When the run was stopped by itself."`
	Replies  []Reply    `json:"replies" nullable:"false" doc:"The most frequent ones of those that did not take the message."`
	Feedback []Feedback `json:"feedback" nullable:"false" doc:"What was heard after messages had been accepted; it is no term of the balance."`
	// Readers is what those who got the message did with it.
	Readers campaign.Readers `json:"readers" doc:"Openings and clicks, as far as the lists allow counting, machines apart."`
}

// Brake is when and why a run was stopped by itself.
type Brake struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// Feedback is how often something was heard from a site's recipients.
type Feedback struct {
	Site string `json:"site"`
	Kind string `json:"kind" doc:"soft bounce, hard bounce, refusal, complaint or unsubscription."`
	N    int64  `json:"n"`
}

func feedbackOf(f campaign.FeedbackCount) Feedback {
	return Feedback{f.Lane.String(), f.Kind.String(), f.N}
}

// RunPath names a run.
type RunPath struct {
	Run int64 `path:"run" minimum:"1" doc:"The run's id."`
}

func (a *API) addRuns() {
	add(a, Operation{Method: "GET", Path: "/runs", ID: "list-runs", Tag: "runs", Summary: "Runs, newest first", Need: account.See}, a.showRuns)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/runs", ID: "list-campaign-runs", Tag: "runs", Summary: "A campaign's runs, newest first", Need: account.See}, a.showRunsOf)
	add(a, Operation{Method: "GET", Path: "/runs/{run}", ID: "show-run", Tag: "runs", Summary: "Where a run stands, by state and by site", Need: account.See}, a.showRun)
	add(a, Operation{Method: "GET", Path: "/runs/{run}/report", ID: "show-report", Tag: "runs", Summary: "The same, with what the servers replied and the readers did", Need: account.See}, a.showReport)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/pause", ID: "pause-run", Tag: "runs", Summary: "Stop sending within a second", Means: "Nothing is lost. Asking twice changes nothing.", Need: account.Send, Action: "pause run"}, a.pause)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/resume", ID: "resume-run", Tag: "runs", Summary: "Let a paused run go on", Means: "Asking twice changes nothing.", Need: account.Send, Action: "resume run"}, a.resume)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/cancel", ID: "cancel-run", Tag: "runs", Summary: "End a run for good", Means: "Whoever was not reached is cancelled. Asking twice changes nothing.", Need: account.Send, Action: "cancel run"}, a.cancel)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/undo", ID: "undo-start", Tag: "runs", Summary: "Take a start back before the first message", Means: "The run is cancelled, and the campaign can be started as if it had not been. It is a conflict from irrevocable_at on: cancel the run then.", Need: account.Send, Action: "undo start"}, a.undo)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/rest", ID: "send-rest", Tag: "runs", Summary: "Send the rest of a run now", Means: "Everybody leaves who waits for a canary to be judged, or for the clock of their zone. It is a conflict when nobody does.", Need: account.Send, Action: "send rest"}, a.sendRest)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/weight", ID: "weigh-run", Tag: "runs", Summary: "Change an open run's share of busy sites", Means: "The planner feeds by it within a second.", Need: account.Send, Action: "weigh run"}, a.weigh)
	a.addABTests()
	a.addRecipients()
}

func byRunID(r campaign.Run) string { return number(r.ID) }

func (a *API) showRuns(ctx context.Context, _ *call, in *Paging) (*body[Page[Run]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	runs, err := a.Store.Runs(ctx, campaign.RunID(before), in.Limit)
	return answer(pageOf(runs, in.Limit, runOf, byRunID), err)
}

type campaignPage struct {
	CampaignPath
	Paging
}

func (a *API) showRunsOf(ctx context.Context, c *call, in *campaignPage) (*body[Page[Run]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	runs, err := a.Store.RunsOf(ctx, found.ID, campaign.RunID(before), in.Limit)
	return answer(pageOf(runs, in.Limit, runOf, byRunID), err)
}

// run finds the run that the path names.
func (a *API) run(ctx context.Context, c *call, in RunPath) (campaign.Run, error) {
	run, err := a.Store.RunByID(ctx, campaign.RunID(in.Run))
	c.object = fmt.Sprintf("%s, run %d", run.Spec.Name, in.Run)
	return run, err
}

func (a *API) showRun(ctx context.Context, _ *call, in *RunPath) (*body[Status], error) {
	s, err := a.Service.StatusOf(ctx, campaign.RunID(in.Run))
	return answer(a.statusOf(s), err)
}

// repliesShown are the most frequent replies of servers.
const repliesShown = 50

func (a *API) showReport(ctx context.Context, _ *call, in *RunPath) (*body[Report], error) {
	s, err := a.Service.StatusOf(ctx, campaign.RunID(in.Run))
	if err != nil {
		return nil, err
	}
	replies, err := a.Store.TopReplies(ctx, s.Run.ID, repliesShown)
	if err != nil {
		return nil, err
	}
	pull, err := a.Store.BrakeOf(ctx, s.Run.ID)
	var brake *Brake
	if !pull.At.IsZero() {
		brake = &Brake{pull.At, pull.Note}
	}
	return answer(Report{a.statusOf(s), brake, all(replies, replyOf).Items, all(s.Heard, feedbackOf).Items, s.Readers}, err)
}

func (a *API) pause(ctx context.Context, c *call, in *RunPath) (*body[Run], error) {
	return a.steer(ctx, c, in, campaign.RunPaused, func(id campaign.RunID) (campaign.Run, error) {
		return a.Service.PauseRun(ctx, id, "paused by "+c.user.Name)
	})
}

func (a *API) resume(ctx context.Context, c *call, in *RunPath) (*body[Run], error) {
	return a.steer(ctx, c, in, campaign.RunRunning, func(id campaign.RunID) (campaign.Run, error) {
		return a.Service.ResumeRun(ctx, id)
	})
}

func (a *API) cancel(ctx context.Context, c *call, in *RunPath) (*body[Run], error) {
	return a.steer(ctx, c, in, campaign.RunCancelled, func(id campaign.RunID) (campaign.Run, error) {
		return a.Service.CancelRun(ctx, id, "cancelled by "+c.user.Name)
	})
}

func (a *API) undo(ctx context.Context, c *call, in *RunPath) (*body[Run], error) {
	run, err := a.run(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	if run, err = a.Service.UndoRun(ctx, run.ID, "taken back by "+c.user.Name); err == nil {
		a.Moved(run.ID)
	}
	return answer(runOf(run), err)
}

func (a *API) sendRest(ctx context.Context, c *call, in *RunPath) (*body[Run], error) {
	run, err := a.run(ctx, c, *in)
	if err == nil {
		run, err = a.Service.SendRest(ctx, run.ID, c.user.Name)
	}
	if err == nil {
		a.Moved(run.ID)
	}
	return answer(runOf(run), err)
}

type runWeight struct {
	RunPath
	Body struct {
		Weight int `json:"weight" minimum:"1" maximum:"100" doc:"Against the weights of other runs; 10 is usual."`
	}
}

func (a *API) weigh(ctx context.Context, c *call, in *runWeight) (*body[Run], error) {
	run, err := a.run(ctx, c, in.RunPath)
	if err == nil {
		run, err = a.Service.SetWeight(ctx, run.ID, in.Body.Weight)
	}
	if err == nil {
		a.Moved(run.ID)
	}
	return answer(runOf(run), err)
}

// steer moves a run to a state, in which it may be already.
func (a *API) steer(ctx context.Context, c *call, in *RunPath, to campaign.RunState, move func(campaign.RunID) (campaign.Run, error)) (*body[Run], error) {
	run, err := a.run(ctx, c, *in)
	if err == nil && run.State != to {
		run, err = move(run.ID)
	}
	if err == nil {
		a.Moved(run.ID)
	}
	return answer(runOf(run), err)
}
