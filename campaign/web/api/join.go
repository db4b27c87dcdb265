package api

import (
	"context"
	"encoding/json"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Joined is what became of a person who was to join a list.
type Joined struct {
	Effect  string   `json:"effect" enum:"new,updated,unchanged,suppressed,unsubscribed,erased" doc:"unsubscribed: left the list before, and stays so. suppressed: stored, and never mailed. erased: not stored."`
	Contact *Contact `json:"contact,omitempty" doc:"Missing when the person was erased."`
	Import  int64    `json:"import" doc:"By which it can be undone."`
}

var effectNames = map[campaign.ImportEffect]string{
	campaign.EffectNew: "new", campaign.EffectUpdated: "updated", campaign.EffectUnchanged: "unchanged",
	campaign.EffectSuppressed: "suppressed", campaign.EffectUnsubscribed: "unsubscribed", campaign.EffectErased: "erased",
}

func (a *API) addJoining() {
	add(a, Operation{Method: "POST", Path: "/lists/{list}/members", ID: "add-member", Tag: "lists", Summary: "Bring one person into a list", Means: "The rules are an import's: who left the list stays away, given attributes replace those of the same name. Asking twice adds nobody twice; each consent is recorded.", Need: account.Lists, Action: "add member"}, a.join)
}

type joining struct {
	ListPath
	Body struct {
		Email      string                     `json:"email" minLength:"3" maxLength:"254"`
		Attributes map[string]json.RawMessage `json:"attributes,omitempty" doc:"Texts, numbers, booleans and nulls by name."`
		Consent    *Consent                   `json:"consent,omitempty" doc:"The record of the person's wish, which is kept beside earlier ones."`
	}
}

// Consent is the record of a person's wish to get a list's mail (GDPR, article 7 (1)).
type Consent struct {
	At    time.Time `json:"at,omitzero" doc:"When it was given; now when it is missing."`
	IP    string    `json:"ip,omitempty" format:"ip" doc:"Where from."`
	Form  string    `json:"form,omitempty" maxLength:"4000" doc:"The words that were agreed to."`
	Until time.Time `json:"until,omitzero" doc:"When it lapses: mail ends by itself then."`
}

// consent keeps the record of a person's wish.
func (a *API) consent(ctx context.Context, contact campaign.ContactID, list campaign.ListID, c *Consent) error {
	if c == nil || contact == 0 {
		return nil
	}
	at := c.At
	if at.IsZero() {
		at = a.Now()
	}
	return a.Store.RecordConsent(ctx, campaign.Consent{Contact: contact, List: list, At: at, How: "api", IP: c.IP, Form: c.Form, Until: c.Until})
}

func (a *API) join(ctx context.Context, c *call, in *joining) (*body[Joined], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	c.object = in.Body.Email + " to " + l.Name
	address, err := campaign.ParseAddress(in.Body.Email)
	if err != nil {
		return nil, invalid("body.email", err.Error())
	}
	attributes, err := campaign.Attributes(in.Body.Attributes)
	if err != nil {
		return nil, invalid("body.attributes", err.Error())
	}
	c.patient() // an import that is under way ends first
	j, err := a.Service.Join(ctx, l.ID, "added by "+c.user.Email, address.Email, attributes)
	if err == nil {
		err = a.consent(ctx, j.Contact.ID, l.ID, in.Body.Consent)
	}
	if err != nil {
		return nil, err
	}
	out := Joined{Effect: effectNames[j.Effect], Import: int64(j.Import)}
	if j.Contact.ID != 0 {
		contact := contactOf(j.Contact)
		out.Contact = &contact
	}
	return &body[Joined]{out}, nil
}
