package signup_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/campaign/token"
	"broadside/store"
)

// queue takes every message, and remembers to whom, and what it says.
type queue struct {
	mu   sync.Mutex
	to   []string
	says []string
}

func (*queue) Marker(context.Context, campaign.Lane, campaign.RunID) (campaign.Marker, error) {
	return campaign.Marker{}, nil
}

func (q *queue) Feed(_ context.Context, _ campaign.Lane, _ campaign.RunID, _, next campaign.Marker, jobs []campaign.Job) (campaign.Marker, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range jobs {
		q.to = append(q.to, j.Email)
		q.says = append(q.says, string(j.Attributes))
	}
	return next, nil
}

func (*queue) Introduce(context.Context, campaign.RunStatus) error { return nil }

// world is a desk on a fresh database, with a clock.
type world struct {
	*testing.T
	db      *store.DB
	service *campaign.Service
	desk    *signup.Desk
	queue   queue
	now     time.Time
	maker   *token.Maker
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w := &world{T: t, db: db, now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), maker: token.NewMaker(make([]byte, 32))}
	w.service = &campaign.Service{Store: db, Now: func() time.Time { return w.now }, PublicURL: "https://news.example/"}
	w.desk = signup.New(db, w.service, w.maker, slog.New(slog.DiscardHandler), w.service.Now)
	return w
}

func spec() signup.Spec {
	return signup.Spec{
		From: " News <news@example.org> ", Texts: map[string]signup.Text{"en": {Title: "News", Consent: "Send me news"}},
		Fields: []signup.Field{{Name: "city", Labels: map[string]string{"en": "City"}}},
	}
}

func (w *world) form() signup.Form {
	w.Helper()
	list, err := w.db.CreateList(w.Context(), "news", w.now)
	if err != nil {
		w.Fatal(err)
	}
	f, err := w.desk.Create(w.Context(), list.ID, spec())
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *world) signUp(f signup.Form, email string) signup.SignUp {
	w.Helper()
	r := signup.Request{Email: email, Language: "zh", IP: netip.MustParseAddr("2001:db8:1:2:3:4:5:6"), Agent: "Browser", Values: map[string]string{"city": "Ghent", "role": "admin"}}
	if err := w.desk.SignUp(w.Context(), f, r); err != nil {
		w.Fatal(err)
	}
	waiting, err := w.db.Unmailed(w.Context(), time.Time{}, 0, 10)
	if err != nil || len(waiting) == 0 {
		w.Fatalf("%d wait, %v", len(waiting), err)
	}
	return waiting[len(waiting)-1]
}

// look lets a desk hand over what waits, until it has, or has said that it cannot.
func (w *world) look() {
	w.Helper()
	said := make(complaints, 100)
	desk := signup.New(w.db, w.service, w.maker, slog.New(slog.NewTextHandler(said, nil)), w.service.Now)
	ctx, stop := context.WithCancel(w.Context())
	var beside sync.WaitGroup
	beside.Go(func() { desk.Run(ctx) })
	defer beside.Wait()
	defer stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting, err := w.db.Unmailed(ctx, time.Time{}, 0, 1)
		if err != nil {
			w.Fatal(err)
		}
		if len(waiting) == 0 {
			return
		}
		select {
		case line := <-said:
			if strings.Contains(line, "confirmation mail waits") {
				return
			}
		case <-tick.C:
		}
	}
}

// express lets mail leave.
func (w *world) express() {
	w.service.Express = &campaign.ExpressLane{Queue: &w.queue, Log: slog.New(slog.DiscardHandler), LanesOf: func([]string) []campaign.Lane { return []campaign.Lane{campaign.TailLane} }}
}

// complaints are lines of a log.
type complaints chan string

func (c complaints) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}

func TestSignUpKeepsWhatTheFormAsks(t *testing.T) {
	w := newWorld(t)
	f := w.form()
	s := w.signUp(f, "Ann@Example.org")
	// The form does not speak Chinese; it did not ask for a role.
	if s.Email != "Ann@example.org" || string(s.Attributes) != `{"city":"Ghent","language":"en"}` || s.Language != "en" || s.Network != "2001:db8:1:2::/64" || s.IP != "2001:db8:1:2:3:4:5:6" {
		t.Errorf("%+v", s)
	}
}

