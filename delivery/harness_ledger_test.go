package delivery_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery/queue"
	"broadside/delivery/smtptest"
)

// eventually waits for what takes as long as it takes; only a story that hangs meets the
// limit, also on a machine that is busy with ten others.
func (w *world) eventually(what string, done func() bool) {
	w.t.Helper()
	w.within(5*time.Minute, what, done)
}

func (w *world) within(limit time.Duration, what string, done func() bool) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !done(); <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("not in %v: %s", limit, what)
		}
	}
}

func (w *world) counts(run campaign.Run) campaign.Counts {
	w.t.Helper()
	c, err := w.store.Counts(w.t.Context(), run.ID)
	w.ok(err)
	return c
}

func (w *world) stateOf(run campaign.Run) campaign.RunState {
	w.t.Helper()
	r, err := w.store.RunByID(w.t.Context(), run.ID)
	w.ok(err)
	return r.State
}

// finish waits for the end of a run, compares the two ledgers and returns the balance.
func (w *world) finish(run campaign.Run) campaign.Counts {
	w.t.Helper()
	w.eventually("the run is finished", func() bool { return w.stateOf(run) == campaign.RunFinished })
	w.agree(run)
	return w.counts(run)
}

// agree holds our ledger against the simulator's: the balance is right, whom we call
// accepted has a copy, nobody has two but those counted as resent, and no rule of the
// protocol was broken.
func (w *world) agree(run campaign.Run) {
	w.t.Helper()
	c := w.counts(run)
	recount, err := w.store.Recount(w.t.Context(), run.ID)
	w.ok(err)
	if !c.Balanced() || recount != c {
		w.t.Errorf("the balance is %+v, the rows say %+v", c, recount)
	}
	twice := int64(0)
	for _, row := range w.rows(run, campaign.Accepted) {
		switch copies := w.copies(row); {
		case copies == 0:
			w.t.Errorf("%s is accepted and got nothing", row.Email)
		case copies > 1:
			twice++
		}
	}
	if twice > c.Resent {
		w.t.Errorf("%d people got two copies, %d are counted as resent", twice, c.Resent)
	}
	for _, s := range []campaign.State{campaign.Bounced, campaign.Skipped, campaign.Cancelled} {
		for _, row := range w.rows(run, s) {
			if copies := w.copies(row); copies > 0 && row.Reason != campaign.GivenUp {
				w.t.Errorf("%s is %s and got %d copies", row.Email, s, copies)
			}
		}
	}
	for _, v := range w.sim.Ledger().Violations() {
		w.t.Errorf("protocol violation: %s", v)
	}
}

func (w *world) rows(run campaign.Run, s campaign.State) []campaign.RecipientRow {
	w.t.Helper()
	rows, err := w.store.Recipients(w.t.Context(), run.ID, s, campaign.Recipient{}, 100_000)
	w.ok(err)
	return rows
}

// only returns the one recipient in a state.
func (w *world) only(run campaign.Run, s campaign.State) campaign.RecipientRow {
	w.t.Helper()
	rows := w.rows(run, s)
	if len(rows) != 1 {
		w.t.Fatalf("%d recipients are %s, want one; the balance is %+v", len(rows), s, w.counts(run))
	}
	return rows[0]
}

// history is what was recorded about an address, in the latest run.
func (w *world) history(email string) []campaign.Attempt {
	w.t.Helper()
	_, rows, err := w.service.Why(w.t.Context(), email)
	w.ok(err)
	return rows[0].Attempts
}

// copies is how often the simulator took the recipient's message.
func (w *world) copies(row campaign.RecipientRow) int {
	return w.sim.Ledger().Copies(row.Email, w.messageID(row))
}

// messageID is that of the recipient's message.
func (w *world) messageID(row campaign.RecipientRow) string {
	return "<" + string(w.tokens.Append(nil, token.MessageID, int64(row.Run), int64(row.Contact))) + "@example.org>"
}

// saw is what the simulator saw of a provider, or of all with "".
func (w *world) saw(provider string) smtptest.Tally {
	totals := w.sim.Ledger().Totals()
	if provider == "" {
		return totals.Tally
	}
	return totals.Providers[provider]
}

// queued is how many first attempts the queue holds.
func (w *world) queued() (n int64) {
	w.t.Helper()
	d, err := w.queue.Depth(w.t.Context())
	w.ok(err)
	for _, jobs := range d.Jobs {
		n += jobs
	}
	return n
}

// takeAll takes the n jobs of the queue into nobody's hands.
func (w *world) takeAll(n int) (taken []queue.Delivery) {
	w.t.Helper()
	for _, lane := range w.queue.Lanes() {
		src, err := w.queue.Source(w.t.Context(), lane, queue.BulkJobs)
		w.ok(err)
		for before := -1; before < len(taken) && len(taken) < n; {
			before = len(taken)
			w.ok(src.Fetch(w.t.Context(), n, 300*time.Millisecond, func(d queue.Delivery) { taken = append(taken, d) }))
		}
	}
	if len(taken) != n {
		w.t.Fatalf("took %d jobs, want %d", len(taken), n)
	}
	return taken
}

// shop is a small provider, with its own domain.
func shop(name string, b smtptest.Behaviour) smtptest.Provider {
	return smtptest.Provider{Name: name, Domains: []string{name + ".example"}, MX: []string{"mx." + name + ".example"}, Behaviour: b}
}

// expect compares the terms of a balance that matter.
func expect(t *testing.T, got, want campaign.Counts) {
	t.Helper()
	if got != want {
		t.Errorf("the balance is\n%+v, want\n%+v", got, want)
	}
}
