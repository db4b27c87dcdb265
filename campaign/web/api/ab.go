package api

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// AB is an A/B test of a campaign: A is the campaign as it is written.
type AB struct {
	Share    int           `json:"share,omitempty" minimum:"1" maximum:"100" doc:"Percent of the audience that the test is made with; 20 when it is missing, 100 leaves no rest."`
	Winner   string        `json:"winner,omitempty" enum:"opens,clicks,person" doc:"What decides for the rest; opens when it is missing."`
	After    string        `json:"after,omitempty" maxLength:"20" example:"4h" doc:"How long after everybody in the test was tried, from 10m to 168h; 4h when it is missing. A person needs none."`
	Variants []Alternative `json:"variants" minItems:"1" maxItems:"3" nullable:"false" doc:"B, C and D."`
}

// Alternative is in what a variant differs; what is missing is as in the campaign.
type Alternative struct {
	Subject   string `json:"subject,omitempty" maxLength:"1000"`
	Preheader string `json:"preheader,omitempty" maxLength:"1000"`
	FromName  string `json:"from_name,omitempty" maxLength:"200" doc:"The sender's name, before the same address."`
	HTML      string `json:"html,omitempty" maxLength:"2000000" doc:"html, markdown or text takes the place of the campaign's whole content."`
	Markdown  string `json:"markdown,omitempty" maxLength:"2000000"`
	Text      string `json:"text,omitempty" maxLength:"2000000"`
}

func abOf(t campaign.ABTest) *AB {
	if !t.On() {
		return nil
	}
	ab := &AB{Share: t.Share, Winner: string(t.Winner)}
	if t.After != 0 {
		ab.After = time.Duration(t.After).String()
	}
	for _, v := range t.Variants {
		ab.Variants = append(ab.Variants, Alternative(v))
	}
	return ab
}

// test is what a draft says of its test.
func (ab *AB) test() (campaign.ABTest, error) {
	if ab == nil {
		return campaign.ABTest{}, nil
	}
	t := campaign.ABTest{Share: ab.Share, Winner: campaign.ABRule(ab.Winner)}
	if ab.After != "" {
		if err := t.After.UnmarshalText([]byte(ab.After)); err != nil {
			return t, invalid("body.ab.after", "is written like 4h or 90m")
		}
	}
	for _, v := range ab.Variants {
		t.Variants = append(t.Variants, campaign.Alternative(v))
	}
	return t, nil
}

func (a *API) addABTests() {
	add(a, Operation{Method: "POST", Path: "/runs/{run}/winner", ID: "choose-winner", Tag: "runs", Summary: "End an A/B test now, and send the rest a variant", Means: "Without a variant, what is known so far decides. It is a conflict when nobody waits for a winner.", Need: account.Send, Action: "choose winner"}, a.chooseWinner)
}

type winning struct {
	RunPath
	Body struct {
		Variant string `json:"variant,omitempty" enum:"A,B,C,D" doc:"Its letter."`
	}
}

func (a *API) chooseWinner(ctx context.Context, c *call, in *winning) (*body[campaign.ABReport], error) {
	run, err := a.run(ctx, c, in.RunPath)
	if err != nil {
		return nil, err
	}
	v := campaign.NoVariant
	if in.Body.Variant != "" {
		if v, err = campaign.ParseVariant(in.Body.Variant); err != nil {
			return nil, invalid("body.variant", err.Error())
		}
		c.object += ": " + in.Body.Variant
	}
	if _, err = a.Service.ChooseWinner(ctx, run.ID, v, c.user.Name); err != nil {
		return nil, err
	}
	a.Moved(run.ID)
	s, err := a.Service.StatusOf(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	return answer(*s.AB, nil)
}
