package api

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Recipient is a contact's line in the ledger of a run.
type Recipient struct {
	Run      int64     `json:"run"`
	Contact  int64     `json:"contact,omitempty" doc:"Missing when the contact was erased."`
	Message  int64     `json:"message,omitempty" doc:"The message to one person that this is."`
	Email    string    `json:"email,omitempty" doc:"Missing when the contact was erased."`
	Lane     string    `json:"lane" doc:"The site, or a lane that small sites share."`
	State    string    `json:"state" enum:"waiting,accepted,deferred,bounced,unknown,skipped,cancelled"`
	Reason   string    `json:"reason,omitempty" doc:"In a word, such as \"user unknown\"."`
	Attempts int       `json:"attempts"`
	Code     int       `json:"code,omitempty" doc:"SMTP reply code."`
	Enhanced string    `json:"enhanced,omitempty" doc:"RFC 3463 code."`
	Reply    string    `json:"reply,omitempty"`
	At       time.Time `json:"at,omitzero" doc:"Of the last event; missing while nothing happened."`
	Due      time.Time `json:"due,omitzero" doc:"When a deferred one is tried again."`
	Variant  string    `json:"variant,omitempty" doc:"Its letter in an A/B test; missing for who gets the winner."`
	Resent   bool      `json:"resent,omitempty" doc:"Two copies may have arrived, because a sender died with the first in hand."`
}

func recipientOf(r campaign.RecipientRow) Recipient {
	var message int64
	if int64(r.Contact) >= int64(campaign.FirstMessage) {
		message = int64(r.Contact)
	}
	return Recipient{
		Run: int64(r.Run), Contact: int64(r.Person), Message: message, Email: r.Email, Lane: r.Lane.String(), State: r.State.String(), Reason: r.Reason.String(),
		Attempts: int(r.Attempts), Code: int(r.Code), Enhanced: r.Enhanced, Reply: r.Reply, At: r.At, Due: r.Due, Resent: r.Resent, Variant: r.Variant.String(),
	}
}

func (a *API) addRecipients() {
	add(a, Operation{Method: "GET", Path: "/runs/{run}/recipients", ID: "list-recipients", Tag: "runs", Summary: "The people behind a number of the balance", Need: account.See}, a.showRecipients)
	add(a, Operation{Method: "POST", Path: "/runs/{run}/export", ID: "export-run", Tag: "runs", Summary: "All recipients as CSV", Means: "email, state, reason, attempts, code, enhanced, reply, at, variant.", Need: account.Lists, Action: "export run", Answer: "text/csv"}, a.exportRun)
}

type recipientPage struct {
	RunPath
	State  string `query:"state" enum:"waiting,accepted,deferred,bounced,unknown,skipped,cancelled" doc:"Those in this state alone; without it everybody who was planned."`
	Reason string `query:"reason" maxLength:"40" doc:"Of a state, for this reason alone, in the words of a recipient's reason."`
	Paging
}

func (a *API) showRecipients(ctx context.Context, c *call, in *recipientPage) (*body[Page[Recipient]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	reason, ok := reasonNamed(in.Reason)
	if !ok {
		return nil, invalid("query.reason", fmt.Sprintf("no reason is called %q", in.Reason))
	}
	if in.State == "" && reason != campaign.NoReason {
		return nil, invalid("query.state", "name the state whose reason it is")
	}
	run, err := a.run(ctx, c, in.RunPath)
	if err != nil {
		return nil, err
	}
	rows, err := a.people(ctx, run.ID, in.State, reason, after, in.Limit)
	return answer(pageOf(rows, in.Limit, recipientOf, func(r campaign.RecipientRow) string { return fmt.Sprintf("%d.%d", r.Lane, r.Contact) }), err)
}

// people reads a page of those in a state, for a reason when there is one, or of everybody.
func (a *API) people(ctx context.Context, id campaign.RunID, state string, reason campaign.Reason, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error) {
	if state == "" {
		return a.Store.Everybody(ctx, id, after, limit)
	}
	s, err := campaign.ParseState(state)
	if err != nil {
		return nil, err
	}
	if reason == campaign.NoReason {
		return a.Store.Recipients(ctx, id, s, after, limit)
	}
	return a.Store.RecipientsBecause(ctx, id, s, reason, after, limit)
}

// after reads where a page begins: a lane and a contact.
func (in *recipientPage) after() (campaign.Recipient, error) {
	r := campaign.Recipient{Run: campaign.RunID(in.Run)}
	if in.After == "" {
		return r, nil
	}
	if n, err := fmt.Sscanf(in.After, "%d.%d", &r.Lane, &r.Contact); n != 2 || err != nil || in.After != fmt.Sprintf("%d.%d", r.Lane, r.Contact) {
		return r, invalid("query.after", "is not the next of a page")
	}
	return r, nil
}

// reasonNamed finds a reason by its name; "" is none.
func reasonNamed(name string) (campaign.Reason, bool) {
	for r := range campaign.Reason(255) {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

type runExport struct {
	RunPath
	State string `query:"state" enum:"waiting,accepted,deferred,bounced,unknown,skipped,cancelled" doc:"Those in this state alone."`
}

func (a *API) exportRun(ctx context.Context, c *call, in *runExport) (*huma.StreamResponse, error) {
	run, err := a.run(ctx, c, in.RunPath)
	if err != nil {
		return nil, err
	}
	states := campaign.States()
	if in.State != "" {
		s, err := campaign.ParseState(in.State)
		if err != nil {
			return nil, err
		}
		states = []campaign.State{s}
	}
	return a.download(c, fmt.Sprintf("%s run %d.csv", run.Spec.Name, run.ID), func(w io.Writer) error {
		_, err := campaign.ExportRun(ctx, a.Store, run.ID, states, w)
		return err
	}), nil
}
