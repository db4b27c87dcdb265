package campaign_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
)

// welcome is a template.
func welcome() campaign.Spec {
	return campaign.Spec{
		Name: "welcome", Class: campaign.Transactional,
		Source: message.Source{From: "Shop <shop@example.org>", Subject: "Your code", Text: `Hello {{ name | default: "you" }}, your code is {{ code }}.`},
	}
}

// expressed gives a world's service an express lane and a template.
func (w *world) expressed() *campaign.Service {
	w.t.Helper()
	w.service.Express = w.express()
	must(w.service.Create(context.Background(), welcome()))(w.t)
	return w.service
}

func (w *world) express() *campaign.ExpressLane {
	return &campaign.ExpressLane{Queue: w.queue, LanesOf: lanesBy(laneOf), Log: slog.New(slog.DiscardHandler)}
}

func code(to, code string) campaign.NewMessage {
	return campaign.NewMessage{Template: "welcome", To: to, Data: map[string]json.RawMessage{"code": json.RawMessage(`"` + code + `"`)}}
}

func (w *world) message(m campaign.NewMessage) campaign.Message {
	w.t.Helper()
	made, known, err := w.service.SendMessage(context.Background(), m)
	if err != nil || known {
		w.t.Fatalf("known %t, error %v", known, err)
	}
	return made
}

func (w *world) messageState(m campaign.Message) campaign.State {
	w.t.Helper()
	return must(w.service.MessageState(context.Background(), m.ID))(w.t).Row.State
}

// A message is in the queue when its asker has the answer, with no planner at work. A
// person gets as many as are asked for, each with its own data, and is a contact after.
func TestMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expressed()
	w.importRows("all", []campaign.ImportRow{{Email: "ann@t0.example", Attributes: []byte(`{"name":"Ann"}`)}})
	made := []campaign.Message{w.message(code("ann@t0.example", "1")), w.message(code("Ann@T0.example", "2")), w.message(code("new@t0.example", "3"))}
	run := must(w.db.RunByID(t.Context(), made[0].Run))(t)
	if n := w.depth(run); n != 3 {
		t.Fatalf("%d jobs are queued", n)
	}
	if made[0].Contact != made[1].Contact || made[0].ID == made[1].ID || made[0].Email != "ann@t0.example" || made[2].Template != "welcome" {
		t.Errorf("made %+v", made)
	}
	s := w.taker()
	var mu sync.Mutex
	attributes := map[campaign.ContactID]string{}
	s.outcome = func(j campaign.Job) (campaign.Event, bool) {
		mu.Lock()
		defer mu.Unlock()
		attributes[j.Contact] = string(j.Attributes)
		return accepted(j), true
	}
	w.record()
	w.take(s, usedLanes...)
	for _, m := range made {
		eventually(t, "it is accepted", func() bool { return w.messageState(m) == campaign.Accepted })
	}
	if got, want := slices.Sorted(maps.Values(attributes)), []string{`{"code":"1","name":"Ann"}`, `{"code":"2","name":"Ann"}`, `{"code":"3"}`}; !slices.Equal(got, want) {
		t.Errorf("attributes %q, want %q", got, want)
	}
	if _, history, err := w.service.Why(t.Context(), "ann@t0.example"); err != nil || len(history) != 2 || history[0].Campaign != "welcome" {
		t.Errorf("history %+v, error %v", history, err)
	}
	// The run stands open: a planner neither finishes it nor feeds it again.
	w.run(w.planner().Run)
	last := w.message(code("ann@t0.example", "4"))
	eventually(t, "it is accepted", func() bool { return w.messageState(last) == campaign.Accepted })
	if state := w.state(run); state != campaign.RunRunning || last.Run != run.ID {
		t.Errorf("the run is %s; the last message is of run %d", state, last.Run)
	}
	s.each(t, 4, 1)
}

// A campaign that was started before it became a template takes no messages while that
// run is open, and whoever asks for one learns so at once.
func TestMessageOfAStartedCampaign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.expressed()
	c := must(w.db.CampaignByName(t.Context(), "welcome"))(t)
	must(w.db.CreateRun(t.Context(), c, campaign.RunScheduled, time.Now().Add(time.Hour), time.Now()))(t)
	if p := problem(s.SendMessage(t.Context(), code("ann@t0.example", "1"))); p != campaign.TemplateUnfit {
		t.Errorf("the problem is %q", p)
	}
	must(s.Cancel(t.Context(), "welcome", ""))(t)
	w.message(code("ann@t0.example", "1"))
}

