package delivery

import (
	"context"
	"time"

	"broadside/campaign"
)

// leaveOut records as skipped whoever must not be mailed any more, whatever the
// audience was when the run began, and returns the others. If the store cannot say,
// nobody is mailed: the jobs are given back.
func (s *Sender) leaveOut(ctx context.Context, items []*item) []*item {
	if len(items) == 0 {
		return nil
	}
	now := time.Now()
	reasons, err := s.unwanted(ctx, items)
	if err != nil {
		s.Log.Warn("sender: suppressions and subscriptions cannot be read, jobs are given back", "jobs", len(items), "error", err)
		for _, it := range items {
			s.giveBack(ctx, it, soon)
		}
		return nil
	}
	kept := items[:0]
	for i, it := range items {
		it.checked = now
		switch {
		case reasons[i] == campaign.NoReason:
			kept = append(kept, it)
		case it.resent: // an earlier copy may have arrived
			s.outcomes.add(it, it.event(campaign.Unknown, campaign.PossiblyAccepted, now))
		default:
			s.outcomes.add(it, it.event(campaign.Skipped, reasons[i], now))
		}
	}
	return kept
}

// unwanted returns for each item why it must not be sent, NoReason when it may.
func (s *Sender) unwanted(ctx context.Context, items []*item) ([]campaign.Reason, error) {
	emails := make([]string, len(items))
	byRun := map[campaign.RunID][]int{}
	for i, it := range items {
		emails[i] = it.Job.Email
		byRun[it.Job.Run] = append(byRun[it.Job.Run], i)
	}
	reasons := make([]campaign.Reason, len(items))
	for run, of := range byRun {
		if err := s.unsubscribed(ctx, run, items, of, reasons); err != nil {
			return nil, err
		}
	}
	suppressed, err := s.Store.SuppressedOf(ctx, emails)
	if err != nil {
		return nil, err
	}
	for i := range items {
		switch {
		case emails[i] == "":
			reasons[i] = campaign.Erased
		case suppressed[i]:
			reasons[i] = campaign.Suppressed
		}
	}
	return reasons, nil
}

// unsubscribed notes who has left the lists of a run, among the items at some indices.
func (s *Sender) unsubscribed(ctx context.Context, run campaign.RunID, items []*item, of []int, reasons []campaign.Reason) error {
	c, err := s.contents.of(ctx, run)
	if err != nil {
		return nil // no message can be made of it: prepare gives these items their outcome
	}
	contacts := make([]campaign.ContactID, len(of))
	for k, i := range of {
		contacts[k] = items[i].Job.Contact
	}
	left, err := s.Store.LeftOf(ctx, c.run.Spec.Lists, contacts)
	if err != nil {
		return err
	}
	for k, i := range of {
		if left[k] {
			reasons[i] = campaign.Unsubscribed
		}
	}
	return nil
}
