package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign/account"
)

// The security schemes of the document.
const (
	tokenScheme   = "token"
	sessionScheme = "session"
)

// Operation is one thing that can be asked for, with what it needs.
type Operation struct {
	Method, Path string // below Prefix
	ID           string
	Tag          string
	Summary      string
	// Means tells what the summary leaves out.
	Means string
	Need  account.Permission
	// Action is what the audit log calls it; "" when it changes nothing.
	Action string
	// Status of the answer when all went well: 200 when it is 0.
	Status int
	// Answer is the media type of an answer that is not JSON.
	Answer string
	// Request is the media type of a body that is streamed.
	Request string
	// MaxBody is how many bytes a JSON body may have: a megabyte when it is 0.
	MaxBody int64
}

// body is an answer in JSON.
type body[T any] struct{ Body T }

// answer wraps what a handler found.
func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}

// add registers an operation. Whoever may not do it does not reach the handler.
func add[I, O any](a *API, op Operation, handle func(ctx context.Context, c *call, in *I) (*O, error)) {
	a.operations = append(a.operations, op)
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Means,
		Tags: []string{op.Tag}, DefaultStatus: status, MaxBodyBytes: op.MaxBody, BodyReadTimeout: bodyTime,
		Errors:   []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
		Security: []map[string][]string{{tokenScheme: op.Need.Names()}, {sessionScheme: {}}},
		Middlewares: huma.Middlewares{
			func(ctx huma.Context, next func(huma.Context)) { a.guard(op, ctx, next) },
		},
	}
	if op.Answer != "" {
		h.Responses = map[string]*huma.Response{strconv.Itoa(status): {
			Description: http.StatusText(status), Content: map[string]*huma.MediaType{op.Answer: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
	}
	if op.Request != "" {
		h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			op.Request: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}
	}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, callOf(ctx), in)
		if err != nil {
			return nil, a.problem(op, err)
		}
		return out, nil
	})
}

// Operations lists all operations, in order of the document's sections.
func (a *API) Operations() []Operation { return a.operations }
