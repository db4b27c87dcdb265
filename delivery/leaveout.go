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
	reasons, err := s.unwanted(ctx, items, now)
	if err != nil {
		s.Log.Warn("sender: suppressions and subscriptions cannot be read, jobs are given back", "jobs", len(items), "error", err)
		for _, it := range items {
			s.giveBack(ctx, it, soon)
		}
		return nil
	}
	kept := items[:0]
	for i, it := range items {
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
func (s *Sender) unwanted(ctx context.Context, items []*item, now time.Time) ([]campaign.Reason, error) {
	byContent := map[contentKey][]int{}
	for i, it := range items {
		key := contentOf(&it.Job)
		byContent[key] = append(byContent[key], i)
	}
	reasons := make([]campaign.Reason, len(items))
	for key, of := range byContent {
		var lists []string
		// Without content no message can be made: prepare gives these items their outcome,
		// or, when there is some by then, they are looked for once more, in their lists.
		if c, err := s.contents.of(ctx, key); err == nil {
			lists = c.spec.Lists
			if err := s.ceilings(ctx, c, items, of); err != nil {
				return nil, err
			}
			for _, i := range of {
				items[i].checked = now
			}
		}
		people := make([]campaign.Addressee, len(of))
		for k, i := range of {
			people[k] = campaign.Addressee{Contact: items[i].Job.Contact, Email: items[i].Job.Email}
		}
		why, err := s.Store.UnwantedOf(ctx, lists, people, now)
		if err != nil {
			return nil, err
		}
		for k, i := range of {
			reasons[i] = why[k]
		}
	}
	return reasons, nil
}
