package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// messageSelect reads messages m, with their template and their address.
func (db *DB) messageSelect() string {
	return `SELECT m.id, m.run, m.lane, m.contact, m.request, m.created, k.name AS template, COALESCE(NULLIF(c.spelling, ''), c.address, '') AS email
		FROM messages m JOIN runs r ON r.id = m.run JOIN campaigns k ON k.id = r.campaign LEFT JOIN` + db.contactOf("m.contact")
}

type messageRow struct {
	ID       campaign.MessageID
	Run      campaign.RunID
	Lane     campaign.Lane
	Contact  campaign.ContactID
	Request  []byte
	Created  int64
	Template string
	Email    string
}

func (r messageRow) message() campaign.Message {
	m := campaign.Message{
		ID: r.ID, Run: r.Run, Lane: r.Lane, Contact: r.Contact, Template: r.Template, Email: r.Email, Created: fromMillis(r.Created),
	}
	copy(m.Request[:], r.Request)
	return m
}

// personOf is the contact behind a ledger's contact: a message's row has the message
// there.
func personOf(column string) string {
	return fmt.Sprintf("CASE WHEN %s >= %d THEN (SELECT mc.contact FROM messages mc WHERE mc.id = %s) ELSE %s END",
		column, campaign.FirstMessage, column, column)
}

// MessageByKey finds the message that a key has; campaign.ErrNotFound.
func (db *DB) MessageByKey(ctx context.Context, key string) (campaign.Message, error) {
	var r messageRow
	if err := db.get(ctx, "message of a key", &r, db.messageSelect()+"WHERE m.key = ? AND m.key <> ''", key); err != nil {
		return campaign.Message{}, err
	}
	return r.message(), nil
}

// MessageByID finds a message and what became of it; campaign.ErrNotFound.
func (db *DB) MessageByID(ctx context.Context, id campaign.MessageID) (campaign.MessageState, error) {
	var r messageRow
	if err := db.get(ctx, fmt.Sprintf("message %d", id), &r, db.messageSelect()+"WHERE m.id = ?", int64(id)); err != nil {
		return campaign.MessageState{}, err
	}
	s := campaign.MessageState{Message: r.message()}
	rows, err := db.RowsOf(ctx, []campaign.Recipient{s.Recipient()})
	if err != nil {
		return s, err
	}
	s.Row = rows[0]
	attempts, err := db.attempts(ctx, []int64{int64(r.Run)}, []int64{int64(id)})
	s.Attempts = attempts[attemptsOf{r.Run, campaign.ContactID(id)}]
	return s, err
}

// errKnown ends a transaction that would have written a message twice.
var errKnown = errors.New("the key has a message")

// AddMessage writes a message with its row in the ledger, and the contact when there is
// none; or finds the message that its key has. campaign.ErrConflict when its run takes no
// messages any more.
func (db *DB) AddMessage(ctx context.Context, m campaign.MessageRow, now time.Time) (made campaign.Message, known bool, err error) {
	var id campaign.MessageID
	err = db.change(ctx, func(t *tx) error {
		if err := db.holdStanding(ctx, t, m.Run); err != nil {
			return err
		}
		contact, err := db.contactFor(ctx, t, m.Email, now)
		if err != nil {
			return err
		}
		err = t.get(ctx, &id, `INSERT INTO messages (run, lane, contact, key, request, data, created) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) WHERE key <> '' DO NOTHING RETURNING id`,
			int64(m.Run), int64(m.Lane), int64(contact), m.Key, m.Request[:], string(m.Data), millis(now))
		if errors.Is(err, sql.ErrNoRows) {
			return errKnown
		}
		if err != nil {
			return err
		}
		row := campaign.NewRecipient{Lane: m.Lane, Contact: campaign.ContactID(id), State: campaign.Waiting}
		if err := db.insertLedger(ctx, t, m.Run, []campaign.NewRecipient{row}); err != nil {
			return err
		}
		counts := make(deltas)
		counts.add(m.Run, m.Lane, campaign.Waiting, campaign.NoReason, 1, false)
		return counts.write(ctx, t)
	})
	if errors.Is(err, errKnown) {
		made, err = db.MessageByKey(ctx, m.Key)
		return made, true, err
	}
	if err != nil {
		return made, false, fmt.Errorf("write a message of run %d: %w", m.Run, err)
	}
	var r messageRow
	err = db.get(ctx, fmt.Sprintf("message %d", id), &r, db.messageSelect()+"WHERE m.id = ?", int64(id))
	return r.message(), false, err
}

