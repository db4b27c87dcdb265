package api

import (
	"context"
	"net/http"
	"time"

	"broadside/campaign/account"
)

// Me is who asks.
type Me struct {
	User        int64    `json:"user"`
	Email       string   `json:"email"`
	Name        string   `json:"name"`
	Role        string   `json:"role" enum:"admin,editor,author,viewer"`
	Zone        string   `json:"zone" doc:"IANA time zone."`
	Permissions []string `json:"permissions" nullable:"false" doc:"Of this token, or of the session."`
}

// Token lets a program act for a user.
type Token struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Hint    string    `json:"hint" doc:"Its first characters."`
	Scopes  []string  `json:"scopes" nullable:"false"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero" doc:"Within an hour."`
}

func tokenOf(t account.Token) Token {
	return Token{t.ID, t.Name, t.Hint, append([]string{}, t.Scopes.Names()...), t.Created, t.Expires, t.Used}
}

// NewToken is a token with its text, which is told this once.
type NewToken struct {
	Token
	Text string `json:"text"`
}

func (a *API) addTokens() {
	add(a, Operation{Method: "GET", Path: "/me", ID: "show-me", Tag: "account", Summary: "Who asks, and what they may do", Need: account.See}, a.showMe)
	add(a, Operation{Method: "GET", Path: "/tokens", ID: "list-tokens", Tag: "account", Summary: "Your tokens, without their text", Need: account.See}, a.showTokens)
	add(a, Operation{Method: "POST", Path: "/tokens", ID: "create-token", Tag: "account", Summary: "Make a token", Means: "A token makes others that may do no more and last no longer than it does itself.", Need: account.See, Action: "create token", Status: http.StatusCreated}, a.createToken)
	add(a, Operation{Method: "DELETE", Path: "/tokens/{token}", ID: "revoke-token", Tag: "account", Summary: "Revoke one of your tokens", Need: account.See, Action: "revoke token", Status: http.StatusNoContent}, a.revokeToken)
}

func (a *API) showMe(_ context.Context, c *call, _ *struct{}) (*body[Me], error) {
	return &body[Me]{Me{int64(c.user.ID), c.user.Email, c.user.Name, string(c.user.Role), c.user.Zone, append([]string{}, c.may.Names()...)}}, nil
}

func (a *API) showTokens(ctx context.Context, c *call, _ *struct{}) (*body[Page[Token]], error) {
	tokens, err := a.Accounts.Tokens(ctx, c.user.ID)
	return answer(all(tokens, tokenOf), err)
}

type tokenAsked struct {
	Body struct {
		Name    string    `json:"name" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line"`
		Scopes  []string  `json:"scopes" minItems:"1" maxItems:"5" nullable:"false" enum:"see,write,lists,send,manage"`
		Expires time.Time `json:"expires" doc:"Within a year."`
	}
}

func (a *API) createToken(ctx context.Context, c *call, in *tokenAsked) (*body[NewToken], error) {
	c.object = in.Body.Name
	scopes, err := account.ParsePermissions(in.Body.Scopes)
	if err != nil {
		return nil, invalid("body.scopes", err.Error())
	}
	if scopes&^c.may != 0 {
		return nil, invalid("body.scopes", "must be some of yours: "+c.may.String())
	}
	if c.token.ID != 0 && in.Body.Expires.After(c.token.Expires) {
		return nil, invalid("body.expires", "must not be after your token's own: "+c.token.Expires.UTC().Format(time.RFC3339))
	}
	t, text, err := a.Accounts.CreateToken(ctx, c.user, in.Body.Name, scopes, in.Body.Expires)
	return answer(NewToken{tokenOf(t), text}, err)
}

type tokenPath struct {
	Token int64 `path:"token" minimum:"1" doc:"The token's id."`
}

func (a *API) revokeToken(ctx context.Context, c *call, in *tokenPath) (*struct{}, error) {
	c.object = number(in.Token)
	return nil, a.Accounts.RevokeToken(ctx, c.user.ID, in.Token)
}
