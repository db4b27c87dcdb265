package campaign

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"
)

// States lists all states in the order of the balance.
func States() []State {
	return []State{Accepted, Bounced, Deferred, Skipped, Cancelled, Unknown, Waiting}
}

// ParseState reads a state's name.
func ParseState(name string) (State, error) {
	for _, s := range States() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("state %q: %w", name, ErrNotFound)
}

// ExportRun writes a run's recipients in some states as CSV in UTF-8: email, state,
// reason, attempts, code, enhanced, reply, at (RFC 3339, UTC), variant (the
// letter in an A/B test, empty for who got its winner). Cells are made harmless
// to spreadsheets as in ExportList. It returns how many it wrote.
func ExportRun(ctx context.Context, store RunStore, id RunID, states []State, w io.Writer) (int64, error) {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"email", "state", "reason", "attempts", "code", "enhanced", "reply", "at", "variant"}); err != nil {
		return 0, fmt.Errorf("export run %d: %w", id, err)
	}
	written := int64(0)
	for _, s := range states {
		for after := (Recipient{}); ; {
			rows, err := store.Recipients(ctx, id, s, after, exportPage)
			if err != nil {
				return written, fmt.Errorf("export run %d: %w", id, err)
			}
			for _, r := range rows {
				if err := out.Write(recipientLine(r)); err != nil {
					return written, fmt.Errorf("export run %d: %w", id, err)
				}
				written++
				after = r.Recipient
			}
			if len(rows) < exportPage {
				break
			}
		}
	}
	out.Flush()
	return written, out.Error()
}

func recipientLine(r RecipientRow) []string {
	code, at := "", ""
	if r.Code != 0 {
		code = strconv.Itoa(int(r.Code))
	}
	if !r.At.IsZero() {
		at = r.At.UTC().Format(time.RFC3339)
	}
	return []string{neutral(r.Email), r.State.String(), r.Reason.String(), strconv.Itoa(int(r.Attempts)), code, r.Enhanced, neutral(r.Reply), at, r.Variant.String()}
}