// The link of a mail works for seven days, for its form and purpose alone.
func TestLinks(t *testing.T) { // X8, X14
	w := newWorld(t)
	f := w.form()
	s := w.signUp(f, "ann@example.org")
	link := func(p token.Purpose, form, id int64) string { return string(w.maker.Append(nil, p, form, id)) }
	good := link(token.SignUp, int64(f.ID), int64(s.ID))
	for name, bad := range map[string]string{
		"nonsense": "nonsense", "another purpose": link(token.Unsubscribe, int64(f.ID), int64(s.ID)), "another form": link(token.SignUp, 99, int64(s.ID)),
		"nobody": link(token.SignUp, int64(f.ID), 99), "changed": good[:len(good)-1] + string('a'+(good[len(good)-1]-'a'+1)%26),
	} {
		if _, _, err := w.desk.Confirm(t.Context(), bad, netip.Addr{}); !errors.Is(err, signup.ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.now = w.now.Add(signup.LinkLife - time.Second)
	if got, _, err := w.desk.Asked(t.Context(), good); err != nil || got.ID != s.ID {
		t.Errorf("a second before the end: %+v, %v", got, err)
	}
	w.now = w.now.Add(time.Second)
	if _, _, err := w.desk.Confirm(t.Context(), good, netip.Addr{}); !errors.Is(err, signup.ErrLink) {
		t.Errorf("after seven days: %v", err)
	}
	if _, err := w.db.ContactByEmail(t.Context(), "ann@example.org"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("a contact: %v", err)
	}
}

// Mail that the engine does not take waits; what was handed over, and perhaps not noted
// because the process was killed, is not sent again.
func TestMailIsHandedOverOnce(t *testing.T) {
	w := newWorld(t)
	f := w.form()
	s := w.signUp(f, "ann@example.org")
	w.look()
	if waiting, err := w.db.Unmailed(t.Context(), time.Time{}, 0, 10); err != nil || len(waiting) != 1 {
		t.Fatalf("without an express lane %d wait, %v", len(waiting), err)
	}
	w.express()
	w.look()
	if err := w.db.Mailed(t.Context(), s.ID, time.Time{}); err != nil { // as if killed before
		t.Fatal(err)
	}
	w.look()
	w.maker.Renew([]token.Key{{Secret: make([]byte, 32)}, {Secret: []byte(strings.Repeat("k", 32))}}, 2) // the link would differ
	if err := w.db.Mailed(t.Context(), s.ID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.look()
	if len(w.queue.to) != 1 || w.queue.to[0] != "ann@example.org" {
		t.Errorf("mail to %q", w.queue.to)
	}
	if waiting, err := w.db.Unmailed(t.Context(), time.Time{}, 0, 10); err != nil || len(waiting) != 0 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
}

func TestFormsAreChecked(t *testing.T) {
	w := newWorld(t)
	for field, change := range map[string]func(*signup.Spec){
		"from":       func(s *signup.Spec) { s.From = "nobody" },
		"texts":      func(s *signup.Spec) { s.Texts = nil; s.Fields = nil },
		"title-en":   func(s *signup.Spec) { s.Texts["en"] = signup.Text{Title: "a\r\nb", Consent: "c"} },
		"consent-en": func(s *signup.Spec) { s.Texts["en"] = signup.Text{Title: "a", Consent: " "} },
		"fields":     func(s *signup.Spec) { s.Fields[0].Name = "language" },
		"fields ":    func(s *signup.Spec) { s.Fields[0].Name = "website" }, // the trap
		"fields  ":   func(s *signup.Spec) { s.Fields[0].Name = "agree" },
		"redirect":   func(s *signup.Spec) { s.Redirect = "//evil.example" },
		"redirect ":  func(s *signup.Spec) { s.Redirect = "https://shop.example;sandbox/" },
		"redirect  ": func(s *signup.Spec) { s.Redirect = "https://shop.example@evil.example/" },
		"origins":    func(s *signup.Spec) { s.Origins = []string{"*"} },
	} {
		s := spec()
		change(&s)
		_, err := w.desk.Create(t.Context(), 1, s)
		if problems, ok := errors.AsType[signup.Problems](err); !ok || len(problems) != 1 || problems[0].Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	f := w.form()
	if c, err := w.db.CampaignByName(t.Context(), "Sign-up confirmation from news@example.org"); err != nil || !c.Spec.Template() || f.From != "News <news@example.org>" {
		t.Errorf("template %+v, %v", c, err)
	}
}