// Who asks again with a key gets the message that is there, also at the same time, and
// nobody gets another's.
func TestMessageKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.expressed()
	m := code("ann@t0.example", "1")
	m.Key = "order 7"
	var wg sync.WaitGroup
	ids := make([]campaign.MessageID, 8)
	for i := range ids {
		wg.Go(func() {
			made, _, err := s.SendMessage(context.Background(), m)
			if err != nil {
				t.Error(err)
			}
			ids[i] = made.ID
		})
	}
	wg.Wait()
	if slices.Min(ids) != slices.Max(ids) {
		t.Errorf("messages %v", ids)
	}
	made, known, err := s.SendMessage(t.Context(), m)
	if err != nil || !known || made.ID != ids[0] {
		t.Errorf("%+v, known %t, error %v", made, known, err)
	}
	if n := w.depth(campaign.Run{ID: made.Run}); n != 1 {
		t.Errorf("%d jobs are queued", n)
	}
	for _, other := range []func(*campaign.NewMessage){
		func(m *campaign.NewMessage) { m.To = "bob@t0.example" },
		func(m *campaign.NewMessage) { m.Data = code("", "2").Data },
	} {
		m := m
		other(&m)
		if got := problem(s.SendMessage(t.Context(), m)); got != campaign.KeyReused {
			t.Errorf("refused for %q", got)
		}
	}
}

func problem(_ campaign.Message, _ bool, err error) campaign.MessageProblem {
	if p, ok := errors.AsType[*campaign.MessageError](err); ok {
		return p.Name
	}
	return campaign.MessageProblem(fmt.Sprint("unnamed: ", err))
}

