package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery"
	"broadside/delivery/shaping"
)

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
		Brake: campaign.Brake{Canary: "off"}, // large stories are of all at once
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
