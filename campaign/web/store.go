package web

import (
	"context"

	"broadside/campaign"
)

// Store is what the pages and the API read and change beside what campaign.Service does.
type Store interface {
	campaign.Store
	ListByID(ctx context.Context, id campaign.ListID) (campaign.List, error)             // ErrNotFound
	CampaignByID(ctx context.Context, id campaign.CampaignID) (campaign.Campaign, error) // ErrNotFound
	// RunsOf pages through a campaign's runs, newest first; before 0 starts.
	RunsOf(ctx context.Context, c campaign.CampaignID, before campaign.RunID, limit int) ([]campaign.Run, error)
	ContactByID(ctx context.Context, id campaign.ContactID) (campaign.Contact, error) // ErrNotFound
	// SearchContacts pages through contacts by the beginning of their address, in order
	// of address; after "" starts.
	SearchContacts(ctx context.Context, prefix, after string, limit int) ([]campaign.Contact, error)
	// SearchSuppressions does so for suppressed addresses.
	SearchSuppressions(ctx context.Context, prefix, after string, limit int) ([]campaign.Suppression, error)
	SuppressionOf(ctx context.Context, email string) (campaign.Suppression, error) // ErrNotFound
	MembershipsOf(ctx context.Context, c campaign.ContactID) ([]campaign.Membership, error)
	// RecipientsBecause is Recipients for one reason alone.
	RecipientsBecause(ctx context.Context, id campaign.RunID, s campaign.State, because campaign.Reason, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error)
}
