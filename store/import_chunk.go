package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign"
)

// importRow is a row with its key. Its attributes are the import's own memory.
type importRow struct {
	campaign.ImportRow
	address string
}

// known is a contact that was there when its row came.
type known struct {
	ID         int64
	Address    string
	Attributes []byte
	Status     int8 // in the import's list, -1 when not a member
}

// change is what a row does to a known contact's attributes.
type change struct {
	known
	merged, given []byte
}

// finding is a row that the report is about.
type finding struct {
	row    int64
	email  string
	effect campaign.ImportEffect
}

// chunk is what a number of rows come to.
type chunk struct {
	fresh   []importRow // new contacts
	join    []int64     // known contacts that were not in the list
	changes []change
	found   []finding
}

// store decides about rows and stores them.
func (im *importTx) store(ctx context.Context, rows []importRow) error {
	addresses := make([]string, len(rows))
	for i := range rows {
		addresses[i] = rows[i].address
	}
	contacts, err := im.lookUp(ctx, addresses)
	if err != nil {
		return err
	}
	suppressed, err := im.suppressed(ctx, addresses)
	if err != nil {
		return err
	}
	c, err := im.decide(rows, contacts, suppressed)
	if err != nil {
		return err
	}
	// In the order of the index a page is searched and changed once, not for each row.
	slices.SortFunc(c.fresh, func(a, b importRow) int { return strings.Compare(a.address, b.address) })
	if err := im.insertContacts(ctx, c.fresh); err != nil {
		return err
	}
	if err := im.join(ctx, c.join); err != nil {
		return err
	}
	if err := im.change(ctx, c.changes); err != nil {
		return err
	}
	_, err = im.tx.insertRows(ctx, "INSERT INTO import_found (row_number, email, effect)", 3, "", len(c.found), func(args []any, i int) []any {
		f := &c.found[i]
		return append(args, f.row, f.email, int64(f.effect))
	})
	return err
}

// lookUp finds the contacts that are there already, this import's own among them.
func (im *importTx) lookUp(ctx context.Context, addresses []string) (map[string]known, error) {
	rows, err := im.tx.QueryContext(ctx, im.tx.Rebind(`
		SELECT c.id, c.address, c.attributes, COALESCE(m.status, -1)
		FROM contacts c LEFT JOIN members m ON m.list = ? AND m.contact = c.id
		WHERE `+im.db.in("c.address")), im.list, im.db.array(addresses))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	contacts := make(map[string]known)
	for rows.Next() {
		var k known
		if err := rows.Scan(&k.ID, &k.Address, &k.Attributes, &k.Status); err != nil {
			return nil, err
		}
		contacts[k.Address] = k
	}
	return contacts, rows.Err()
}

// suppressed tells which addresses get no mail through the import's list.
func (im *importTx) suppressed(ctx context.Context, addresses []string) ([]suppressed, error) {
	if !im.anySuppressed {
		return make([]suppressed, len(addresses)), nil
	}
	return im.db.suppressed(ctx, im.tx, addresses)
}

// decide gives every row its effect. The first row of an address counts, whatever
// follows is a duplicate.
func (im *importTx) decide(rows []importRow, contacts map[string]known, found []suppressed) (chunk, error) {
	var c chunk
	came := make(map[string]struct{}, len(rows))
	for i, r := range rows {
		k, old := contacts[r.address]
		_, again := came[r.address]
		if again || old && im.mark(k.ID) {
			im.counts.Duplicate++
			c.found = append(c.found, finding{r.Row, r.Email, campaign.EffectDuplicate})
			continue
		}
		came[r.address] = struct{}{}
		if found[i].erased && !old {
			im.counts.Suppressed++
			c.found = append(c.found, finding{r.Row, r.Email, campaign.EffectErased})
			continue
		}
		changed := false
		if !old {
			c.fresh = append(c.fresh, r)
		} else {
			merged, differs, err := mergeAttributes(k.Attributes, r.Attributes)
			if err != nil {
				return chunk{}, fmt.Errorf("contact %s: %w", r.Email, err)
			}
			if differs {
				c.changes = append(c.changes, change{k, merged, r.Attributes})
			}
			if k.Status < 0 {
				c.join = append(c.join, k.ID)
			}
			changed = differs || k.Status < 0
		}
		switch {
		case found[i].on([]campaign.ListID{im.list}):
			im.counts.Suppressed++
			c.found = append(c.found, finding{r.Row, r.Email, campaign.EffectSuppressed})
		case old && k.Status == int8(campaign.OptedOut):
			im.counts.Unsubscribed++
			c.found = append(c.found, finding{r.Row, r.Email, campaign.EffectUnsubscribed})
		case !old:
			im.counts.New++
		case changed:
			im.counts.Updated++
		default:
			im.counts.Unchanged++
		}
	}
	return c, nil
}

