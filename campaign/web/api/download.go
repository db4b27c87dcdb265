package api

import (
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign/web/transfer"
)

// download answers with a CSV file that fill writes while it is sent.
func (a *API) download(c *call, name string, fill func(w io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "text/csv; charset=utf-8")
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		ctx.SetStatus(http.StatusOK)
		if err := fill(transfer.Writer(c.w)); err != nil {
			c.broken = true
			a.Log.Warn("api: a download broke off", "file", name, "user", c.user.Email, "error", err)
		}
	}}
}
