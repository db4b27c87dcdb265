package webhook

import (
	"context"
	"time"

	"broadside/campaign"
)

// Fact is what happened to a person or a run outside the outcomes' stream. It is
// written in the transaction that makes it true, while there are endpoints.
type Fact struct {
	ID      int64 // ascending, but not always committed in order
	Type    Type
	At      time.Time
	Run     campaign.RunID
	Contact campaign.ContactID
	List    campaign.ListID
	Reason  string
	Detail  string
	Late    bool // see Data
}

// DeliveryState is where the delivery of an event to an endpoint stands. The words are
// stored.
type DeliveryState string

// The states.
const (
	Delivered DeliveryState = "delivered"
	Retrying  DeliveryState = "retrying"
	Failed    DeliveryState = "failed" // given up, until it is replayed
)

// Delivery is the last attempt to tell an endpoint of an event.
type Delivery struct {
	ID       int64 // ascending in order of the first attempt
	Endpoint EndpointID
	Event    string // its id
	Type     Type
	At       time.Time // of the event
	Address  string    // that the event is about, in lower case; "" for none
	State    DeliveryState
	Attempts int
	Tried    time.Time
	Took     time.Duration
	Status   int    // of the answer, 0 when there was none
	Answer   string // its beginning
	Error    string // why there is no good answer
	Next     time.Time
	Body     []byte
	About    Data // whom the event is about, for RecordDeliveries; it is not kept
}

// DeliveryFilter selects deliveries; the zero filter all.
type DeliveryFilter struct {
	Endpoint EndpointID
	State    DeliveryState
}

// OrderKind is what a person wants of the Dispatcher. The words are stored.
type OrderKind string

// The kinds.
const (
	SendTest     OrderKind = "test"
	ReplayOne    OrderKind = "replay"
	ReplayFailed OrderKind = "replay failed"
	ReplaySince  OrderKind = "replay since"
)

// The kinds that the Dispatcher orders itself, for an endpoint whose queue failed: to
// bring what it was not told of, from a time on.
const (
	CatchUpOutcomes     OrderKind = "catch up with outcomes"     // from when they came
	CatchUpFacts        OrderKind = "catch up with facts"        // from when they happened
	CatchUpSuppressions OrderKind = "catch up with suppressions" // from when they were made
)

// Order goes through the store, so that it can be given where there is no queue, and
// outlasts the Dispatcher that makes it.
type Order struct {
	ID       int64
	Endpoint EndpointID
	Kind     OrderKind
	Event    string    // ReplayOne
	Since    time.Time // ReplaySince, and to catch up
	Made     time.Time
}

// Store keeps endpoints, facts, orders and deliveries.
type Store interface {
	Webhooks(ctx context.Context) ([]Endpoint, error)                       // in order of id
	WebhookByID(ctx context.Context, id EndpointID) (Endpoint, error)       // campaign.ErrNotFound
	AddWebhook(ctx context.Context, e Endpoint, most int) (Endpoint, error) // campaign.ErrConflict when there are most already
	// ChangeWebhook changes an endpoint in one transaction, unless change fails.
	ChangeWebhook(ctx context.Context, id EndpointID, change func(*Endpoint) error) (Endpoint, error) // campaign.ErrNotFound
	// RemoveWebhook removes it with its orders and deliveries.
	RemoveWebhook(ctx context.Context, id EndpointID) error // campaign.ErrNotFound

	OrderWebhook(ctx context.Context, o Order) (Order, error)
	WebhookOrders(ctx context.Context) ([]Order, error) // those not done, oldest first
	WebhookOrderDone(ctx context.Context, id int64) error

	// WebhookFacts are some that were not told yet, oldest first; of clicks only those up to
	// a number.
	WebhookFacts(ctx context.Context, clicks int64, limit int) ([]Fact, error)
	WebhookFactsTold(ctx context.Context, ids []int64) error
	// LastWebhookFact is the number of the last that was not told yet; 0 for none.
	LastWebhookFact(ctx context.Context) (int64, error)
	// WebhookFactsSince pages through what happened from a time on, told or not; of clicks
	// that were not told only those up to a number.
	WebhookFactsSince(ctx context.Context, since time.Time, clicks, after int64, limit int) ([]Fact, error)

	// WebhookCursor is the last suppression that was told.
	WebhookCursor(ctx context.Context) (int64, error)
	MoveWebhookCursor(ctx context.Context, to int64) error
	Suppressions(ctx context.Context, after int64, limit int) ([]campaign.Suppression, error)
	// SuppressionsSince is Suppressions for those from a time on.
	SuppressionsSince(ctx context.Context, since time.Time, after int64, limit int) ([]campaign.Suppression, error)

	RunByID(ctx context.Context, id campaign.RunID) (campaign.Run, error)
	AddressesOf(ctx context.Context, contacts []campaign.ContactID) (map[campaign.ContactID]string, error)
	Recipients(ctx context.Context, id campaign.RunID, s campaign.State, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error)
	// Gone reports whether the person that an event is about was erased, or deleted with a
	// list: it is not told any more.
	Gone(ctx context.Context, d Data) (bool, error)

	// RecordDeliveries writes attempts, each in the place of the event's last one, but
	// none about a person who is gone.
	RecordDeliveries(ctx context.Context, attempts []Delivery) error
	// ForgetDelivery deletes what is kept of an event's delivery.
	ForgetDelivery(ctx context.Context, endpoint EndpointID, event string) error
	DeliveryOf(ctx context.Context, endpoint EndpointID, event string) (Delivery, error) // campaign.ErrNotFound
	// Deliveries pages through deliveries, newest first; before 0 starts.
	Deliveries(ctx context.Context, f DeliveryFilter, before int64, limit int) ([]Delivery, error)
	// TrimWebhooks removes all but the last so many good deliveries of each endpoint, and
	// the facts that were told and are from before a time.
	TrimWebhooks(ctx context.Context, keep int, before time.Time) error
}