// mark notes that a contact came in this file, and reports whether it had before.
func (im *importTx) mark(id int64) bool {
	if id > im.base {
		return true // created by an earlier chunk
	}
	word, bit := id/64, uint64(1)<<(id%64)
	before := im.seen[word]&bit != 0
	im.seen[word] |= bit
	return before
}

// insertContacts creates contacts. Their memberships follow at the end on
// PostgreSQL; on SQLite at once, while their pages are in its cache.
func (im *importTx) insertContacts(ctx context.Context, rows []importRow) error {
	if im.db.postgres {
		columns := []string{"address", "spelling", "attributes", "created", "updated", "import"}
		return im.tx.copyRows(ctx, "contacts", columns, len(rows), func(i int) ([]any, error) {
			r := &rows[i]
			return []any{r.address, spelling(r.Email, r.address), r.Attributes, im.now, im.now, int64(im.id)}, nil
		})
	}
	// The constants are part of the statement: binding a value costs more.
	tail := fmt.Sprintf(", %d, %d, %d)", im.now, im.now, im.id)
	_, err := im.tx.insertTuples(ctx, "INSERT INTO contacts (address, spelling, attributes, created, updated, import)", "(?, ?, ?"+tail, "", len(rows), func(args []any, i int) []any {
		r := &rows[i]
		return append(args, r.address, spelling(r.Email, r.address), string(r.Attributes))
	})
	if err != nil {
		return err
	}
	return im.joinFresh(ctx)
}

// joinFresh adds the contacts created since it was last called to the list, as they
// lie: in order of id, without a sort.
func (im *importTx) joinFresh(ctx context.Context) error {
	added, err := im.tx.exec(ctx, `
		INSERT INTO members (list, contact, status, changed, import)
		SELECT CAST(? AS bigint), id, 0, CAST(? AS bigint), import FROM contacts WHERE id > ?`, im.list, im.now, im.last)
	if err != nil {
		return err
	}
	im.joined += added
	return im.tx.get(ctx, &im.last, "SELECT COALESCE(MAX(id), 0) FROM contacts")
}

// join adds known contacts to the list; someone who has left it meanwhile stays out.
func (im *importTx) join(ctx context.Context, contacts []int64) error {
	added, err := im.tx.insertRows(ctx, "INSERT INTO members (list, contact, status, changed, import)", 5, "ON CONFLICT DO NOTHING", len(contacts), func(args []any, i int) []any {
		return append(args, im.list, contacts[i], 0, im.now, im.id)
	})
	im.joined += added
	return err
}

// change sets the attributes of known contacts and keeps what they were.
func (im *importTx) change(ctx context.Context, changes []change) error {
	_, err := im.tx.insertRows(ctx, "INSERT INTO import_changes (import, contact, before, given)", 4, "", len(changes), func(args []any, i int) []any {
		c := &changes[i]
		return append(args, im.id, c.ID, string(c.Attributes), string(c.given))
	})
	if err != nil {
		return err
	}
	updates := make([]attributesUpdate, len(changes))
	for i, c := range changes {
		updates[i] = attributesUpdate{c.ID, string(c.merged)}
	}
	return im.db.setAttributes(ctx, im.tx, updates, im.now)
}
