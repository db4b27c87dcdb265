package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/token"
	"broadside/campaign/upload"
	"broadside/campaign/web"
	"broadside/campaign/webhook"
	"broadside/store"
	"broadside/store/pgtest"
	"broadside/store/storetest"
)

// server is started by the first test that needs it.
var server pgtest.Lazy

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// each runs a test on both databases.
func each(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(newWorld(t, filepath.Join(t.TempDir(), "test.db"))) })
	t.Run("postgres", func(t *testing.T) {
		test(newWorld(t, must(server.Database(context.Background()))(t)))
	})
}

// undoTime passes between a start and the first message.
const undoTime = 5 * time.Minute

// world is the whole of package web on a database, with a user and a token of each role.
type world struct {
	*testing.T
	db       *store.DB
	service  *campaign.Service
	uploads  *upload.Desk
	accounts *account.Accounts
	srv      *httptest.Server
	tokens   map[account.Role]string
	users    map[account.Role]account.User
	count    int // of names made
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{T: t, tokens: map[account.Role]string{}, users: map[account.Role]account.User{}}
	var err error
	if w.db, err = store.Open(ctx, url, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if w.uploads, err = upload.Open(ctx, t.TempDir(), w.db, log, time.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.uploads.Close() })
	w.accounts = account.New(w.db, []byte("setup"), time.Now)
	w.service = &campaign.Service{Store: w.db, Now: time.Now, PublicURL: "https://news.example"}
	w.service.Express = &campaign.ExpressLane{Queue: express{}, Log: log, LanesOf: func([]string) []campaign.Lane { return []campaign.Lane{campaign.LaneGoogle} }}
	w.srv = httptest.NewServer(web.New(web.Config{
		Service: w.service, Store: w.db, Uploads: w.uploads, Accounts: w.accounts, Sessions: w.db.Sessions(),
		Recipients: web.Recipients(w.db, token.NewMaker(make([]byte, 32)), log), Log: log, Now: time.Now,
		SignUps:  signup.New(w.db, w.service, token.NewMaker(make([]byte, 32)), log, time.Now),
		Webhooks: &webhook.Desk{Store: w.db, Allow: func(netip.Addr) bool { return false }, Now: time.Now},
		Sites:    sites{}, UndoTime: undoTime, SiteOf: func(string) string { return "all others" },
		SendTest: func(context.Context, campaign.Spec, campaign.Contact, string) (bool, string, error) {
			return true, "250 2.0.0 OK", nil
		},
	}))
	t.Cleanup(w.srv.Close)
	for _, role := range account.Roles() {
		w.users[role], _ = must2(w.accounts.Invite(ctx, account.User{Email: string(role) + "@example.org", Name: string(role), Role: role}))(t)
		w.tokens[role] = w.token(role, role.May())
	}
	return w
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func must2[T, U any](v T, u U, err error) func(t testing.TB) (T, U) {
	return func(t testing.TB) (T, U) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v, u
	}
}

// token makes a token of a role's user.
func (w *world) token(role account.Role, scopes account.Permission) string {
	w.Helper()
	_, text := must2(w.accounts.CreateToken(context.Background(), w.users[role], "test", scopes, time.Now().Add(time.Hour)))(w)
	return text
}

// name makes a name that is not taken.
func (w *world) name() string {
	w.count++
	return fmt.Sprintf("name %d", w.count)
}

// request is a call that is not made yet.
type request struct {
	method, path string
	kind         string // of the body, "" without one
	body         []byte
	header       map[string]string
}

