package upload_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"broadside/campaign"
	"broadside/campaign/listfile"
	"broadside/campaign/upload"
	"broadside/store"
)

const people = "E-Mail;Name;Secret\nann@example.org;Ann;1\nbob at example.org;Bob;2\nann@example.org;Ann;3\n"

func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openDesk(t *testing.T, dir string, db *store.DB) *upload.Desk {
	t.Helper()
	d, err := upload.Open(t.Context(), dir, db, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ended waits for the step under way.
func ended(t *testing.T, d *upload.Desk, id string) upload.Upload {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		u, err := d.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if !u.Phase.Busy() {
			return u
		}
	}
	return upload.Upload{}
}

func TestFromFileToList(t *testing.T) {
	db := openStore(t)
	d := openDesk(t, t.TempDir(), db)
	defer d.Close()
	u, err := d.Receive("ann", `../../etc/people.csv`, strings.NewReader(people))
	if err != nil || u.File != "people.csv" || u.Size != int64(len(people)) {
		t.Fatalf("%+v %v", u, err)
	}
	look, err := d.Look(u, nil, 2)
	if err != nil || len(look.Columns) != 3 || look.Columns[0].Field != "email" || look.Columns[1].Values[1] != "Bob" {
		t.Errorf("look %+v %v", look, err)
	}
	if _, err := d.Import(u.ID); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("import without a dry run: %v", err)
	}
	plan := upload.Plan{List: "news", Mapping: campaign.Mapping{"email": "E-Mail", "name": "Name"}, LeaveOut: []int{2}}
	if _, err := d.Check(u.ID, plan); err != nil {
		t.Fatal(err)
	}
	if u = ended(t, d, u.ID); u.Phase != upload.Checked || u.Report.New != 1 || u.Report.Invalid != 1 || u.Report.Duplicate != 1 {
		t.Fatalf("checked %+v", u)
	}
	if lists, err := db.Lists(t.Context()); err != nil || len(lists) != 0 {
		t.Errorf("a dry run left %v %v", lists, err)
	}
	rejects, err := d.Rejects(u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(rejects); err != nil || !strings.Contains(string(text), "bob at example.org") {
		t.Errorf("rejects %q %v", text, err)
	}
	_ = rejects.Close()
	if _, err := d.Import(u.ID); err != nil {
		t.Fatal(err)
	}
	if u = ended(t, d, u.ID); u.Phase != upload.Imported || u.Report.Import == 0 {
		t.Fatalf("imported %+v", u)
	}
	c, err := db.ContactByEmail(t.Context(), "ann@example.org")
	if err != nil || string(c.Attributes) != `{"name":"Ann"}` {
		t.Errorf("contact %s %v", c.Attributes, err)
	}
	if _, err := d.Check(u.ID, plan); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("a second time: %v", err)
	}
	if err := d.Discard(u.ID); err != nil {
		t.Error(err)
	}
	if _, err := d.Get(u.ID); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("discarded: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	dir := t.TempDir()
	d := openDesk(t, dir, openStore(t))
	defer d.Close()
	if _, err := d.Receive("ann", "empty.csv", strings.NewReader("")); !isFileError(err) {
		t.Errorf("empty: %v", err)
	}
	broken := io.MultiReader(strings.NewReader(people), iotest.ErrReader(errors.New("connection lost")))
	if _, err := d.Receive("ann", "broken.csv", broken); err == nil || isFileError(err) {
		t.Errorf("broken off: %v", err)
	}
	for name, text := range map[string]string{"noise.csv": "a,b\x00,c\n1,2,3\n", "letter.pdf": "%PDF-1.7\n\x00\xff\x00", "photo.png": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "blank.csv": "\n\n \n"} {
		if _, err := d.Receive("ann", name, strings.NewReader(text)); !isFileError(err) {
			t.Errorf("%s, no list at all: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	for _, id := range []string{"", "..", "../../../../etc/passwd..", "0123456789abcdef01234567/x"} {
		if _, err := d.Get(id); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func isFileError(err error) bool {
	_, ok := errors.AsType[*listfile.Error](err)
	return ok
}

// A process that ends during a step leaves an import that happened, or did not.
func TestKilledDuringImport(t *testing.T) {
	for _, committed := range []bool{false, true} {
		db, dir := openStore(t), t.TempDir()
		d := openDesk(t, dir, db)
		u, err := d.Receive("ann", "people.csv", strings.NewReader(people))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		u.Phase, u.Plan.List, u.Began = upload.Importing, "news", time.Now().UTC().Truncate(time.Millisecond)
		text, err := json.Marshal(u)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, u.ID, "state.json"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if committed {
			l, err := db.CreateList(t.Context(), "news", u.Began)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := db.BeginImport(context.Background(), l.ID, u.File, false, u.Began)
			if err == nil {
				_, _, err = tx.Finish(t.Context(), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		d = openDesk(t, dir, db)
		defer d.Close()
		u, err = d.Get(u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if committed && (u.Phase != upload.Imported || u.Report.Import == 0) || !committed && (u.Phase != upload.Received || u.Problem == "") {
			t.Errorf("committed %v: %+v", committed, u)
		}
	}
}
