package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"broadside/campaign"
	"broadside/store"
)

// A contact's history is found run by run, also in more runs than are asked at once, in
// pages, and in runs from before there were marks.
func TestHistoryOverManyRuns(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		const runs = 68 // more than 64
		in := map[campaign.ContactID][]campaign.RunID{}
		c := newCampaign(t, db, "daily")
		for i := range runs {
			run := must(db.CreateRun(ctx, c, campaign.RunRunning, now, now))(t)
			contacts := []campaign.ContactID{1, 511, 512, 1_000_001} // the ends of a row of marks
			if i%3 == 0 {
				contacts = append(contacts, 1_000_002)
			}
			cursor := campaign.ContactID(0)
			for _, page := range [][]campaign.ContactID{contacts[:1], contacts[1:]} { // which share a row of marks
				var rows []campaign.NewRecipient
				for _, id := range page {
					rows = append(rows, campaign.NewRecipient{Lane: campaign.Lane(1 + id%3), Contact: id})
					in[id] = append(in[id], run.ID)
				}
				last := page[len(page)-1]
				if err := db.AppendRecipients(ctx, run.ID, cursor, last, rows, cursor > 0); err != nil {
					t.Fatal(err)
				}
				cursor = last
			}
			must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunFinished, "", now))(t)
		}
		check := func(when string) {
			t.Helper()
			for _, id := range []campaign.ContactID{1, 2, 511, 512, 513, 1_000_001, 1_000_002, 2_000_000} {
				var got []campaign.RunID
				for after := (campaign.Recipient{}); ; {
					page := must(db.HistoryOf(ctx, id, after, 30))(t)
					for _, h := range page {
						got = append(got, h.Row.Run)
						after = h.Row.Recipient
					}
					if len(page) < 30 {
						break
					}
				}
				slices.Reverse(got)
				if !slices.Equal(got, in[id]) {
					t.Errorf("%s: contact %d was in %v, found in %v", when, id, in[id], got)
				}
			}
			if all := must(db.HistoryOf(ctx, 1, campaign.Recipient{}, 1000))(t); len(all) != runs {
				t.Errorf("%s: at once: %d of %d rows", when, len(all), runs)
			}
		}
		check("marked")
		if strings.HasPrefix(url, "postgres") {
			for _, sql := range []string{"DELETE FROM run_members WHERE run % 2 = 0", "UPDATE runs SET marked = FALSE WHERE id % 2 = 0"} {
				execSQL(t, url, sql)
			}
			check("half of them from before")
		}
	})
}

// An older program may append a page after its run was asked how far it has come: runs
// without marks are asked for everybody.
func TestUndoAsksRunsWithoutMarks(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		if !isPostgres(url) {
			return // there are no marks
		}
		id, _, _ := runImport(t, db, newList(t, db, "a"), false, row(1, "ann@example.org", `{}`))
		runOfPeople(t, db, "may")
		for _, sql := range []string{"DELETE FROM run_members", "UPDATE runs SET marked = FALSE, snapshot_cursor = 0"} {
			execSQL(t, url, sql)
		}
		must(db.UndoImport(t.Context(), id))(t)
		must(db.ContactByEmail(t.Context(), "ann@example.org"))(t)
	})
}

func execSQL(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
