package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/listfile"
	"broadside/campaign/signup"
)

// problem turns an error into what the client is told (RFC 9457). About our own
// machinery it learns nothing but that it failed.
func (a *API) problem(op Operation, err error) error {
	if p, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return p
	}
	if problems := account.Problems(err); len(problems) > 0 {
		var details []error
		for _, p := range problems {
			details = append(details, &huma.ErrorDetail{Location: "body." + p.Field, Message: p.Text})
		}
		return huma.Error422UnprocessableEntity("Some fields cannot be as they are.", details...)
	}
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		var details []error
		for _, f := range unfit.Findings {
			details = append(details, &huma.ErrorDetail{Location: f.Where, Message: f.Text()})
		}
		return huma.Error422UnprocessableEntity("It cannot be used as it stands.", details...)
	}
	if problems, ok := errors.AsType[signup.Problems](err); ok {
		var details []error
		for _, p := range problems {
			details = append(details, &huma.ErrorDetail{Location: "body." + p.Field, Message: p.Text})
		}
		return huma.Error422UnprocessableEntity("Some fields cannot be as they are.", details...)
	}
	if errors.Is(err, signup.ErrTooMany) {
		return huma.Error429TooManyRequests("Too many sign-ups came from this network; try again in an hour.")
	}
	if file, ok := errors.AsType[*listfile.Error](err); ok {
		return huma.Error422UnprocessableEntity("The file cannot be read.", &huma.ErrorDetail{Location: "body", Message: file.Error()})
	}
	if _, ok := errors.AsType[brokenOff](err); ok {
		return huma.NewError(http.StatusRequestTimeout, "The request broke off.")
	}
	switch {
	case errors.Is(err, campaign.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, campaign.ErrConflict), errors.Is(err, campaign.ErrExists):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, context.Canceled):
		return huma.NewError(499, "You went away.")
	}
	a.Log.Error("api: request failed", "operation", op.ID, "error", err)
	return huma.Error500InternalServerError("The trouble is on our side, and it is in the server's log. Please try again in a minute.")
}

// invalid is a problem with one field.
func invalid(location, message string) error {
	return huma.Error422UnprocessableEntity("Some fields cannot be as they are.", &huma.ErrorDetail{Location: location, Message: message})
}

// nothing is U+0000 in JSON, which PostgreSQL cannot store.
var nothing = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\u0000`)

func readJSON(data []byte, v any) error {
	if nothing.Match(data) || bytes.IndexByte(data, 0) >= 0 {
		return errors.New("the character U+0000 is not text")
	}
	return json.Unmarshal(data, v)
}

// ServeHTTP answers everything below Prefix.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	refusal := &silent{header: w.Header(), status: http.StatusNotFound}
	h.ServeHTTP(refusal, r)
	p := huma.ErrorModel{Status: refusal.status, Title: http.StatusText(refusal.status), Detail: "There is no " + r.Method + " " + r.URL.Path + "; " + Prefix + "/openapi.json lists what there is."}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client went away
}

// silent keeps the status of a refusal in plain text, and drops the text.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) WriteHeader(status int)      { s.status = status }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