// holdStanding keeps a run open for messages until the transaction ends.
func (db *DB) holdStanding(ctx context.Context, t *tx, run campaign.RunID) error {
	query := "SELECT id FROM runs WHERE id = ? AND standing = 1 AND state IN ('running', 'paused')"
	if db.postgres {
		query += " FOR SHARE"
	}
	var id int64
	err := t.get(ctx, &id, query, int64(run))
	if errors.Is(err, sql.ErrNoRows) {
		return campaign.ErrConflict
	}
	return err
}

// contactFor finds the contact of an address, or makes one that is in no list. Making one
// waits for an import that is under way.
func (db *DB) contactFor(ctx context.Context, t *tx, email string, now time.Time) (campaign.ContactID, error) {
	var id campaign.ContactID
	a := address(email)
	err := t.get(ctx, &id, "SELECT id FROM contacts WHERE address = ?", a)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if err := db.lockContacts(ctx, t); err != nil {
		return 0, err
	}
	err = t.get(ctx, &id, `INSERT INTO contacts (address, spelling, attributes, created, updated, import) VALUES (?, ?, '{}', ?, ?, 0)
		ON CONFLICT (address) DO UPDATE SET updated = contacts.updated RETURNING id`, a, spelling(email, a), millis(now), millis(now))
	return id, err
}

// dataOf reads the data of messages that still need it.
func (db *DB) dataOf(ctx context.Context, ids []int64) (map[campaign.ContactID][]byte, error) {
	var rows []struct {
		ID   campaign.ContactID
		Data []byte
	}
	if err := db.selectAll(ctx, &rows, "SELECT id, data FROM messages WHERE "+db.in("id"), db.array(ids)); err != nil {
		return nil, err
	}
	of := make(map[campaign.ContactID][]byte, len(rows))
	for _, r := range rows {
		of[r.ID] = r.Data
	}
	return of, nil
}

// withData sets the data of messages in the attributes that their jobs carry.
func (db *DB) withData(ctx context.Context, rows []campaign.FeedRow) error {
	var ids []int64
	for i := range rows {
		if int64(rows[i].Contact) >= int64(campaign.FirstMessage) {
			ids = append(ids, int64(rows[i].Contact))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	data, err := db.dataOf(ctx, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		if rows[i].Attributes, err = campaign.WithData(rows[i].Attributes, data[rows[i].Contact]); err != nil {
			return err
		}
	}
	return nil
}

// ofPeople says of whom feedback about messages is: their contacts.
func (db *DB) ofPeople(ctx context.Context, t *tx, heard []campaign.Feedback) ([]campaign.Feedback, error) {
	var ids []int64
	for _, f := range heard {
		if int64(f.Contact) >= int64(campaign.FirstMessage) {
			ids = append(ids, int64(f.Contact))
		}
	}
	if len(ids) == 0 {
		return heard, nil
	}
	var rows []struct{ ID, Contact campaign.ContactID }
	if err := t.SelectContext(ctx, &rows, t.Rebind("SELECT id, contact FROM messages WHERE "+db.in("id")), db.array(ids)); err != nil {
		return nil, err
	}
	people := make(map[campaign.ContactID]campaign.ContactID, len(rows))
	for _, r := range rows {
		people[r.ID] = r.Contact
	}
	of := make([]campaign.Feedback, len(heard))
	for i, f := range heard {
		if person, ok := people[f.Contact]; ok {
			f.Contact = person
		}
		of[i] = f
	}
	return of, nil
}

// dropData forgets the data of those messages, among recipients, that have ended.
func (db *DB) dropData(ctx context.Context, t *tx, ended []campaign.ContactID) error {
	var ids []int64
	for _, c := range ended {
		if int64(c) >= int64(campaign.FirstMessage) {
			ids = append(ids, int64(c))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := t.exec(ctx, "UPDATE messages SET data = '' WHERE "+db.in("id"), db.array(ids))
	return err
}
