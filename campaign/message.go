package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// MessageID names a message that was made for one person from a template. In the ledger
// it stands where other rows have their contact: a person may get any number of
// messages in one run.
type MessageID int64

// FirstMessage is the first MessageID; contacts never get so far.
const FirstMessage MessageID = 1 << 40

// Template reports whether a campaign is one: transactional, and without lists. It is
// never started; messages are made from it one by one.
func (s Spec) Template() bool { return s.Class == Transactional && len(s.Lists) == 0 }

// NewMessage asks for one message to one person.
type NewMessage struct {
	Template string // the name of a campaign that is a template
	To       string // as a person types it; nobody needs to have been imported
	// Data are the values that this message has beside the contact's attributes, before
	// which they go: a JSON object as Attributes reads one, of MaxData bytes at most. It is
	// kept until the message has its outcome.
	Data map[string]json.RawMessage
	// Key makes asking twice safe: who asks again with it, and for the same, gets the
	// message that is there. "" for none.
	Key string
}

// SignUpKey begins the keys of the messages that ask who signed up for confirmation; the
// sign-up's id follows.
const SignUpKey = "broadside sign-up "

// MaxData is how many bytes a message's data may have, and MaxKey its key.
const (
	MaxData = 64 << 10
	MaxKey  = 255
)

// Message is one that was taken: from then on it is in the ledger.
type Message struct {
	ID       MessageID
	Run      RunID
	Lane     Lane
	Contact  ContactID
	Template string
	Email    string // "" when the person was erased
	Created  time.Time
	Request  [sha256.Size]byte // what was asked for
}

// Recipient is the message's row in the ledger.
func (m Message) Recipient() Recipient {
	return Recipient{Run: m.Run, Lane: m.Lane, Contact: ContactID(m.ID)}
}

// MessageState is where a message stands, and each try that was not simply accepted.
type MessageState struct {
	Message
	Row      Row
	Attempts []Attempt
}

// MessageError says by a name why a message is not made. Nothing was written.
type MessageError struct {
	Name MessageProblem
	Text string // for people
}

func (r *MessageError) Error() string { return r.Text }

// MessageProblem is what programs tell them by.
type MessageProblem string

// The problems.
const (
	NoTemplate    MessageProblem = "template_not_found"
	NotATemplate  MessageProblem = "not_a_template"
	TemplateUnfit MessageProblem = "template_unfit" // it cannot be sent as it stands
	BadAddress    MessageProblem = "bad_address"
	BadData       MessageProblem = "bad_data"
	MissingValue  MessageProblem = "missing_value" // a merge field has neither value nor default
	RecipientGone MessageProblem = "recipient_suppressed"
	KeyReused     MessageProblem = "key_reused" // for something else
	BadKey        MessageProblem = "bad_key"
)

func refuse(name MessageProblem, format string, a ...any) error {
	return &MessageError{name, fmt.Sprintf(format, a...)}
}

// MessageRow is a message as it is written.
type MessageRow struct {
	Run     RunID
	Lane    Lane
	Email   string // normalised; its contact is made when there is none
	Key     string
	Request [sha256.Size]byte // of what was asked for
	Data    []byte            // JSON object
}

// MessageStore keeps messages.
type MessageStore interface {
	// StandingRun returns a template with the run that takes its messages; the zero Run
	// when there is none that was begun with what the template is now. ErrNotFound.
	StandingRun(ctx context.Context, template string) (Campaign, Run, error)
	// OpenStandingRun makes that run, unless it is there, and lets another that the
	// template had come to its end.
	OpenStandingRun(ctx context.Context, c CampaignID, now time.Time) (Run, error)
	MessageByKey(ctx context.Context, key string) (Message, error) // ErrNotFound
	// AddMessage writes a message with its row in the ledger, or finds the one that its
	// key has. ErrConflict when its run takes no messages any more.
	AddMessage(ctx context.Context, m MessageRow, now time.Time) (made Message, known bool, err error)
	MessageByID(ctx context.Context, id MessageID) (MessageState, error) // ErrNotFound
	// SuppressionsOf returns all that keeps mail from an address, on any list.
	SuppressionsOf(ctx context.Context, email string) ([]Suppression, error)
}

// Holds reports whether a suppression also keeps what is for the person alone from
// them: all do but the wish to get no more advertising.
func (s Suppression) Holds() bool { return s.List == 0 && s.Reason != "unsubscribed" }

// WithData sets values in a contact's attributes, both JSON objects.
func WithData(attributes, data []byte) ([]byte, error) {
	if len(data) == 0 || string(data) == "{}" {
		return attributes, nil
	}
	var all, given map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(attributes, &all), json.Unmarshal(data, &given)); err != nil {
		return nil, fmt.Errorf("attributes with a message's data: %w", err)
	}
	if all == nil {
		all = given
	}
	maps.Copy(all, given)
	return json.Marshal(all)
}
