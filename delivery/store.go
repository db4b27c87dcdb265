package delivery

import (
	"context"
	"errors"
	"time"

	"broadside/campaign"
)

// ErrCheckpoint is returned by Ledger.Apply when the checkpoint is not where the
// caller believes: another recorder was faster, or the event stream is a new one.
var ErrCheckpoint = errors.New("the ledger's checkpoint has moved")

// Ledger is where the recorder writes outcomes.
type Ledger interface {
	// Checkpoint is the last stream sequence that is applied; 0 at first.
	Checkpoint(ctx context.Context) (uint64, error)
	// Apply applies events in order and moves the checkpoint from one sequence to
	// another, in one transaction: exactly once. See campaign.Event for which events
	// change a row.
	Apply(ctx context.Context, from, to uint64, events []campaign.Event) error
	// ResetCheckpoint sets the checkpoint for a new event stream.
	ResetCheckpoint(ctx context.Context, from, to uint64) error
}

// SendStore is what a sender needs of the store.
type SendStore interface {
	Checkpoint(ctx context.Context) (uint64, error)
	// RowsOf returns the ledger rows of recipients, in their order; a missing row is
	// zero but for its Recipient.
	RowsOf(ctx context.Context, who []campaign.Recipient) ([]campaign.Row, error)
	// UnwantedOf returns for each person why a message through the named lists (none:
	// one that is for the person alone) must not go to them now, NoReason when it may.
	UnwantedOf(ctx context.Context, lists []string, people []campaign.Addressee, now time.Time) ([]campaign.Reason, error)
	RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error)
	// MostTracking returns the loosest tracking of the named lists: off for none.
	MostTracking(ctx context.Context, lists []string) (campaign.Tracking, error)
	// CeilingsOf returns the strictest tracking of those of the named lists that each
	// contact is subscribed to; who is subscribed to none of them is missing.
	CeilingsOf(ctx context.Context, lists []string, contacts []campaign.ContactID) (map[campaign.ContactID]campaign.Tracking, error)
	// SaveLinks gives the links of a run's message their numbers, and returns all links
	// of the run. A link that is there keeps its number.
	SaveLinks(ctx context.Context, id campaign.RunID, links []campaign.Link) ([]campaign.Link, error)
	// SetRunState pauses a run whose mail is refused for what it is; campaign.ErrConflict
	// when the run is in none of the states from.
	SetRunState(ctx context.Context, id campaign.RunID, from []campaign.RunState, to campaign.RunState, note string, at time.Time) (campaign.Run, error)
}
