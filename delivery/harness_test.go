package delivery_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/delivery/smtptest"
	"broadside/dkim"
	"broadside/ratelimit"
	"broadside/store"
)

// Tests in this package are stories: a world of mailbox providers, people on a list, a
// campaign that is launched, and what the ledger and the simulator say in the end.

// tailLanes of the tests; few, because each lane costs three consumers.
const tailLanes = 2

// setting is what a story may change about its world.
type setting struct {
	limits  shaping.Rules        // zero fields: 4 connections, 100 messages, 5000/s, 2 s idle
	retry   delivery.RetryPolicy // default 1 s
	grace   time.Duration        // of the sender
	ackWait time.Duration        // default 60 s
	// network, "127.78.0.0/16", has the simulator listen on addresses of it, to which
	// sessions connect from their sources' addresses.
	network string
	nats    string                 // URL of the queue's server; default: one without a port
	tune    func(*delivery.Config) // the last word
	alone   bool                   // no other test runs meanwhile
	lanes   int                    // that small sites share; default tailLanes
}

// world is an engine on a simulated internet.
type world struct {
	t       *testing.T
	sim     *smtptest.Internet
	store   *store.DB
	queue   *queue.Queue
	service *campaign.Service
	tokens  *token.Maker
	router  *mx.Router
	config  delivery.Config
	nats    string
	dials   atomic.Int64
	lanes   int
	log     *slog.Logger
}

