package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"broadside/campaign"
	"broadside/campaign/account"
)

// call is one request of somebody who is known.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	user   account.User
	may    account.Permission
	via    string        // "page", or the token's name
	token  account.Token // zero in a browser
	object string        // what the audit log says was changed
	broken bool          // half an answer is out, and the rest is not to be had
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// bodyTime is how long a request's JSON may take to arrive.
const bodyTime = 30 * time.Second

// guard lets those through who may do what an operation does, and writes the audit log.
func (a *API) guard(op Operation, ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	r.Body = arriving{r.Body}
	c := &call{r: r, w: w}
	err := a.identify(c)
	if op.Action != "" {
		defer func() { a.audit(op, c, ctx.Status()) }()
	}
	switch {
	case err != nil:
		a.refuse(ctx, a.problem(op, err))
	case c.user.ID == 0:
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="Broadside"`)
		a.refuse(ctx, huma.Error401Unauthorized("Send a valid token in the header Authorization: Bearer …; tokens are made on the page of your account."))
	case c.may&op.Need != op.Need:
		a.refuse(ctx, huma.Error403Forbidden("This needs the permission "+op.Need.String()+"; you have: "+c.may.String()+"."))
	case !plainText(r):
		a.refuse(ctx, huma.Error400BadRequest("The address has characters that are no text."))
	default:
		next(huma.WithValue(ctx, callKey{}, c))
	}
	if c.broken {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
}

// refuse answers with a problem.
func (a *API) refuse(ctx huma.Context, err error) {
	p, ok := errors.AsType[*huma.ErrorModel](err)
	if !ok {
		p = &huma.ErrorModel{Status: http.StatusInternalServerError, Title: http.StatusText(http.StatusInternalServerError)}
	}
	_ = huma.WriteErr(a.huma, ctx, p.Status, p.Detail) // the client went away
}

// identify finds out who asks: by a token, or by a session. A user whose id is 0 is
// nobody.
func (a *API) identify(c *call) error {
	header := c.r.Header.Get("Authorization")
	if header == "" {
		user, err := a.SignedIn(c.r)
		c.user, c.may, c.via = user, user.Role.May(), "page"
		return err
	}
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	user, token, err := a.Accounts.Authenticate(c.r.Context(), strings.TrimSpace(text))
	if errors.Is(err, campaign.ErrNotFound) {
		return nil
	}
	c.user, c.token, c.may, c.via = user, token, token.Scopes, token.Name
	return err
}

// plainText reports whether the address is text that every database can hold.
func plainText(r *http.Request) bool {
	if !storable(r.URL.Path) {
		return false
	}
	for name, values := range r.URL.Query() {
		if !storable(name) || slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
			return false
		}
	}
	return true
}

func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// auditTime bounds how long the log may keep a request waiting.
const auditTime = 10 * time.Second

func (a *API) audit(op Operation, c *call, status int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), auditTime)
	defer cancel()
	err := a.Accounts.Log(ctx, account.Entry{
		User: c.user.ID, Who: c.user.Email, Via: c.via, Address: a.Client(c.r).String(),
		Action: op.Action, Object: c.object, Status: status,
	})
	if err != nil {
		a.Log.Error("api: audit log not written", "action", op.Action, "object", c.object, "user", c.user.Email, "error", err)
	}
}
