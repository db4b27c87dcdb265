package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

// Type is a kind of event.
type Type string

// The types. Endpoints name them; Test goes to any of them.
const (
	Accepted     Type = "message.accepted"
	Deferred     Type = "message.deferred"
	Bounced      Type = "message.bounced"
	Skipped      Type = "message.skipped"
	Unknown      Type = "message.unknown"
	Complained   Type = "message.complaint"
	Unsubscribed Type = "contact.unsubscribed"
	Suppressed   Type = "address.suppressed"
	RunStarted   Type = "run.started"
	RunPaused    Type = "run.paused"
	RunResumed   Type = "run.resumed"
	RunFinished  Type = "run.finished"
	RunCancelled Type = "run.cancelled"
	Test         Type = "webhook.test"

	// What readers did, where it is known who they are.
	Opened           Type = "message.opened"
	Clicked          Type = "message.clicked"
	OpenedByMachine  Type = "message.opened_by_machine"
	ClickedByMachine Type = "message.clicked_by_machine"

	// RunComplete is a fact for the Dispatcher alone: the audience of a run is in the
	// ledger, and whom it skipped can be told.
	RunComplete Type = "run.complete"
)

// Meaning is a type that an endpoint may name, and when it is told.
type Meaning struct {
	Type  Type
	Means string
}

// Types are all types that an endpoint may name, in the order of a message's life.
func Types() []Meaning { return slices.Clone(meanings) }

var meanings = []Meaning{
	{Accepted, "the receiving server took the message"},
	{Deferred, "it was not taken yet, and is tried again"},
	{Bounced, "it was refused for good, at once or by a report afterwards"},
	{Skipped, "it was not sent, for a reason"},
	{Unknown, "the connection broke before the server's answer"},
	{Complained, "the recipient called it spam"},
	{Opened, "a person opened it, where the list allows to know who"},
	{Clicked, "a person followed a link of it, where the list allows to know who"},
	{OpenedByMachine, "a machine loaded its image: a privacy proxy, or a filter of mail"},
	{ClickedByMachine, "a machine looked at a link of it, as filters of mail do"},
	{Unsubscribed, "a person left a list"},
	{Suppressed, "an address or a domain gets no more mail"},
	{RunStarted, "a run began"},
	{RunPaused, "a run was paused, or paused itself"},
	{RunResumed, "a paused run goes on"},
	{RunFinished, "nothing of a run is open any more"},
	{RunCancelled, "a run was cancelled"},
}

// Event is what an endpoint is told.
type Event struct {
	ID   string // the same whenever the same thing is told: receivers drop what they know by it
	Type Type
	At   time.Time // when it happened
	Data Data
}

// Data is what there is to say; what an event has nothing to say about is left out.
type Data struct {
	Run      campaign.RunID     `json:"run,omitempty"`
	Campaign string             `json:"campaign,omitempty"`
	Contact  campaign.ContactID `json:"contact,omitempty"`
	Message  campaign.MessageID `json:"message,omitempty"` // in the place of Contact: of a message to one person
	Email    string             `json:"email,omitempty"`
	Domain   string             `json:"domain,omitempty"` // Suppressed: all addresses of it
	List     campaign.ListID    `json:"list,omitempty"`
	Attempt  uint16             `json:"attempt,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	Code     uint16             `json:"code,omitempty"`
	Enhanced string             `json:"enhanced_code,omitempty"`
	Reply    string             `json:"reply,omitempty"`
	Host     string             `json:"host,omitempty"`
	Next     time.Time          `json:"next_attempt,omitzero"`
	Late     bool               `json:"after_acceptance,omitempty"` // Bounced: the message had been accepted
	Resent   bool               `json:"resent,omitempty"`           // a second copy may have been sent
	Link     string             `json:"link,omitempty"`             // Clicked: where it leads, as the campaign says
	Machine  bool               `json:"machine,omitempty"`          // no person opened or clicked; Reason says how that showed
}

// envelope is a body as it is sent: the form that Standard Webhooks recommends, and the
// event's id.
type envelope struct {
	ID        string    `json:"id"`
	Type      Type      `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// body is what is signed and sent.
func (e Event) body() []byte {
	text, err := json.Marshal(envelope{e.ID, e.Type, e.At.UTC().Truncate(time.Millisecond), e.Data})
	if err != nil {
		panic(fmt.Sprintf("webhook: event %s: %v", e.ID, err)) // of text, numbers and times
	}
	return text
}

// parseBody reads what body wrote.
func parseBody(body []byte) (Event, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e.ID == "" {
		return Event{}, fmt.Errorf("webhook: a body in the queue is not one of ours: %q", body[:min(len(body), 100)])
	}
	return Event{e.ID, e.Type, e.Timestamp, e.Data}, nil
}

// outcomeTypes are the types of attempts' outcomes; Waiting and Cancelled are none.
var outcomeTypes = map[campaign.State]Type{
	campaign.Accepted: Accepted, campaign.Deferred: Deferred, campaign.Bounced: Bounced,
	campaign.Unknown: Unknown, campaign.Skipped: Skipped,
}

// outcome makes an event of an attempt's outcome; the names are added by who knows them.
func outcome(e *campaign.Event) Event {
	return Event{
		ID:   fmt.Sprintf("evt_%d_%d_%d_%d", e.Run, e.Contact, e.Attempt, e.State),
		Type: outcomeTypes[e.State],
		At:   e.At,
		Data: Data{
			Run: e.Run, Contact: e.Contact, Attempt: e.Attempt, Reason: e.Reason.String(), Code: e.Code,
			Enhanced: e.Enhanced, Reply: e.Reply, Host: e.Host, Next: e.Due.UTC(), Resent: e.Resent,
		},
	}
}
