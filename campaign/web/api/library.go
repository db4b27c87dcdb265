package api

import (
	"context"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Starter is a text of the library, for campaigns to begin with.
type Starter struct {
	Key     string    `json:"key" doc:"A number, or the name of one that comes with the program."`
	Own     bool      `json:"own" doc:"It comes with the program, and is not changed."`
	Updated time.Time `json:"updated,omitzero"`
	StarterText
}

// StarterText is what a person says about a text of the library.
type StarterText struct {
	Name      string `json:"name" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line"`
	Means     string `json:"means,omitempty" maxLength:"200" doc:"What it is for, in a few words."`
	Subject   string `json:"subject,omitempty" maxLength:"1000" doc:"A Liquid template, as preheader, html, markdown and text."`
	Preheader string `json:"preheader,omitempty" maxLength:"1000"`
	HTML      string `json:"html,omitempty" maxLength:"2000000" doc:"At most one of html and markdown."`
	Markdown  string `json:"markdown,omitempty" maxLength:"2000000"`
	Text      string `json:"text,omitempty" maxLength:"2000000" doc:"Made from the HTML when it is missing."`
	Inline    []File `json:"inline,omitempty" maxItems:"50" nullable:"false" doc:"Images that the HTML calls cid:NAME."`
}

func (t StarterText) content() campaign.StarterContent {
	return campaign.StarterContent{Means: t.Means, Subject: t.Subject, Preheader: t.Preheader, HTML: t.HTML, Markdown: t.Markdown, Text: t.Text, Inline: messageFiles(t.Inline)}
}

func starterOf(s campaign.Starter) Starter {
	c := s.Content
	return Starter{s.Key, s.Own, s.Updated, StarterText{s.Name, c.Means, c.Subject, c.Preheader, c.HTML, c.Markdown, c.Text, filesOf(c.Inline)}}
}

// StarterPath names a text of the library.
type StarterPath struct {
	Starter string `path:"starter" maxLength:"50" doc:"Its key."`
}

func (a *API) addLibrary() {
	add(a, Operation{Method: "GET", Path: "/library", ID: "list-starters", Tag: "library", Summary: "All texts to begin with: what was saved, then the program's own", Need: account.See}, a.showStarters)
	add(a, Operation{Method: "POST", Path: "/library", ID: "create-starter", Tag: "library", Summary: "Save a text for campaigns to begin with", Means: "It must make a message. A name is taken once.", Need: account.Write, Action: "create template", Status: http.StatusCreated, MaxBody: draftBytes}, a.createStarter)
	add(a, Operation{Method: "GET", Path: "/library/{starter}", ID: "show-starter", Tag: "library", Summary: "A text, for a campaign to be made of", Means: "A campaign takes a copy: create it with these fields.", Need: account.See}, a.showStarter)
	add(a, Operation{Method: "PUT", Path: "/library/{starter}", ID: "edit-starter", Tag: "library", Summary: "Replace a text that was saved", Means: "Campaigns that began with it keep theirs. The program's own are not changed: that is a conflict.", Need: account.Write, Action: "edit template", MaxBody: draftBytes}, a.editStarter)
	add(a, Operation{Method: "DELETE", Path: "/library/{starter}", ID: "delete-starter", Tag: "library", Summary: "Delete a text that was saved", Need: account.Write, Action: "delete template", Status: http.StatusNoContent}, a.deleteStarter)
	add(a, Operation{Method: "GET", Path: "/library/{starter}/preview", ID: "preview-starter", Tag: "library", Summary: "The message that a text makes, for nobody in particular", Need: account.See}, a.previewStarter)
}

func (a *API) showStarters(ctx context.Context, _ *call, _ *struct{}) (*body[Page[Starter]], error) {
	list, err := a.Service.Starters(ctx)
	return answer(all(list, starterOf), err)
}

func (a *API) createStarter(ctx context.Context, c *call, in *struct{ Body StarterText }) (*body[Starter], error) {
	c.object = in.Body.Name
	saved, err := a.Service.CreateStarter(ctx, in.Body.Name, in.Body.content())
	return answer(starterOf(saved), err)
}

func (a *API) starter(ctx context.Context, c *call, in StarterPath) (campaign.Starter, error) {
	found, err := a.Service.Starter(ctx, in.Starter)
	c.object = found.Name
	return found, err
}

func (a *API) showStarter(ctx context.Context, c *call, in *StarterPath) (*body[Starter], error) {
	found, err := a.starter(ctx, c, *in)
	return answer(starterOf(found), err)
}

func (a *API) editStarter(ctx context.Context, c *call, in *struct {
	StarterPath
	Body StarterText
}) (*body[Starter], error) {
	old, err := a.starter(ctx, c, in.StarterPath)
	if err != nil {
		return nil, err
	}
	saved, err := a.Service.UpdateStarter(ctx, old, in.Body.Name, in.Body.content())
	return answer(starterOf(saved), err)
}

func (a *API) deleteStarter(ctx context.Context, c *call, in *StarterPath) (*struct{}, error) {
	found, err := a.starter(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	return nil, a.Service.DeleteStarter(ctx, found)
}

func (a *API) previewStarter(ctx context.Context, c *call, in *StarterPath) (*body[Preview], error) {
	found, err := a.starter(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	r, err := a.Service.RenderStarter(ctx, found.Content)
	return answer(Preview{r.Contact.Email, r.From, r.To, r.Subject, r.Text, r.HTML, r.Files, r.Bytes}, err)
}
