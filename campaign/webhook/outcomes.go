package webhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"broadside/campaign"
)

// errNobody ends the following of outcomes that nobody listens to.
var errNobody = errors.New("there is no endpoint")

// tellOutcomes tells what becomes of attempts, for as long as there are endpoints.
func (d *Dispatcher) tellOutcomes(ctx context.Context) {
	names := names{store: d.Store}
	following := true // perhaps by a dispatcher before
	d.every(ctx, lookEvery, func(ctx context.Context) error {
		endpoints, err := d.Store.Webhooks(ctx)
		if err != nil {
			return err
		}
		if len(endpoints) == 0 {
			if !following {
				return nil
			}
			following = false
			return d.Queue.ForgetOutcomes(ctx)
		}
		following = true
		since := slices.MinFunc(endpoints, func(a, b Endpoint) int { return a.Created.Compare(b.Created) }).Created
		err = d.Queue.FollowOutcomes(ctx, since, func(came time.Time, outcomes []campaign.Event) error {
			for {
				err := d.putOutcomes(ctx, &names, came, outcomes)
				if err == nil || errors.Is(err, errNobody) || ctx.Err() != nil {
					return err
				}
				d.Log.Error("webhook: outcomes are tried again", "error", err)
				wait(ctx, time.Second)
			}
		})
		if errors.Is(err, errNobody) {
			return nil
		}
		return err
	})
}

// putOutcomes brings outcomes that came together into the endpoints' queues.
func (d *Dispatcher) putOutcomes(ctx context.Context, names *names, came time.Time, outcomes []campaign.Event) error {
	// Read anew, so that who was added before something happened is told of it.
	endpoints, err := d.Store.Webhooks(ctx)
	if err != nil {
		return err
	}
	if len(endpoints) == 0 {
		return errNobody
	}
	var failed []error
	for _, e := range endpoints {
		var events []Event
		for i := range outcomes {
			if o := &outcomes[i]; e.Wants(outcomeTypes[o.State]) && !o.At.Before(e.Created) {
				events = append(events, outcome(o))
			}
		}
		if err := names.add(ctx, events); err != nil {
			return err
		}
		failed = append(failed, d.put(ctx, []Endpoint{e}, CatchUpOutcomes, came, events))
	}
	return errors.Join(failed...)
}

// names adds to events what their ids stand for. It is used by one goroutine.
type names struct {
	store     Store
	campaigns map[campaign.RunID]string
}

// maxNames runs are remembered: runs keep the campaign that they were started with.
const maxNames = 1000

// add fills in addresses and campaigns; what is not known any more stays empty. A message
// to one person stands where others have their contact, and is told as what it is.
func (n *names) add(ctx context.Context, events []Event) error {
	var contacts []campaign.ContactID
	for _, e := range events {
		if e.Data.Contact != 0 && e.Data.Email == "" {
			contacts = append(contacts, e.Data.Contact)
		}
	}
	var emails map[campaign.ContactID]string
	if len(contacts) > 0 {
		var err error
		if emails, err = n.store.AddressesOf(ctx, contacts); err != nil {
			return err
		}
	}
	for i := range events {
		data := &events[i].Data
		if data.Email == "" {
			data.Email = emails[data.Contact]
		}
		if message := campaign.MessageID(data.Contact); message >= campaign.FirstMessage {
			data.Message, data.Contact = message, 0
		}
		var err error
		if data.Campaign, err = n.campaign(ctx, data.Run); err != nil {
			return err
		}
	}
	return nil
}

func (n *names) campaign(ctx context.Context, id campaign.RunID) (string, error) {
	if id == 0 {
		return "", nil
	}
	if name, ok := n.campaigns[id]; ok {
		return name, nil
	}
	run, err := n.store.RunByID(ctx, id)
	if missingIsFine(err) != nil {
		return "", err
	}
	if n.campaigns == nil || len(n.campaigns) >= maxNames {
		n.campaigns = map[campaign.RunID]string{}
	}
	n.campaigns[id] = run.Spec.Name
	return run.Spec.Name, nil
}

func isFull(err error) bool { return errors.Is(err, ErrFull) }

// missingIsFine drops the error that something is gone, as what people remove may be.
func missingIsFine(err error) error {
	if errors.Is(err, campaign.ErrNotFound) {
		return nil
	}
	return err
}

// wait waits for a time, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
