package store

import (
	"context"
	"errors"
	"fmt"

	"broadside/campaign"
)

// personRuns bounds a person's history: a campaign a day for 27 years.
const personRuns = 10_000

// PersonOf returns all that is kept about an address; campaign.ErrNotFound when that is
// nothing.
func (db *DB) PersonOf(ctx context.Context, email string) (campaign.Person, error) {
	p := campaign.Person{
		Email: email, Lists: []campaign.PersonList{}, Consents: []campaign.PersonConsent{}, Suppressions: []campaign.PersonSuppression{},
		SignUps: []campaign.PersonSignUp{}, History: []campaign.PersonRun{}, Feedback: []campaign.PersonFeedback{}, Readings: []campaign.PersonReading{},
		Messages: []campaign.PersonMessage{}, Told: []campaign.PersonTold{},
	}
	names, err := db.listNames(ctx)
	if err != nil {
		return p, err
	}
	found, err := db.SuppressionsOf(ctx, email)
	if err != nil {
		return p, err
	}
	for _, s := range found {
		p.Suppressions = append(p.Suppressions, campaign.PersonSuppression{Who: s.Who(), List: names[s.List], Reason: s.Reason, Detail: s.Detail, At: s.At})
	}
	if err := db.personSignUps(ctx, &p, names); err != nil {
		return p, err
	}
	c, err := db.ContactByEmail(ctx, email)
	if errors.Is(err, campaign.ErrNotFound) && len(found)+len(p.SignUps) > 0 {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Email = c.Email
	p.Contact = &campaign.PersonContact{ID: c.ID, Attributes: c.Attributes, Created: c.Created, Updated: c.Updated}
	err = errors.Join(db.personSource(ctx, &p), db.personLists(ctx, &p, names), db.personHistory(ctx, &p), db.personFeedback(ctx, &p), db.personReadings(ctx, &p),
		db.personMessages(ctx, &p), db.personTold(ctx, &p))
	if err != nil {
		return p, fmt.Errorf("read what is kept about contact %d: %w", c.ID, err)
	}
	return p, nil
}

func (db *DB) listNames(ctx context.Context) (map[campaign.ListID]string, error) {
	lists, err := db.Lists(ctx)
	names := make(map[campaign.ListID]string, len(lists))
	for _, l := range lists {
		names[l.ID] = l.Name
	}
	return names, err
}

func (db *DB) personSource(ctx context.Context, p *campaign.Person) error {
	var files []string
	err := db.selectAll(ctx, &files, "SELECT i.file FROM contacts c JOIN imports i ON i.id = c.import WHERE c.id = ?", int64(p.Contact.ID))
	for _, f := range files {
		p.Contact.Source = f
	}
	return err
}

func (db *DB) personLists(ctx context.Context, p *campaign.Person, names map[campaign.ListID]string) error {
	var rows []struct {
		List    campaign.ListID
		Status  campaign.MemberStatus
		Changed int64
		Until   int64
	}
	err := db.selectAll(ctx, &rows, "SELECT list, status, changed, consent_until AS until FROM members WHERE contact = ? ORDER BY list", int64(p.Contact.ID))
	if err != nil {
		return err
	}
	for _, r := range rows {
		p.Lists = append(p.Lists, campaign.PersonList{List: names[r.List], Subscribed: r.Status == campaign.Subscribed, Since: fromMillis(r.Changed), ConsentUntil: fromMillis(r.Until)})
	}
	consents, err := db.ConsentsOf(ctx, p.Contact.ID)
	for _, c := range consents {
		p.Consents = append(p.Consents, campaign.PersonConsent{
			List: names[c.List], At: c.At, How: c.How, IP: c.IP, Agent: c.Agent, Form: c.Form, FormVersion: c.FormVersion,
			Confirmed: c.Confirmed, ConfirmedIP: c.ConfirmedIP, Until: c.Until,
		})
	}
	return err
}

func (db *DB) personSignUps(ctx context.Context, p *campaign.Person, names map[campaign.ListID]string) error {
	var rows []struct {
		List       campaign.ListID
		At         int64
		IP, Agent  string
		Attributes []byte
	}
	err := db.selectAll(ctx, &rows, "SELECT f.list, s.at, s.ip, s.agent, s.attributes FROM signups s JOIN forms f ON f.id = s.form WHERE s.address = ? ORDER BY s.id", address(p.Email))
	if err != nil {
		return fmt.Errorf("read the sign-ups of an address: %w", err)
	}
	for _, r := range rows {
		p.SignUps = append(p.SignUps, campaign.PersonSignUp{List: names[r.List], At: fromMillis(r.At), IP: r.IP, Agent: r.Agent, Attributes: r.Attributes})
	}
	return nil
}

func (db *DB) personHistory(ctx context.Context, p *campaign.Person) error {
	rows, err := db.HistoryOf(ctx, p.Contact.ID, campaign.Recipient{}, personRuns)
	for _, h := range rows {
		run := campaign.PersonRun{
			Campaign: h.Campaign, Run: h.Row.Run, State: h.Row.State.String(), Reason: h.Row.Reason.String(),
			Code: h.Row.Code, Reply: h.Row.Reply, At: h.Row.At,
		}
		for _, a := range h.Attempts {
			run.Attempts = append(run.Attempts, campaign.PersonAttempt{Number: a.Number, State: a.State.String(), Reason: a.Reason.String(), Reply: a.Reply, Host: a.Host, At: a.At})
		}
		p.History = append(p.History, run)
	}
	return err
}

func (db *DB) personFeedback(ctx context.Context, p *campaign.Person) error {
	var rows []struct {
		Run    campaign.RunID
		Kind   campaign.FeedbackKind
		Detail string
		At     int64
	}
	err := db.selectAll(ctx, &rows, "SELECT run, kind, detail, at FROM feedback WHERE contact = ? ORDER BY at, run, kind", int64(p.Contact.ID))
	for _, f := range rows {
		p.Feedback = append(p.Feedback, campaign.PersonFeedback{Run: f.Run, Kind: f.Kind.String(), Detail: f.Detail, At: fromMillis(f.At)})
	}
	return err
}

// personReadingsMost bounds what is read: ten links in each of personRuns.
const personReadingsMost = 10 * personRuns

func (db *DB) personReadings(ctx context.Context, p *campaign.Person) error {
	readings, err := db.ReadingsOf(ctx, p.Contact.ID, 0, 0, personReadingsMost)
	for _, r := range readings {
		p.Readings = append(p.Readings, campaign.PersonReading{Run: r.Run, What: r.What(), Link: r.Target, Person: r.Person, Machine: r.Machine, First: r.First, Last: r.Last})
	}
	return err
}

func (db *DB) personMessages(ctx context.Context, p *campaign.Person) error {
	var rows []struct {
		Run     campaign.RunID
		Created int64
		Data    string
	}
	err := db.selectAll(ctx, &rows, "SELECT run, created, data FROM messages WHERE contact = ? AND data <> '' ORDER BY id DESC LIMIT ?", int64(p.Contact.ID), personRuns)
	for _, m := range rows {
		p.Messages = append(p.Messages, campaign.PersonMessage{Run: m.Run, Created: fromMillis(m.Created), Data: []byte(m.Data)})
	}
	return err
}

func (db *DB) personTold(ctx context.Context, p *campaign.Person) error {
	var rows []struct {
		URL         string `db:"url"`
		Type, State string
		At          int64
		Body        []byte
	}
	err := db.selectAll(ctx, &rows, `SELECT w.url, d.type, d.state, d.at, d.body FROM webhook_deliveries d JOIN webhooks w ON w.id = d.endpoint
		WHERE d.address = ? ORDER BY d.id DESC LIMIT ?`, address(p.Email), personRuns)
	for _, d := range rows {
		p.Told = append(p.Told, campaign.PersonTold{URL: d.URL, Type: d.Type, State: d.State, At: fromMillis(d.At), Event: d.Body})
	}
	return err
}
