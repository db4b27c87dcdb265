package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Suppression says who gets no mail.
type Suppression struct {
	Who    string    `json:"who" doc:"An address, a domain (with all below it), or hash: and the keyed hash of an address whose person was erased."`
	List   int64     `json:"list,omitempty" doc:"The list to which it applies; whatever the list when it is missing."`
	Reason string    `json:"reason" doc:"unsubscribed, bounced, complained, manual, …"`
	Detail string    `json:"detail,omitempty" doc:"The server's words, or a person's note."`
	At     time.Time `json:"at"`
}

func suppressionOf(s campaign.Suppression) Suppression {
	return Suppression{s.Who(), int64(s.List), s.Reason, s.Detail, s.At}
}

func (a *API) addSuppressions() {
	add(a, Operation{Method: "GET", Path: "/suppressions", ID: "search-suppressions", Tag: "suppressions", Summary: "Suppressed addresses, domains and hashes that begin so, in order", Need: account.See}, a.searchSuppressions)
	add(a, Operation{Method: "POST", Path: "/suppressions", ID: "suppress", Tag: "suppressions", Summary: "Suppress an address or a domain", Means: "One that is suppressed already stays as it is. Running campaigns know within a second.", Need: account.Lists, Action: "suppress address", Status: http.StatusNoContent}, a.suppress)
	add(a, Operation{Method: "DELETE", Path: "/suppressions/{who}", ID: "unsuppress", Tag: "suppressions", Summary: "Let an address, a domain or a hash get mail again", Need: account.Lists, Action: "unsuppress address", Status: http.StatusNoContent}, a.unsuppress)
}

func (a *API) searchSuppressions(ctx context.Context, _ *call, in *Search) (*body[Page[Suppression]], error) {
	list, err := a.Store.SearchSuppressions(ctx, in.Prefix, in.After, in.Limit)
	return answer(pageOf(list, in.Limit, suppressionOf, func(s campaign.Suppression) string { return s.Who() }), err)
}

type newSuppression struct {
	Body struct {
		Who    string `json:"who" minLength:"3" maxLength:"254" doc:"An address, a domain, or a hash of an export."`
		List   int64  `json:"list,omitempty" minimum:"1" doc:"The list to which it applies; whatever the list when it is missing."`
		Detail string `json:"detail,omitempty" maxLength:"400" doc:"Why, for the others."`
	}
}

func (a *API) suppress(ctx context.Context, c *call, in *newSuppression) (*struct{}, error) {
	c.object = in.Body.Who
	s, err := campaign.ParseSuppressed(in.Body.Who)
	if err != nil {
		return nil, invalid("body.who", err.Error())
	}
	if in.Body.List != 0 {
		l, err := a.Store.ListByID(ctx, campaign.ListID(in.Body.List))
		if err != nil {
			return nil, err
		}
		s.List = l.ID
		c.object += " on " + l.Name
	}
	s.Reason, s.Detail, s.At = "manual", strings.TrimSpace(in.Body.Detail+" (by "+c.user.Email+")"), a.Now()
	_, err = a.Store.Suppress(ctx, []campaign.Suppression{s})
	return nil, err
}

type suppressed struct {
	Who  string `path:"who" maxLength:"254" doc:"The address, the domain or the hash."`
	List int64  `query:"list" minimum:"1" doc:"The list on which it is suppressed; what holds whatever the list when it is missing."`
}

func (a *API) unsuppress(ctx context.Context, c *call, in *suppressed) (*struct{}, error) {
	c.object = in.Who
	return nil, a.Store.UnsuppressOn(ctx, campaign.ListID(in.List), in.Who)
}
