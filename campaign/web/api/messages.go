package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Message is one that was taken for one person.
type Message struct {
	ID       int64     `json:"id"`
	Template string    `json:"template"`
	Email    string    `json:"email,omitempty" doc:"Missing when the person was erased."`
	Created  time.Time `json:"created"`
}

// MessageState is a message and what became of it.
type MessageState struct {
	Message
	Run      int64     `json:"run" doc:"Of the template, in whose report the message counts."`
	State    string    `json:"state" enum:"waiting,accepted,deferred,bounced,unknown,skipped,cancelled"`
	Reason   string    `json:"reason,omitempty" doc:"In a word, such as \"user unknown\"."`
	Code     int       `json:"code,omitempty" doc:"SMTP reply code."`
	Reply    string    `json:"reply,omitempty"`
	At       time.Time `json:"at,omitzero" doc:"Of the last event; missing while nothing happened."`
	Due      time.Time `json:"due,omitzero" doc:"When a deferred one is tried again."`
	Attempts []Attempt `json:"attempts" nullable:"false" doc:"Those that were not simply accepted."`
}

func messageOf(m campaign.Message) Message {
	return Message{ID: int64(m.ID), Template: m.Template, Email: m.Email, Created: m.Created}
}

func (a *API) addMessages() {
	// No line in the audit log: each message is in the ledger, with its time and template.
	add(a, Operation{Method: "POST", Path: "/messages", ID: "send-message", Tag: "messages", Summary: "Send one message to one person now", Means: "A template is a campaign of the class transactional without lists. The answer comes when the message is durable and in the express lane. Asked again with the same Idempotency-Key, for the same, the answer is the same and no second message is sent; for something else it is an error. The `type` of an error ends with its name: template_not_found, not_a_template, template_unfit, bad_address, bad_data, missing_value, recipient_suppressed, key_reused, bad_key. More than 100 a second by one token are answered with 429.", Need: account.Messages, Status: http.StatusAccepted, MaxBody: 128 << 10}, a.sendMessage)
	add(a, Operation{Method: "GET", Path: "/messages/{message}", ID: "show-message", Tag: "messages", Summary: "Where a message stands, and its history", Need: account.Messages}, a.showMessage)
}

type newMessage struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"Makes asking twice safe. Kept as long as the message."`
	Body struct {
		Template string                     `json:"template" minLength:"1" maxLength:"100" doc:"Its name."`
		To       string                     `json:"to" minLength:"3" maxLength:"254"`
		Data     map[string]json.RawMessage `json:"data,omitempty" doc:"Texts, numbers, booleans and nulls by name, which go before the contact's attributes. 64 KB at most, kept until the message has its outcome."`
	}
}

func (a *API) sendMessage(ctx context.Context, c *call, in *newMessage) (*body[Message], error) {
	if !a.messages.take(c.user.ID, c.token.ID, a.Now()) {
		c.w.Header().Set("Retry-After", "1")
		return nil, huma.Error429TooManyRequests("One token may send 100 messages a second; try again in a second.")
	}
	m := campaign.NewMessage{Template: in.Body.Template, To: in.Body.To, Data: in.Body.Data}
	if in.Key != "" {
		m.Key = fmt.Sprintf("%d:%s", c.user.ID, in.Key) // nobody meets another's keys
	}
	made, known, err := a.Service.SendMessage(ctx, m)
	if problem, ok := errors.AsType[*campaign.MessageError](err); ok {
		return nil, messageProblem(problem)
	}
	if known {
		c.w.Header().Set("Idempotent-Replayed", "true")
	}
	return answer(messageOf(made), err)
}

// what a problem with a message is about.
var messageFields = map[campaign.MessageProblem]string{
	campaign.NoTemplate: "body.template", campaign.NotATemplate: "body.template", campaign.TemplateUnfit: "body.template",
	campaign.BadAddress: "body.to", campaign.RecipientGone: "body.to",
	campaign.BadData: "body.data", campaign.MissingValue: "body.data",
	campaign.BadKey: "header.Idempotency-Key", campaign.KeyReused: "header.Idempotency-Key",
}

func messageProblem(e *campaign.MessageError) error {
	status := http.StatusUnprocessableEntity
	if e.Name == campaign.NoTemplate {
		status = http.StatusNotFound
	}
	return &huma.ErrorModel{
		Type: "urn:broadside:problem:" + string(e.Name), Status: status, Title: http.StatusText(status), Detail: e.Text,
		Errors: []*huma.ErrorDetail{{Location: messageFields[e.Name], Message: e.Text}},
	}
}

type messagePath struct {
	Message int64 `path:"message" minimum:"1" doc:"The message's id."`
}

func (a *API) showMessage(ctx context.Context, _ *call, in *messagePath) (*body[MessageState], error) {
	m, err := a.Service.MessageState(ctx, campaign.MessageID(in.Message))
	if err != nil {
		return nil, err
	}
	return &body[MessageState]{MessageState{
		Message: messageOf(m.Message), Run: int64(m.Run), State: m.Row.State.String(), Reason: m.Row.Reason.String(),
		Code: int(m.Row.Code), Reply: m.Row.Reply, At: m.Row.At, Due: m.Row.Due, Attempts: attemptsOf(m.Attempts),
	}}, nil
}

// messagePace lets each token, and each user without one, ask for so many messages a
// second, and for as many at once. It is in memory.
type messagePace struct {
	mu   sync.Mutex
	full map[[2]int64]time.Time // when all that were taken are forgotten
}

const (
	messagesPerSecond = 100
	pacesKept         = 10_000
)

func (p *messagePace) take(user account.UserID, token int64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]int64{int64(user), token}
	at := p.full[key]
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) >= time.Second {
		return false
	}
	if p.full == nil || len(p.full) >= pacesKept {
		p.full = map[[2]int64]time.Time{}
	}
	p.full[key] = at.Add(time.Second / messagesPerSecond)
	return true
}
