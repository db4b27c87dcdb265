package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
)

// List is a named set of contacts.
type List struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Created      time.Time `json:"created"`
	Subscribed   int64     `json:"subscribed" doc:"Members who want its mail."`
	Unsubscribed int64     `json:"unsubscribed" doc:"Members who left."`
	Tracking     string    `json:"tracking" enum:"off,anonymous,individual" doc:"The most that is measured of what its members do with messages."`
	Title        string    `json:"title,omitempty" doc:"What its members see; the name when it is missing."`
	Description  string    `json:"description,omitempty" doc:"For its members."`
	Visible      bool      `json:"visible" doc:"Members see it among their lists, may leave it there, and come back."`
}

func listOf(l campaign.List) List {
	return List{int64(l.ID), l.Name, l.Created, l.Subscribed, l.Unsubscribed, l.Tracking.String(), l.Title, l.Description, l.Visible}
}

// Member is a contact in a list.
type Member struct {
	Contact
	Status string `json:"status" enum:"subscribed,unsubscribed"`
}

func memberOf(m campaign.Member) Member { return Member{contactOf(m.Contact), statusName(m.Status)} }

func statusName(s campaign.MemberStatus) string {
	if s == campaign.OptedOut {
		return "unsubscribed"
	}
	return "subscribed"
}

// Import is the record of a file that came into a list.
type Import struct {
	ID     int64                 `json:"id"`
	List   int64                 `json:"list"`
	File   string                `json:"file"`
	At     time.Time             `json:"at"`
	Undone bool                  `json:"undone"`
	Counts campaign.ImportCounts `json:"counts"`
}

func importOf(im campaign.Import) Import {
	return Import{int64(im.ID), int64(im.List), im.File, im.At, im.Undone, im.Counts}
}

// ListPath names a list.
type ListPath struct {
	List int64 `path:"list" minimum:"1" doc:"The list's id."`
}

func (a *API) addLists() {
	add(a, Operation{Method: "GET", Path: "/lists", ID: "list-lists", Tag: "lists", Summary: "All lists", Need: account.See}, a.showLists)
	add(a, Operation{Method: "POST", Path: "/lists", ID: "create-list", Tag: "lists", Summary: "Make an empty list", Need: account.Lists, Action: "create list", Status: http.StatusCreated}, a.createList)
	add(a, Operation{Method: "GET", Path: "/lists/{list}", ID: "show-list", Tag: "lists", Summary: "A list", Need: account.See}, a.showList)
	add(a, Operation{Method: "DELETE", Path: "/lists/{list}", ID: "delete-list", Tag: "lists", Summary: "Delete a list", Means: "With its memberships, sign-up forms and the record of its imports; what was sent stays known. A conflict while a run is under way, paused or scheduled that names it.", Need: account.Lists, Action: "delete list"}, a.deleteList)
	add(a, Operation{Method: "PUT", Path: "/lists/{list}/presentation", ID: "present-list", Tag: "lists", Summary: "Say what the members of a list see of it", Means: "On the page behind the unsubscribe link of each message, people see the lists that they are in and that are visible.", Need: account.Lists, Action: "present list"}, a.presentList)
	add(a, Operation{Method: "GET", Path: "/lists/{list}/members", ID: "list-members", Tag: "lists", Summary: "The members of a list", Need: account.See}, a.showMembers)
	add(a, Operation{Method: "PUT", Path: "/lists/{list}/tracking", ID: "set-list-tracking", Tag: "lists", Summary: "Say what may be measured of a list's members", Means: "It is the most that a campaign gets, for messages that have not left yet. Who is in several lists of a campaign gets the strictest.", Need: account.Lists, Action: "set list tracking"}, a.setTracking)
	a.addJoining()
	add(a, Operation{Method: "POST", Path: "/lists/{list}/export", ID: "export-list", Tag: "lists", Summary: "All members as CSV", Means: "email, list_status, and a column for each attribute. An import reads it back.", Need: account.Lists, Action: "export list", Answer: "text/csv"}, a.exportList)
	add(a, Operation{Method: "GET", Path: "/lists/{list}/imports", ID: "list-imports", Tag: "lists", Summary: "What was imported into a list, newest first", Need: account.See}, a.showImports)
	add(a, Operation{Method: "POST", Path: "/lists/{list}/imports/{import}/undo", ID: "undo-import", Tag: "lists", Summary: "Take an import back", Means: "Contacts that it created and nothing else uses go; attributes return to what they were unless they changed since.", Need: account.Lists, Action: "undo import"}, a.undoImport)
}