func newWorld(t *testing.T, s setting, providers ...smtptest.Provider) *world {
	t.Helper()
	if !s.alone {
		t.Parallel()
	}
	dir := t.TempDir()
	w := &world{t: t, nats: s.nats, lanes: cmp.Or(s.lanes, tailLanes), tokens: token.NewMaker(make([]byte, 32)), log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var err error
	sim, port := smtptest.Config{Providers: providers, Keep: 1000}, uint16(25)
	if s.network != "" {
		port = freePort(t)
		sim.Addr = fmt.Sprintf("%s:%d", s.network, port)
	}
	w.sim, err = smtptest.Start(sim)
	w.ok(err)
	t.Cleanup(func() { w.sim.Close() })
	w.store, err = store.Open(t.Context(), filepath.Join(dir, "broadside.db"), store.Options{})
	w.ok(err)
	t.Cleanup(func() { w.store.Close() })
	options := queue.Options{URL: s.nats, Name: "test", TailLanes: w.lanes, AckWait: s.ackWait, Log: w.log}
	if s.nats == "" {
		options.Embedded, err = queue.StartEmbedded(queue.EmbeddedOptions{Dir: dir})
		w.ok(err)
		t.Cleanup(options.Embedded.Shutdown)
	}
	w.queue, err = queue.Connect(t.Context(), options)
	w.ok(err)
	t.Cleanup(w.queue.Close)
	keys, err := dkim.OpenKeyring(t.TempDir())
	w.ok(err)
	w.service = &campaign.Service{Store: w.store, PublicURL: "https://news.example.org", Now: time.Now}
	w.router = mx.New(mx.Config{Resolver: w.sim, ProviderOf: shaping.Builtin().ProviderOf, DeadFor: 2 * time.Second})
	w.config = delivery.Config{
		Store: w.store, Queue: w.queue, Keys: keys, Unsigned: true, Port: port, Grace: s.grace, Retry: s.retry, Log: w.log,
		Router:  w.router,
		Limiter: ratelimit.NewLocal(time.Now), Learned: ratelimit.NewBook(),
		Identity: delivery.Identity{PublicURL: "https://news.example.org", Tokens: w.tokens},
		SMTP:     smtp.Config{Hello: "mta.example.org", Dial: w.dial, AllowAddr: func(netip.Addr) bool { return true }},
	}
	if s.network != "" {
		w.config.SMTP.Dial = nil
	}
	s.fill(&w.config)
	return w
}

// freePort is one that nobody listens on at this moment.
func freePort(t *testing.T) uint16 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// rules are the same for all sites; reactions are the built-in ones.
type rules struct {
	*shaping.Table
	all shaping.Rules
}

func (r rules) Rules(string, string) shaping.Rules { return r.all }

func (s *setting) fill(cfg *delivery.Config) {
	defaults := shaping.Rules{Connections: 4, MessagesPerConnection: 100, Rate: 5000, Idle: 2 * time.Second}
	for _, d := range []struct{ field, value *int }{
		{&s.limits.Connections, &defaults.Connections}, {&s.limits.MessagesPerConnection, &defaults.MessagesPerConnection},
	} {
		if *d.field == 0 {
			*d.field = *d.value
		}
	}
	if s.limits.Rate == 0 {
		s.limits.Rate = defaults.Rate
	}
	if s.limits.Idle == 0 {
		s.limits.Idle = defaults.Idle
	}
	cfg.Shaper = rules{shaping.Builtin(), s.limits}
	if cfg.Retry == (delivery.RetryPolicy{}) {
		cfg.Retry = delivery.RetryPolicy{First: time.Second, Most: time.Second}
	}
	if s.tune != nil {
		s.tune(cfg)
	}
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.dials.Add(1)
	return w.sim.DialContext(ctx, network, address)
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// people puts n contacts of a domain on the list "readers": p0001@domain and so on.
func (w *world) people(n int, domain string) {
	w.t.Helper()
	var emails []string
	for i := range n {
		emails = append(emails, fmt.Sprintf("p%04d@%s", i+1, domain))
	}
	w.list("readers", emails...)
}

func (w *world) list(name string, emails ...string) {
	w.t.Helper()
	ctx := w.t.Context()
	list, err := w.store.ListByName(ctx, name)
	if errors.Is(err, campaign.ErrNotFound) {
		list, err = w.store.CreateList(ctx, name, time.Now())
	}
	w.ok(err)
	im, err := w.store.BeginImport(ctx, list.ID, "people.csv", false, time.Now())
	w.ok(err)
	rows := make([]campaign.ImportRow, len(emails))
	for i, email := range emails {
		rows[i] = campaign.ImportRow{Row: int64(i + 1), Email: email, Attributes: []byte(`{}`)}
	}
	w.ok(im.Put(ctx, rows))
	_, _, err = im.Finish(ctx, nil)
	w.ok(err)
}

// launch creates a campaign to the list "readers", changed by the story, and starts it.
func (w *world) launch(change func(*campaign.Spec)) campaign.Run {
	w.t.Helper()
	spec := campaign.Spec{
		Name: "news", Lists: []string{"readers"},
		Source: message.Source{
			From: "News <news@example.org>", Subject: "News", Text: "There is news.\n",
			PostalAddress: "News Ltd, 1 Harbour Street, Portsmouth",
		},
	}
	if change != nil {
		change(&spec)
	}
	_, err := w.service.Create(w.t.Context(), spec)
	w.ok(err)
	run, err := w.service.Start(w.t.Context(), spec.Name, time.Time{})
	w.ok(err)
	return run
}

// plan runs planner and recorder, deliver a sender, until stopped or the test's end.
func (w *world) plan() (stop func()) {
	lanes := delivery.NewLanes(w.router, shaping.Builtin().ProviderOfDomain, w.lanes)
	w.t.Cleanup(lanes.Close)
	planner := &campaign.Planner{
		Store: w.store, Queue: w.queue, Log: w.log, Grace: 4 * time.Second,
		LanesOf: lanes.Of,
	}
	recorder := &delivery.Recorder{Ledger: w.store, Queue: w.queue, Log: w.log}
	return w.background(planner.Run, recorder.Run)
}

func (w *world) deliver() (stop func()) {
	return w.background(delivery.NewSender(w.config).Run)
}

// engine is all of it.
func (w *world) engine() {
	w.plan()
	w.deliver()
}

func (w *world) background(roles ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, role := range roles {
		running.Go(func() {
			if err := role(ctx); err != nil {
				w.t.Errorf("a role ended: %v", err)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(stop)
	return stop
}

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
