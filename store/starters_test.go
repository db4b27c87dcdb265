package store_test

import (
	"errors"
	"testing"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/store"
)

func TestStarters(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		content := campaign.StarterContent{Subject: "Hi", Markdown: "Hello", Inline: []message.File{{Name: "a.png", Data: []byte{0, 1, 255}}}}
		b := must(db.CreateStarter(ctx, "b", content, now))(t)
		a := must(db.CreateStarter(ctx, "a", content, now))(t)
		if _, err := db.CreateStarter(ctx, "a", content, now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("same name: %v", err)
		}
		all := must(db.Starters(ctx))(t)
		if len(all) != 2 || all[0].Key != a.Key || all[1].Key != b.Key || string(all[0].Content.Inline[0].Data) != "\x00\x01\xff" || !all[0].Updated.Equal(now) {
			t.Errorf("library %+v", all)
		}
		if _, err := db.UpdateStarter(ctx, 1, "a", content, now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("another's name: %v", err)
		}
		if _, err := db.UpdateStarter(ctx, 99, "c", content, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no text: %v", err)
		}
		content.Subject = "Ho"
		must(db.UpdateStarter(ctx, 1, "c", content, now))(t)
		if got := must(db.StarterByID(ctx, 1))(t); got.Name != "c" || got.Content.Subject != "Ho" {
			t.Errorf("changed %+v", got)
		}
		for _, want := range []error{nil, campaign.ErrNotFound} {
			if err := db.DeleteStarter(ctx, 1); !errors.Is(err, want) {
				t.Errorf("deleted: %v, want %v", err, want)
			}
		}
	})
}