func (a *API) showLists(ctx context.Context, _ *call, _ *struct{}) (*body[Page[List]], error) {
	lists, err := a.Store.Lists(ctx)
	return answer(all(lists, listOf), err)
}

type newList struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line"`
	}
}

func (a *API) createList(ctx context.Context, c *call, in *newList) (*body[List], error) {
	c.object = in.Body.Name
	l, err := a.Store.CreateList(ctx, in.Body.Name, a.Now())
	return answer(listOf(l), err)
}

// list finds the list that the path names.
func (a *API) list(ctx context.Context, c *call, in ListPath) (campaign.List, error) {
	l, err := a.Store.ListByID(ctx, campaign.ListID(in.List))
	c.object = l.Name
	return l, err
}

func (a *API) showList(ctx context.Context, c *call, in *ListPath) (*body[List], error) {
	l, err := a.list(ctx, c, *in)
	return answer(listOf(l), err)
}

type listDeletion struct {
	ListPath
	WithContacts bool `query:"with_contacts" doc:"Delete the contacts too that are in no other list."`
}

func (a *API) deleteList(ctx context.Context, c *call, in *listDeletion) (*body[campaign.ListDeletion], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	c.patient() // a large list takes its time
	gone, err := a.Store.DeleteList(ctx, l.ID, in.WithContacts)
	return answer(gone, err)
}

type listTracking struct {
	ListPath
	Body struct {
		Tracking string `json:"tracking" enum:"off,anonymous,individual"`
	}
}

func (a *API) setTracking(ctx context.Context, c *call, in *listTracking) (*body[List], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	level, err := campaign.ParseTracking(in.Body.Tracking)
	if err != nil {
		return nil, err
	}
	c.object = fmt.Sprintf("%s: %s", l.Name, level)
	l, err = a.Store.SetListTracking(ctx, l.ID, level)
	return answer(listOf(l), err)
}

type listPage struct {
	ListPath
	Paging
}

func (a *API) showMembers(ctx context.Context, c *call, in *listPage) (*body[Page[Member]], error) {
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	members, err := a.Store.ListContacts(ctx, l.ID, campaign.ContactID(after), in.Limit)
	return answer(pageOf(members, in.Limit, memberOf, func(m campaign.Member) string { return number(m.ID) }), err)
}

func (a *API) exportList(ctx context.Context, c *call, in *ListPath) (*huma.StreamResponse, error) {
	l, err := a.list(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	return a.download(c, l.Name+".csv", func(w io.Writer) error {
		_, err := campaign.ExportList(ctx, a.Store, l.ID, w)
		return err
	}), nil
}

func (a *API) showImports(ctx context.Context, c *call, in *listPage) (*body[Page[Import]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	imports, err := a.Store.Imports(ctx, l.ID, campaign.ImportID(before), in.Limit)
	return answer(pageOf(imports, in.Limit, importOf, func(im campaign.Import) string { return number(im.ID) }), err)
}

type importPath struct {
	ListPath
	Import int64 `path:"import" minimum:"1" doc:"The import's id."`
}

func (a *API) undoImport(ctx context.Context, c *call, in *importPath) (*body[campaign.ImportCounts], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	c.object = fmt.Sprintf("import %d of %s", in.Import, l.Name)
	imports, err := a.Store.Imports(ctx, l.ID, campaign.ImportID(in.Import)+1, 1)
	if err == nil && (len(imports) == 0 || imports[0].ID != campaign.ImportID(in.Import)) {
		err = fmt.Errorf("import %d of list %q: %w", in.Import, l.Name, campaign.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	counts, err := a.Store.UndoImport(ctx, campaign.ImportID(in.Import))
	return answer(counts, err)
}
