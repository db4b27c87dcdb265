package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"broadside/delivery/tlsrpt"
)

var _ tlsrpt.Store = (*DB)(nil)

// tlsRow is a count as it is stored.
type tlsRow struct {
	Day             int
	Domain          string
	Likeness        []byte
	Policy, Session []byte
	Sessions        int64
}

func tlsRowOf(c *tlsrpt.Count) (tlsRow, error) {
	policy, err := json.Marshal(c.Policy)
	if err != nil {
		return tlsRow{}, err
	}
	session, err := json.Marshal(c.Session)
	if err != nil {
		return tlsRow{}, err
	}
	hash := sha256.Sum256(slices.Concat(policy, []byte{0}, session))
	return tlsRow{Day: c.Day, Domain: c.Policy.Domain, Likeness: hash[:16], Policy: policy, Session: session, Sessions: c.Sessions}, nil
}

// compare orders rows, so that transactions that lock the same ones don't wait for
// each other.
func (r tlsRow) compare(o tlsRow) int {
	return cmp.Or(cmp.Compare(r.Day, o.Day), strings.Compare(r.Domain, o.Domain), bytes.Compare(r.Likeness, o.Likeness))
}

// AddTLSResults adds counts to what is there, all or none.
func (db *DB) AddTLSResults(ctx context.Context, counts []tlsrpt.Count) error {
	rows := make([]tlsRow, 0, len(counts))
	for i := range counts {
		row, err := tlsRowOf(&counts[i])
		if err != nil {
			return fmt.Errorf("TLS results of %s: %w", counts[i].Policy.Domain, err)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, tlsRow.compare)
	rows = summed(rows)
	err := db.change(ctx, func(t *tx) error {
		_, err := t.insertRows(ctx, "INSERT INTO tls_results (day, domain, likeness, policy, session, sessions)", 6,
			"ON CONFLICT (day, domain, likeness) DO UPDATE SET sessions = tls_results.sessions + excluded.sessions",
			len(rows), func(args []any, i int) []any {
				r := &rows[i]
				return append(args, r.Day, r.Domain, r.Likeness, string(r.Policy), string(r.Session), r.Sessions)
			})
		return err
	})
	if err != nil {
		return fmt.Errorf("add %d TLS results: %w", len(counts), err)
	}
	return nil
}

// summed makes one row of neighbours that are alike: a statement may not touch a row
// twice.
func summed(rows []tlsRow) []tlsRow {
	var out []tlsRow
	for _, r := range rows {
		if n := len(out); n > 0 && out[n-1].compare(r) == 0 {
			out[n-1].Sessions += r.Sessions
			continue
		}
		out = append(out, r)
	}
	return out
}

// TLSResults returns the counts of a day, of one domain or, for "", of all, by domain.
func (db *DB) TLSResults(ctx context.Context, day int, domain string) ([]tlsrpt.Count, error) {
	query, args := "SELECT day, domain, likeness, policy, session, sessions FROM tls_results WHERE day = ?", []any{day}
	if domain != "" {
		query, args = query+" AND domain = ?", append(args, domain)
	}
	var rows []tlsRow
	if err := db.selectAll(ctx, &rows, query+" ORDER BY domain, likeness", args...); err != nil {
		return nil, fmt.Errorf("read TLS results: %w", err)
	}
	counts := make([]tlsrpt.Count, len(rows))
	for i, r := range rows {
		counts[i] = tlsrpt.Count{Day: r.Day, Sessions: r.Sessions}
		if err := json.Unmarshal(r.Policy, &counts[i].Policy); err != nil {
			return nil, fmt.Errorf("TLS results of %s: %w", r.Domain, err)
		}
		if err := json.Unmarshal(r.Session, &counts[i].Session); err != nil {
			return nil, fmt.Errorf("TLS results of %s: %w", r.Domain, err)
		}
	}
	return counts, nil
}

// ForgetTLSResults removes all counts of days before one.
func (db *DB) ForgetTLSResults(ctx context.Context, before int) error {
	return db.change(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, "DELETE FROM tls_results WHERE day < ?", before); err != nil {
			return fmt.Errorf("forget TLS results: %w", err)
		}
		return nil
	})
}
