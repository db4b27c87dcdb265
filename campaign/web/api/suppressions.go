package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Suppression is an address that gets no mail, whatever the list.
type Suppression struct {
	Email  string    `json:"email"`
	Reason string    `json:"reason" doc:"unsubscribed, bounced, complained, manual, …"`
	Detail string    `json:"detail,omitempty" doc:"The server's words, or a person's note."`
	At     time.Time `json:"at"`
}

func suppressionOf(s campaign.Suppression) Suppression {
	return Suppression{s.Email, s.Reason, s.Detail, s.At}
}

func (a *API) addSuppressions() {
	add(a, Operation{Method: "GET", Path: "/suppressions", ID: "search-suppressions", Tag: "suppressions", Summary: "Suppressed addresses that begin so, in order of address", Need: account.See}, a.searchSuppressions)
	add(a, Operation{Method: "POST", Path: "/suppressions", ID: "suppress-address", Tag: "suppressions", Summary: "Suppress an address", Means: "One that is suppressed already stays as it is.", Need: account.Lists, Action: "suppress address"}, a.suppressAddress)
	add(a, Operation{Method: "DELETE", Path: "/suppressions/{email}", ID: "unsuppress-address", Tag: "suppressions", Summary: "Let an address get mail again", Need: account.Lists, Action: "unsuppress address", Status: http.StatusNoContent}, a.unsuppress)
}

func (a *API) searchSuppressions(ctx context.Context, _ *call, in *Search) (*body[Page[Suppression]], error) {
	list, err := a.Store.SearchSuppressions(ctx, in.Prefix, in.After, in.Limit)
	return answer(pageOf(list, in.Limit, suppressionOf, func(s campaign.Suppression) string { return s.Email }), err)
}

type newSuppression struct {
	Body struct {
		Email  string `json:"email" minLength:"3" maxLength:"254"`
		Detail string `json:"detail,omitempty" maxLength:"400" doc:"Why, for the others."`
	}
}

func (a *API) suppressAddress(ctx context.Context, c *call, in *newSuppression) (*body[Suppression], error) {
	c.object = in.Body.Email
	address, err := campaign.ParseAddress(in.Body.Email)
	if err != nil {
		return nil, invalid("body.email", err.Error())
	}
	if err := a.suppress(ctx, address.Email, strings.TrimSpace(in.Body.Detail+" (by "+c.user.Email+")")); err != nil {
		return nil, err
	}
	s, err := a.Store.SuppressionOf(ctx, address.Email)
	return answer(suppressionOf(s), err)
}

type emailPath struct {
	Email string `path:"email" maxLength:"254" doc:"The address."`
}

func (a *API) unsuppress(ctx context.Context, c *call, in *emailPath) (*struct{}, error) {
	c.object = in.Email
	return nil, a.Store.Unsuppress(ctx, in.Email)
}
