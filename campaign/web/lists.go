package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
)

type listsView struct {
	Form
	Lists   []campaign.List
	Uploads []upload.Upload // that wait for a decision
}

func showLists(v *visit) error { return v.lists(http.StatusOK, Form{}) }

func (v *visit) lists(status int, f Form) error {
	lists, err := v.app.Store.Lists(v.r.Context())
	if err != nil {
		return err
	}
	body := listsView{Form: f, Lists: lists}
	all, err := v.app.Uploads.List()
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Phase != upload.Imported {
			body.Uploads = append(body.Uploads, u)
		}
	}
	return v.render(status, "lists", "Lists", body)
}

const membersPage = 50

type listView struct {
	Form
	List    campaign.List
	Imports []campaign.Import
	Forms   []signup.Form
	Members []campaign.Member
	Next    campaign.ContactID // to go on from, 0 at the end
	First   bool
}

func showList(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	return v.showList(http.StatusOK, list, Form{})
}

func (v *visit) showList(status int, list campaign.List, f Form) error {
	ctx := v.r.Context()
	after := v.number("after")
	body := listView{Form: f, List: list, First: after == 0}
	var err error
	if body.Imports, err = v.app.Store.Imports(ctx, list.ID, 0, 10); err != nil {
		return err
	}
	if body.Forms, err = v.app.SignUps.Forms(ctx, list.ID); err != nil {
		return err
	}
	if body.Members, err = v.app.Store.ListContacts(ctx, list.ID, campaign.ContactID(after), membersPage); err != nil {
		return err
	}
	if len(body.Members) == membersPage {
		body.Next = body.Members[membersPage-1].ID
	}
	return v.render(status, "list", list.Name, body)
}

// presentList says what its members see of a list.
func presentList(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	f, err := v.readForm("title", "description", "visible")
	if err != nil {
		return err
	}
	p := campaign.Presentation{Title: f.Values["title"], Description: f.Values["description"], Visible: f.Values["visible"] != ""}
	if field, err := p.Check(); err != nil {
		f.Errors[field] = err.Error()
		return v.showList(http.StatusUnprocessableEntity, list, f)
	}
	if list, err = v.app.Store.PresentList(v.r.Context(), list.ID, p); err != nil {
		return err
	}
	v.flash("Members see this list as %s.", list.PublicTitle())
	if !list.Visible {
		v.flash("Members do not see this list by its name.")
	}
	return v.redirect(fmt.Sprintf("/lists/%d", list.ID))
}

func (v *visit) list() (campaign.List, error) {
	id, err := v.id("id")
	if err != nil {
		return campaign.List{}, err
	}
	list, err := v.app.Store.ListByID(v.r.Context(), campaign.ListID(id))
	v.object = list.Name
	return list, err
}

// number reads a number of the query; anything else is 0.
func (v *visit) number(name string) int64 {
	n, err := strconv.ParseInt(v.r.URL.Query().Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// deleteList takes a list away whose name was typed once more.
func deleteList(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	f, err := v.readForm("confirm", "contacts")
	if err != nil {
		return err
	}
	if f.Values["confirm"] != list.Name {
		f.Errors["confirm"] = "This is not the list's name. Nothing was deleted."
		return v.showList(http.StatusUnprocessableEntity, list, f)
	}
	gone, err := v.app.Store.DeleteList(v.r.Context(), list.ID, f.Values["contacts"] != "")
	if errors.Is(err, campaign.ErrConflict) {
		f.Errors["confirm"] = "Not now: " + err.Error() + "."
		return v.showList(http.StatusConflict, list, f)
	}
	if err != nil {
		return err
	}
	v.flash("%s is deleted: %s and %s are gone. What was sent stays known.", list.Name, plural(gone.Memberships, "membership", "memberships"), plural(gone.Contacts, "contact", "contacts"))
	return v.redirect("/lists")
}

// setListTracking says what may be measured of a list's members.
func setListTracking(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	f, err := v.readForm("tracking")
	if err != nil {
		return err
	}
	level, err := campaign.ParseTracking(f.Values["tracking"])
	if err != nil {
		return v.refuse(http.StatusUnprocessableEntity, "That is not possible now", err.Error())
	}
	v.object = fmt.Sprintf("%s: %s", list.Name, level)
	if _, err := v.app.Store.SetListTracking(v.r.Context(), list.ID, level); err != nil {
		return err
	}
	v.flash("Tracking is %s: %s. This holds for messages that leave from now on.", level, level.Means())
	return v.redirect(fmt.Sprintf("/lists/%d", list.ID))
}

// Trackings are the levels that a list may have.
func (v view) Trackings() []campaign.Tracking { return campaign.Trackings() }

// exportList is a POST, so that the audit log knows who took the addresses away.
func exportList(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	v.download(list.Name + ".csv")
	_, err = campaign.ExportList(v.r.Context(), v.app.Store, list.ID, v.slowly())
	return err
}

// download begins an answer that browsers save as a CSV file.
func (v *visit) download(name string) {
	v.status = http.StatusOK
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

func undoImport(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(v.r.PathValue("import"), 10, 64)
	if err != nil {
		return fmt.Errorf("import %q: %w", v.r.PathValue("import"), campaign.ErrNotFound)
	}
	v.object = fmt.Sprintf("import %d of %s", id, list.Name)
	counts, err := v.app.Store.UndoImport(v.r.Context(), campaign.ImportID(id))
	if err != nil {
		return err
	}
	v.flash("Import %d is taken back. Contacts that are gone again: %s; that are as they were before: %s.", id, group(counts.New), group(counts.Updated))
	return v.redirect(fmt.Sprintf("/lists/%d", list.ID))
}
