package delivery

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"broadside/campaign"
)

// forgetful is a store that knows who is suppressed, and no run.
type forgetful struct{ SendStore }

func (forgetful) RunByID(context.Context, campaign.RunID) (campaign.Run, error) {
	return campaign.Run{}, errors.New("the connection was reset")
}

func (forgetful) UnwantedOf(_ context.Context, _ []string, people []campaign.Addressee, _ time.Time) ([]campaign.Reason, error) {
	return make([]campaign.Reason, len(people)), nil
}

// Who could not be looked for in the run's lists, because the run could not be read, is
// looked for before the message is sent, though the suppressions have just been asked.
func TestWhoseListsAreUnknownIsNotChecked(t *testing.T) {
	s := &Sender{Config: Config{Store: forgetful{}, Log: slog.New(slog.DiscardHandler)}}
	s.contents = newContents(s.Config)
	it := &item{}
	if kept := s.leaveOut(t.Context(), []*item{it}); len(kept) != 1 {
		t.Fatalf("%d of one job are kept: what becomes of it is for prepare to say", len(kept))
	}
	if !it.checked.IsZero() {
		t.Error("a job whose lists nobody knows counts as looked for")
	}
}
