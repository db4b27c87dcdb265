package web

import (
	"io"

	"broadside/campaign/web/transfer"
)

// slowly is the answer's body for what takes longer than other answers may.
func (v *visit) slowly() io.Writer { return transfer.Writer(v.w) }

// arriving is the request's body for what takes longer than other requests may.
func (v *visit) arriving() io.ReadCloser { return transfer.Reader(v.w, v.r) }
