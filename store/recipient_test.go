package store_test

import (
	"errors"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

func TestRecipientOf(t *testing.T) { // B6
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		list := newList(t, db, "a")
		runImport(t, db, list, false, row(1, "Ann@example.org", `{}`))
		run := must(db.CreateRun(ctx, newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
		err := db.AppendRecipients(ctx, run.ID, 0, 1, []campaign.NewRecipient{{Lane: 3, Contact: 1}, {Lane: 4, Contact: 99}}, true)
		if err != nil {
			t.Fatal(err)
		}
		ann := campaign.Recipient{Run: run.ID, Lane: 3, Contact: 1}
		if err := db.Apply(ctx, 0, 1, []campaign.Event{{Recipient: ann, Attempt: 1, State: campaign.Accepted, At: now}}); err != nil {
			t.Fatal(err)
		}
		got := must(db.RecipientOf(ctx, run.ID, 1))(t)
		if got.Recipient != ann || got.Email != "Ann@example.org" || got.State != campaign.Accepted || !got.At.Equal(now) {
			t.Errorf("Ann's row: %+v", got)
		}
		if erased := must(db.RecipientOf(ctx, run.ID, 99))(t); erased.Email != "" || erased.Lane != 4 {
			t.Errorf("the row of a contact that was erased: %+v", erased)
		}
		for _, who := range []campaign.Recipient{{Run: run.ID, Contact: 2}, {Run: run.ID + 1, Contact: 1}} {
			if _, err := db.RecipientOf(ctx, who.Run, who.Contact); !errors.Is(err, campaign.ErrNotFound) {
				t.Errorf("nobody's row %+v: %v", who, err)
			}
		}
	})
}
