package api

import (
	"time"

	"broadside/campaign"
)

// Recipient is a contact's line in the ledger of a run.
type Recipient struct {
	Run      int64     `json:"run"`
	Contact  int64     `json:"contact"`
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
	Resent   bool      `json:"resent,omitempty" doc:"Two copies may have arrived, because a sender died with the first in hand."`
}

func recipientOf(r campaign.RecipientRow) Recipient {
	return Recipient{
		Run: int64(r.Run), Contact: int64(r.Contact), Email: r.Email, Lane: r.Lane.String(), State: r.State.String(), Reason: r.Reason.String(),
		Attempts: int(r.Attempts), Code: int(r.Code), Enhanced: r.Enhanced, Reply: r.Reply, At: r.At, Due: r.Due, Resent: r.Resent,
	}
}
