package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/campaign/signup"
)

// formSelect reads forms f with a version v of what they say.
const formSelect = `SELECT f.id, f.slug, f.list, v.version, f.closed, f.created, f.updated, v.spec
	FROM forms f JOIN form_versions v ON v.form = f.id `

type formRow struct {
	ID      signup.FormID
	Slug    string
	List    campaign.ListID
	Version int64
	Closed  bool
	Created int64
	Updated int64
	Spec    string
}

func (r formRow) form() (signup.Form, error) {
	f := signup.Form{
		ID: r.ID, Slug: r.Slug, List: r.List, Version: r.Version, Closed: r.Closed,
		Created: fromMillis(r.Created), Updated: fromMillis(r.Updated),
	}
	if err := json.Unmarshal([]byte(r.Spec), &f.Spec); err != nil {
		return f, fmt.Errorf("form %d, version %d: %w", r.ID, r.Version, err)
	}
	return f, nil
}

func (db *DB) form(ctx context.Context, what, where string, args ...any) (signup.Form, error) {
	var r formRow
	if err := db.get(ctx, what, &r, formSelect+where, args...); err != nil {
		return signup.Form{}, err
	}
	return r.form()
}

// FormByID finds a form as it is now; campaign.ErrNotFound.
func (db *DB) FormByID(ctx context.Context, id signup.FormID) (signup.Form, error) {
	return db.form(ctx, fmt.Sprintf("form %d", id), "WHERE f.id = ? AND v.version = f.version", int64(id))
}

// FormBySlug finds a form by the address of its page; campaign.ErrNotFound.
func (db *DB) FormBySlug(ctx context.Context, slug string) (signup.Form, error) {
	return db.form(ctx, "form "+slug, "WHERE f.slug = ? AND v.version = f.version", slug)
}

// FormVersion finds a form as it was; campaign.ErrNotFound.
func (db *DB) FormVersion(ctx context.Context, id signup.FormID, version int64) (signup.Form, error) {
	return db.form(ctx, fmt.Sprintf("form %d, version %d", id, version), "WHERE f.id = ? AND v.version = ?", int64(id), version)
}

// FormsOf returns a list's forms in order of id.
func (db *DB) FormsOf(ctx context.Context, list campaign.ListID) ([]signup.Form, error) {
	var rows []formRow
	if err := db.selectAll(ctx, &rows, formSelect+"WHERE f.list = ? AND v.version = f.version ORDER BY f.id", int64(list)); err != nil {
		return nil, fmt.Errorf("read the forms of list %d: %w", list, err)
	}
	forms := make([]signup.Form, len(rows))
	for i, r := range rows {
		var err error
		if forms[i], err = r.form(); err != nil {
			return nil, err
		}
	}
	return forms, nil
}

// CreateForm writes a form with its first version; campaign.ErrNotFound when its list is
// gone.
func (db *DB) CreateForm(ctx context.Context, f signup.Form) (signup.Form, error) {
	err := db.change(ctx, func(t *tx) error {
		if err := db.holdList(ctx, t, f.List); err != nil {
			return err
		}
		err := t.get(ctx, &f.ID, "INSERT INTO forms (slug, list, version, created, updated) VALUES (?, ?, ?, ?, ?) RETURNING id",
			f.Slug, int64(f.List), f.Version, millis(f.Created), millis(f.Updated))
		if err != nil {
			return err
		}
		return t.addFormVersion(ctx, f.ID, f.Version, f.Spec, f.Created)
	})
	if err != nil {
		return f, fmt.Errorf("create a form of list %d: %w", f.List, err)
	}
	return db.FormByID(ctx, f.ID)
}

// EditForm adds a version to a form; those that were stay. campaign.ErrNotFound.
func (db *DB) EditForm(ctx context.Context, id signup.FormID, s signup.Spec, now time.Time) (signup.Form, error) {
	return db.changeForm(ctx, id, func(t *tx) error {
		var version int64
		if err := t.get(ctx, &version, "UPDATE forms SET version = version + 1, updated = ? WHERE id = ? RETURNING version", millis(now), int64(id)); err != nil {
			return err
		}
		return t.addFormVersion(ctx, id, version, s, now)
	})
}

// CloseForm lets a form take nobody, or again; campaign.ErrNotFound.
func (db *DB) CloseForm(ctx context.Context, id signup.FormID, closed bool, now time.Time) (signup.Form, error) {
	return db.changeForm(ctx, id, func(t *tx) error {
		return t.get(ctx, new(int64), "UPDATE forms SET closed = ?, updated = ? WHERE id = ? RETURNING id", closed, millis(now), int64(id))
	})
}

func (db *DB) changeForm(ctx context.Context, id signup.FormID, change func(t *tx) error) (signup.Form, error) {
	err := db.change(ctx, func(t *tx) error {
		if err := db.holdForm(ctx, t, id); err != nil {
			return err
		}
		return change(t)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrNotFound
	}
	if err != nil {
		return signup.Form{}, fmt.Errorf("form %d: %w", id, err)
	}
	return db.FormByID(ctx, id)
}

// holdForm is holdList for the list of a form.
func (db *DB) holdForm(ctx context.Context, t *tx, id signup.FormID) error {
	var list campaign.ListID
	err := t.get(ctx, &list, "SELECT list FROM forms WHERE id = ?", int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("form %d: %w", id, campaign.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return db.holdList(ctx, t, list)
}

func (t *tx) addFormVersion(ctx context.Context, id signup.FormID, version int64, s signup.Spec, now time.Time) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "INSERT INTO form_versions (form, version, spec, at) VALUES (?, ?, ?, ?)", int64(id), version, string(text), millis(now))
	return err
}

// Waiting counts who has not confirmed a form yet.
func (db *DB) Waiting(ctx context.Context, id signup.FormID) (int64, error) {
	var n int64
	err := db.get(ctx, fmt.Sprintf("sign-ups of form %d", id), &n, "SELECT COUNT(*) FROM signups WHERE form = ?", int64(id))
	return n, err
}
