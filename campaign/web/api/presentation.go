package api

import (
	"context"

	"broadside/campaign"
)

type presenting struct {
	ListPath
	Body struct {
		Title       string `json:"title,omitempty" maxLength:"100" pattern:"^\\P{Cc}*$" patternDescription:"text on one line" doc:"The list's name when it is missing."`
		Description string `json:"description,omitempty" maxLength:"300" pattern:"^\\P{Cc}*$" patternDescription:"text on one line"`
		Visible     bool   `json:"visible" doc:"Whether members see it among their lists."`
	}
}

func (a *API) presentList(ctx context.Context, c *call, in *presenting) (*body[List], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	p := campaign.Presentation{Title: in.Body.Title, Description: in.Body.Description, Visible: in.Body.Visible}
	if field, err := p.Check(); err != nil {
		return nil, invalid("body."+field, err.Error())
	}
	l, err = a.Store.PresentList(ctx, l.ID, p)
	return answer(listOf(l), err)
}