// What is refused is refused by name, and leaves nothing.
func TestMessageRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.expressed()
	w.list("all", 1, "t0.example")
	must(s.Create(t.Context(), spec("news", "all")))(t)
	entries := []campaign.Suppression{
		{Email: "gone@t0.example", Reason: "bounced", At: time.Now()},
		{Email: "cross@t0.example", Reason: "complained", At: time.Now()},
		{Email: "left@t0.example", Reason: "unsubscribed", At: time.Now()},
	}
	must(w.db.Suppress(t.Context(), entries))(t)
	text := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n) + `"`) }
	for _, c := range []struct {
		name string
		m    campaign.NewMessage
		want campaign.MessageProblem
	}{
		{"no such template", campaign.NewMessage{Template: "nothing", To: "ann@t0.example"}, campaign.NoTemplate},
		{"an ordinary campaign", campaign.NewMessage{Template: "news", To: "ann@t0.example"}, campaign.NotATemplate},
		{"no address", campaign.NewMessage{Template: "welcome", To: "ann"}, campaign.BadAddress},
		{"a value is missing", campaign.NewMessage{Template: "welcome", To: "ann@t0.example"}, campaign.MissingValue},
		{"data of a kind that no template takes", campaign.NewMessage{Template: "welcome", To: "ann@t0.example", Data: map[string]json.RawMessage{"code": json.RawMessage(`[1]`)}}, campaign.BadData},
		{"too much data", campaign.NewMessage{Template: "welcome", To: "ann@t0.example", Data: map[string]json.RawMessage{"code": text(campaign.MaxData)}}, campaign.BadData},
		{"a key that no header carries", campaign.NewMessage{Template: "welcome", To: "ann@t0.example", Key: "a\nb"}, campaign.BadKey},
		{"gone", code("gone@t0.example", "1"), campaign.RecipientGone},
		{"complained", code("Cross@t0.example", "1"), campaign.RecipientGone},
	} {
		if got := problem(s.SendMessage(t.Context(), c.m)); got != c.want {
			t.Errorf("%s: refused for %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := w.db.ContactByEmail(t.Context(), "ann@t0.example"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("a refused message left its contact: %v", err)
	}
	// Who wants no more advertising gets what they ask for, and as much data as there may be.
	w.message(code("left@t0.example", "1"))
	large := code("ann@t0.example", "1")
	large.Data["note"] = text(campaign.MaxData - 100)
	w.message(large)
	if _, err := s.Start(t.Context(), "welcome", time.Time{}); err == nil || !strings.Contains(err.Error(), "template") {
		t.Errorf("a template was started: %v", err)
	}
}

// expressSpy is an express lane's queue with a word in between.
type expressSpy struct {
	campaign.ExpressQueue
	feed func(next func() (campaign.Marker, error)) (campaign.Marker, error)
}

func (s *expressSpy) Feed(ctx context.Context, lane campaign.Lane, run campaign.RunID, prev, next campaign.Marker, jobs []campaign.Job) (campaign.Marker, error) {
	return s.feed(func() (campaign.Marker, error) { return s.ExpressQueue.Feed(ctx, lane, run, prev, next, jobs) })
}

// Messages that are in the ledger and not in the queue, because their process died
// between the two, are fed by the planner, and no others, whatever is being published,
// given back and sent at the same time: each is sent once.
func TestMessagesAreSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expressed()
	const senders, each = 4, 40
	s := w.taker()
	s.outcome = func(j campaign.Job) (campaign.Event, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return accepted(j), j.Contact%7 != 0 || s.dropped[j.Recipient] > 0 // one in seven is given back once
	}
	w.record()
	w.take(s, usedLanes...)
	w.run(w.planner().Run)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var made []campaign.Message
	for n := range senders {
		lane, calls := w.express(), 0
		lane.Queue = &expressSpy{w.queue, func(next func() (campaign.Marker, error)) (campaign.Marker, error) {
			switch calls++; calls % 5 {
			case 1: // it dies before
				return campaign.Marker{}, errors.New("the process is dead")
			case 2: // it dies after
				_, _ = next()
				return campaign.Marker{}, errors.New("the process is dead")
			}
			return next()
		}}
		service := *w.service
		service.Express = lane
		wg.Go(func() {
			for i := range each {
				m, _, err := service.SendMessage(context.Background(), code(fmt.Sprintf("p%d@t%d.example", i%10, n%2), "1"))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				made = append(made, m)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, m := range made {
		eventually(t, fmt.Sprintf("message %d is accepted", m.ID), func() bool { return w.messageState(m) == campaign.Accepted })
	}
	s.each(t, senders*each, 1)
}

// A process that was halted between writing a message and putting it into the queue finds
// that the planner has done so.
func TestMessageThatThePlannerFed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expressed()
	s := w.taker()
	w.record()
	w.take(s, usedLanes...)
	w.run(w.planner().Run)
	before := w.message(code("ann@t0.example", "1"))
	eventually(t, "it is accepted", func() bool { return w.messageState(before) == campaign.Accepted })
	w.service.Express.Queue = &expressSpy{w.queue, func(next func() (campaign.Marker, error)) (campaign.Marker, error) {
		eventually(t, "the planner has fed the message", func() bool { return len(s.takenBy()) == 2 })
		return next()
	}}
	w.message(code("ann@t0.example", "2"))
	w.service.Express.Queue = w.queue
	after := w.message(code("ann@t0.example", "3"))
	eventually(t, "it is accepted", func() bool { return w.messageState(after) == campaign.Accepted })
	s.each(t, 3, 1)
}

// A message waits for its run, and goes when that goes on.
func TestMessageOfAPausedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expressed()
	s := w.taker()
	w.record()
	w.take(s, usedLanes...)
	w.run(w.planner().Run)
	first := w.message(code("ann@t0.example", "1"))
	must(w.service.Pause(t.Context(), "welcome", "a test"))(t)
	second := w.message(code("ann@t0.example", "2"))
	if second.Run != first.Run || w.messageState(second) != campaign.Waiting {
		t.Errorf("message %+v", second)
	}
	must(w.service.Resume(t.Context(), "welcome"))(t)
	for _, m := range []campaign.Message{first, second} {
		eventually(t, "it is accepted", func() bool { return w.messageState(m) == campaign.Accepted })
	}
	s.each(t, 2, 1)
}

// A template that is edited, and one whose month is over, begin a run with their next
// message; the run before ends when its messages have.
func TestStandingRunsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.expressed()
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s.Now = clock
	p := w.planner()
	p.Now = clock
	w.record()
	w.take(w.taker(), usedLanes...)
	w.run(p.Run)
	first := w.message(code("ann@t0.example", "1"))
	edited := welcome()
	edited.Subject = "Your new code"
	must(s.Replace(t.Context(), edited))(t)
	second := w.message(code("ann@t0.example", "2"))
	if second.Run == first.Run {
		t.Error("the message is of a run of the old template")
	}
	w.reached(campaign.Run{ID: first.Run}, 1)
	mu.Lock()
	now = now.AddDate(0, 1, 0)
	mu.Unlock()
	w.reached(campaign.Run{ID: second.Run}, 1)
	if third := w.message(code("ann@t0.example", "3")); third.Run == second.Run {
		t.Error("the message is of last month's run")
	}
}