func (w *world) call(r request, token string) (*http.Response, []byte) {
	w.Helper()
	req, err := http.NewRequest(r.method, w.srv.URL+"/api/v1"+r.path, bytes.NewReader(r.body))
	if err != nil {
		w.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	if r.kind != "" {
		req.Header.Set("Content-Type", r.kind)
	}
	for name, text := range r.header {
		req.Header.Set(name, text)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer resp.Body.Close()
	return resp, must(io.ReadAll(resp.Body))(w)
}

// do calls as the admin, wants a status, and reads the answer into out unless it is nil.
func (w *world) do(method, path string, body any, status int, out any) {
	w.Helper()
	r := request{method: method, path: path}
	if body != nil {
		r.kind, r.body = "application/json", must(json.Marshal(body))(w)
	}
	resp, text := w.call(r, w.tokens[account.Admin])
	if resp.StatusCode != status {
		w.Fatalf("%s %s: %s, want %d\n%s", method, path, resp.Status, status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			w.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

// list makes a list of three people and returns it with the import that made them.
func (w *world) list() (campaign.List, campaign.ImportID) {
	w.Helper()
	list := w.name()
	var people []campaign.ImportRow
	for i, name := range []string{"Ann", "Bob", "Cid"} {
		people = append(people, campaign.ImportRow{Email: fmt.Sprintf("%s%d@example.org", strings.ToLower(name), w.count), Attributes: fmt.Appendf(nil, `{"name":%q,"age":%d}`, name, 20+i)})
	}
	return must2(storetest.List(context.Background(), w.db, list, time.Now(), people...))(w)
}

// campaign makes a campaign that could start.
func (w *world) campaign() campaign.Campaign {
	w.Helper()
	l, _ := w.list()
	spec := campaign.Spec{Name: w.name(), Lists: []string{l.Name}}
	spec.From, spec.Subject, spec.Text, spec.PostalAddress = "News <news@example.org>", "Hello {{ name }}", "Hello {{ name }}", "Harbour Street 1"
	return must(w.service.Create(context.Background(), spec))(w)
}

// run makes a run of three: one waits, one was skipped for each of two reasons.
func (w *world) run() campaign.Run {
	w.Helper()
	ctx := context.Background()
	c := w.campaign()
	r := must(w.db.CreateRun(ctx, c, campaign.RunRunning, time.Now(), time.Now()))(w)
	l := must(w.db.ListByName(ctx, c.Spec.Lists[0]))(w)
	members := must(w.db.ListContacts(ctx, l.ID, 0, 10))(w)
	rows := []campaign.NewRecipient{
		{Lane: campaign.LaneGoogle, Contact: members[0].ID, State: campaign.Waiting},
		{Lane: campaign.TailLane, Contact: members[1].ID, State: campaign.Skipped, Reason: campaign.Suppressed},
		{Lane: campaign.TailLane, Contact: members[2].ID, State: campaign.Skipped, Reason: campaign.MergeFailed},
	}
	if err := w.db.AppendRecipients(ctx, r.ID, 0, members[2].ID, rows, true); err != nil {
		w.Fatal(err)
	}
	return r
}

// compared makes a run whose test has been begun: one has A, two wait for the winner.
func (w *world) compared() campaign.Run {
	w.Helper()
	ctx := context.Background()
	c := w.campaign()
	c.Spec.AB = campaign.ABTest{Share: 34, Winner: campaign.ByOpens, After: campaign.Duration(time.Hour), Variants: []campaign.Alternative{{Subject: "Good day"}}}
	r := must(w.db.CreateRun(ctx, c, campaign.RunRunning, time.Now(), time.Now()))(w)
	must(w.db.FreezeWaves(ctx, r.ID, campaign.Waves{Kind: campaign.ABWaves, Share: 340_000}))(w)
	l := must(w.db.ListByName(ctx, c.Spec.Lists[0]))(w)
	members := must(w.db.ListContacts(ctx, l.ID, 0, 10))(w)
	var rows []campaign.NewRecipient
	for i, m := range members[:3] {
		rows = append(rows, campaign.NewRecipient{Lane: campaign.TailLane, Contact: m.ID, Wave: 2, Tested: true})
		if i == 0 {
			rows[i].Wave, rows[i].Variant = 1, campaign.VariantA
		}
	}
	if err := w.db.AppendRecipients(ctx, r.ID, 0, members[2].ID, rows, true); err != nil {
		w.Fatal(err)
	}
	return r
}

// runWithCanary makes a run of two, the second of whom waits for the first to be judged.
func (w *world) runWithCanary() campaign.Run {
	w.Helper()
	ctx := context.Background()
	r := must(w.db.CreateRun(ctx, w.campaign(), campaign.RunRunning, time.Now(), time.Now()))(w)
	must(w.db.FreezeWaves(ctx, r.ID, campaign.Waves{Kind: campaign.CanaryWaves, Share: 500_000}))(w)
	rows := []campaign.NewRecipient{{Lane: campaign.LaneGoogle, Contact: 1, Wave: 1}, {Lane: campaign.LaneGoogle, Contact: 2, Wave: 2}}
	if err := w.db.AppendRecipients(ctx, r.ID, 0, 2, rows, true); err != nil {
		w.Fatal(err)
	}
	return r
}

// upload leaves a file in a phase.
func (w *world) upload(phase upload.Phase) upload.Upload {
	w.Helper()
	u := must(w.uploads.Receive("admin@example.org", "people.csv", strings.NewReader("E-Mail,Name\ndora@example.org,Dora\nno address,Nobody\n")))(w)
	if phase == upload.Received {
		return u
	}
	must(w.uploads.Check(u.ID, upload.Plan{List: w.name()}))(w)
	return w.ended(u.ID)
}

// ended waits for the step under way.
func (w *world) ended(id string) upload.Upload {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if u := must(w.uploads.Get(id))(w); !u.Phase.Busy() {
			return u
		}
	}
	return upload.Upload{}
}

// form makes a sign-up form of a new list.
func (w *world) form() signup.Form {
	w.Helper()
	l, _ := w.list()
	desk := signup.New(w.db, w.service, token.NewMaker(make([]byte, 32)), slog.New(slog.DiscardHandler), time.Now)
	return must(desk.Create(context.Background(), l.ID, signup.Spec{
		From: "News <news@example.org>", Texts: map[string]signup.Text{"en": {Title: "News", Consent: "Send me news"}},
	}))(w)
}

// express is a queue that takes all and tells nobody.
type express struct{}

func (express) Marker(context.Context, campaign.Lane, campaign.RunID) (campaign.Marker, error) {
	return campaign.Marker{}, nil
}

func (express) Feed(_ context.Context, _ campaign.Lane, _ campaign.RunID, _, next campaign.Marker, _ []campaign.Job) (campaign.Marker, error) {
	return next, nil
}

func (express) Introduce(context.Context, campaign.RunStatus) error { return nil }

// template makes a campaign from which messages are made.
func (w *world) template() campaign.Campaign {
	w.Helper()
	spec := campaign.Spec{Name: w.name(), Class: campaign.Transactional}
	spec.From, spec.Subject, spec.Text = "Shop <shop@example.org>", "Your code", "It is {{ code }}."
	return must(w.service.Create(context.Background(), spec))(w)
}

// sites knows one site that is slow.
type sites struct{}

func (sites) SiteStates(context.Context) ([]campaign.SiteState, error) {
	return []campaign.SiteState{{Site: "google", Kind: "source", State: "slowed", Rate: 10, Limit: 100, Connections: 1, Most: 20, Since: time.Now(), Why: "421 4.7.28"}}, nil
}

func (sites) LimitSite(context.Context, string, campaign.SiteLimit) error { return nil }

func (sites) Activity(context.Context) ([]campaign.SiteActivity, error) {
	return []campaign.SiteActivity{{Site: "google", Rate: 12.5, RateLimit: 20, Connections: 3, ConnectionLimit: 20, Reply: "421 4.7.28 slow down", ReplyAt: time.Now(),
		Ordered: campaign.SiteLimit{Rate: 20, Since: time.Now(), Who: "ann@example.org"}}}, nil
}

func (sites) PauseSite(_ context.Context, site string, until time.Time, why string) (campaign.SiteState, error) {
	return campaign.SiteState{Site: site, Kind: "site", State: "paused", Until: until, Since: time.Now(), Why: why}, nil
}

func (sites) ResumeSite(_ context.Context, site string) error {
	return fmt.Errorf("pause of site %s: %w", site, campaign.ErrNotFound)
}

// webhook makes a webhook that was told of one event.
func (w *world) webhook() webhook.Endpoint {
	w.Helper()
	ctx := context.Background()
	for _, e := range must(w.db.Webhooks(ctx))(w) {
		if err := w.db.RemoveWebhook(ctx, e.ID); err != nil { // there may be so many
			w.Fatal(err)
		}
	}
	desk := webhook.Desk{Store: w.db, Allow: func(netip.Addr) bool { return false }, Now: time.Now}
	e, _ := must2(desk.Add(ctx, webhook.Draft{URL: "https://example.org/hook", Types: []string{"message.bounced"}}))(w)
	told := webhook.Delivery{
		Endpoint: e.ID, Event: "evt_1", Type: webhook.Bounced, At: time.Now(), State: webhook.Delivered, Attempts: 2,
		Tried: time.Now(), Took: time.Second, Status: 204, Body: []byte(`{"id":"evt_1"}`),
	}
	if err := w.db.RecordDeliveries(ctx, []webhook.Delivery{told}); err != nil {
		w.Fatal(err)
	}
	return e
}
