package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
)

const signUpColumns = "id, form, version, email, attributes, language, at, ip, network, agent, mailed"

type signUpRow struct {
	ID         signup.ID
	Form       signup.FormID
	Version    int64
	Email      string
	Attributes []byte
	Language   string
	At         int64
	IP         string
	Network    string
	Agent      string
	Mailed     int64
}

func (r signUpRow) signUp() signup.SignUp {
	return signup.SignUp{
		ID: r.ID, Form: r.Form, Version: r.Version, Email: r.Email, Attributes: r.Attributes, Language: r.Language,
		At: fromMillis(r.At), IP: r.IP, Network: r.Network, Agent: r.Agent, Mailed: fromMillis(r.Mailed),
	}
}

// AddSignUp writes a sign-up unless there are too many that are not confirmed: from its
// network (signup.ErrTooMany) or for its mailbox (false). Counting and writing are one.
// campaign.ErrNotFound when the form is gone, with its list.
func (db *DB) AddSignUp(ctx context.Context, s signup.SignUp, l signup.Limits) (bool, error) {
	var added bool
	err := db.change(ctx, func(t *tx) error {
		if err := db.holdForm(ctx, t, s.Form); err != nil {
			return err
		}
		if err := db.lock(ctx, t, lockSignUps); err != nil {
			return err
		}
		var network, person int
		if err := t.get(ctx, &network, "SELECT COUNT(*) FROM signups WHERE network = ? AND at > ?", s.Network, millis(l.NetworkSince)); err != nil {
			return err
		}
		if network >= l.PerNetwork {
			return signup.ErrTooMany
		}
		mailbox, tagged := mailboxOf(address(s.Email))
		if err := t.get(ctx, &person, `SELECT COUNT(*) FROM signups WHERE at > ? AND (address = ? OR address LIKE ? ESCAPE '\')`, millis(l.AddressSince), mailbox, tagged); err != nil {
			return err
		}
		if person >= l.PerAddress {
			return nil
		}
		added = true
		_, err := t.exec(ctx, `INSERT INTO signups (form, version, address, email, attributes, language, at, ip, network, agent)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(s.Form), s.Version, address(s.Email), s.Email, string(s.Attributes), s.Language, millis(s.At), s.IP, s.Network, storable(s.Agent))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep a sign-up by form %d: %w", s.Form, err)
	}
	return added, nil
}

// mailboxOf is an address without the tag that people may put behind a plus sign (RFC
// 5233), by which one mailbox has any number of addresses, and a pattern for those with
// one.
func mailboxOf(address string) (plain, tagged string) {
	at := strings.LastIndexByte(address, '@')
	local, _, _ := strings.Cut(address[:at], "+")
	if local == "" {
		local = address[:at]
	}
	return local + address[at:], strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(local) + "+%" +
		strings.NewReplacer("%", `\%`, "_", `\_`).Replace(address[at:])
}

// SignUpByID finds a sign-up that is not confirmed; campaign.ErrNotFound.
func (db *DB) SignUpByID(ctx context.Context, id signup.ID) (signup.SignUp, error) {
	var r signUpRow
	if err := db.get(ctx, fmt.Sprintf("sign-up %d", id), &r, "SELECT "+signUpColumns+" FROM signups WHERE id = ?", int64(id)); err != nil {
		return signup.SignUp{}, err
	}
	return r.signUp(), nil
}

// Unmailed pages through sign-ups of after a time whose confirmation mail was not handed
// over, in order of id.
func (db *DB) Unmailed(ctx context.Context, since time.Time, after signup.ID, limit int) ([]signup.SignUp, error) {
	var rows []signUpRow
	err := db.selectAll(ctx, &rows, "SELECT "+signUpColumns+" FROM signups WHERE mailed = 0 AND id > ? AND at > ? ORDER BY id LIMIT ?", int64(after), millis(since), limit)
	if err != nil {
		return nil, fmt.Errorf("read the sign-ups without mail: %w", err)
	}
	list := make([]signup.SignUp, len(rows))
	for i, r := range rows {
		list[i] = r.signUp()
	}
	return list, nil
}

// Mailed notes that a sign-up's confirmation mail was handed over.
func (db *DB) Mailed(ctx context.Context, id signup.ID, now time.Time) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE signups SET mailed = ? WHERE id = ?", millis(now), int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("sign-up %d: %w", id, err)
	}
	return nil
}

// expireSignUps deletes who did not confirm, with the contacts that the confirmation mail
// alone brought.
func (db *DB) expireSignUps(ctx context.Context, before time.Time) (int64, error) {
	var gone int64
	for {
		var n int64
		err := db.change(ctx, func(t *tx) error {
			if err := db.lockContacts(ctx, t); err != nil {
				return err
			}
			var err error
			n, err = db.dropSignUps(ctx, t, "id IN (SELECT id FROM signups WHERE at <= ? ORDER BY at LIMIT ?)", millis(before)-1, expireChunk)
			return err
		})
		gone += n
		if err != nil || n < expireChunk {
			return gone, err
		}
	}
}

// dropSignUps deletes the sign-ups of a condition, with the contacts that they alone
// brought.
func (db *DB) dropSignUps(ctx context.Context, t *tx, where string, args ...any) (int64, error) {
	var rows []struct {
		Address string
		At      int64
	}
	if err := t.SelectContext(ctx, &rows, t.Rebind("DELETE FROM signups WHERE "+where+" RETURNING address, at"), args...); err != nil {
		return 0, err
	}
	for _, r := range rows {
		if err := db.dropUnconfirmed(ctx, t, r.Address, r.At); err != nil {
			return 0, err
		}
	}
	return int64(len(rows)), nil
}

// dropUnconfirmed deletes the contact of an address if it came with a sign-up's mail, got
// no other, and was in no list since.
func (db *DB) dropUnconfirmed(ctx context.Context, t *tx, address string, at int64) error {
	var ids []int64
	sent, err := db.inLedger(ctx, t, "c.id")
	if err != nil {
		return err
	}
	err = t.SelectContext(ctx, &ids, t.Rebind(`SELECT c.id FROM contacts c WHERE c.address = ? AND c.import = 0 AND c.created >= ?
		AND NOT EXISTS (SELECT 1 FROM members m WHERE m.contact = c.id)
		AND NOT EXISTS (SELECT 1 FROM signups s WHERE s.address = c.address)
		AND NOT `+sent+`
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.contact = c.id AND m.key NOT LIKE '`+campaign.SignUpKey+`%')`), address, at)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := db.eraseContact(ctx, t, id, &campaign.Erasure{}); err != nil {
			return err
		}
	}
	return nil
}
