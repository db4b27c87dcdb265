package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What a contact has is edited where it is shown, with what is wrong beside it.
func TestEditingAContact(t *testing.T) {
	w := newWorld(t)
	w.admin.importList("people.csv", "news", "email,name\nann@example.org,Ann\nbob@example.org,Bob\n")
	w.admin.importList("more.csv", "other", "email,name\nbob@example.org,Bob\n")
	ann, err := w.db.ContactByEmail(t.Context(), "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/contacts/%d", ann.ID)
	for _, test := range []struct {
		says string
		form []string
	}{
		{"is the address of another contact, number 2", []string{"email", "BOB@example.org"}},
		{"is not an address", []string{"email", "bob at example"}},
		{"age is not a number", []string{"email", "ann@example.org", "attribute", "age", "kind", "number", "value", "many"}},
		{"vip is yes or no", []string{"email", "ann@example.org", "attribute", "vip", "kind", "yes", "value", "perhaps"}},
		{"cannot be an attribute&#39;s name", []string{"email", "ann@example.org", "attribute", "Full Name", "kind", "text", "value", "x"}},
		{"has no name", []string{"email", "ann@example.org", "attribute", "", "kind", "text", "value", "x"}},
	} {
		if page, _ := w.admin.post(path, http.StatusUnprocessableEntity, test.form...); !strings.Contains(page, test.says) {
			t.Errorf("%v: does not say %q", test.form, test.says)
		}
	}
	w.admin.post(path, http.StatusSeeOther, "email", "Anna@example.com",
		"attribute", "name", "kind", "text", "value", "Ann", "attribute", "age", "kind", "number", "value", "42.0",
		"attribute", "vip", "kind", "yes", "value", "No", "attribute", "gone", "kind", "none", "value", "", "attribute", "", "kind", "text", "value", "")
	edited, err := w.db.ContactByID(t.Context(), ann.ID)
	if err != nil || edited.Email != "Anna@example.com" || string(edited.Attributes) != `{"name":"Ann","age":42.0,"gone":null,"vip":false}` {
		t.Errorf("%s %s %v", edited.Email, edited.Attributes, err)
	}
	w.admin.post(path, http.StatusSeeOther, "email", "Anna@example.com", "attribute", "age", "kind", "number", "value", "42", "remove", "age")
	page := w.admin.get(path, http.StatusOK)
	if strings.Contains(page, `value="age"`) || !strings.Contains(page, `value="vip"`) || !strings.Contains(page, "<option>other</option>") || strings.Contains(page, "<option>news</option>") {
		t.Errorf("the page: %s", page)
	}
	w.admin.post(path+"/join", http.StatusSeeOther, "list", "other")
	if lists, err := w.db.MembershipsOf(t.Context(), ann.ID); err != nil || len(lists) != 2 {
		t.Errorf("lists %+v %v", lists, err)
	}
	if log := w.admin.get("/audit", http.StatusOK); strings.Contains(log, "edit contact</td><td>ann@example.org") || !strings.Contains(log, "edit contact") {
		t.Errorf("the audit log: %s", log)
	}
}
