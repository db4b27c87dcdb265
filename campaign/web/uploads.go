package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/listfile"
	"broadside/campaign/upload"
)

// receiveUpload streams the file of a form to disk. A script that sends it gets the
// page's address as text, so that it can show how far it is. What is wrong with the file
// is said where it was dropped.
func receiveUpload(v *visit) error {
	u, err := v.receive()
	f := Form{Errors: map[string]string{}}
	wrong := f.take(err)
	switch {
	case wrong && v.wantsData():
		return v.refuse(http.StatusUnprocessableEntity, "Not taken", f.Errors["file"])
	case wrong:
		return v.lists(http.StatusUnprocessableEntity, f)
	case err != nil:
		return err
	}
	return v.leadTo("/uploads/" + u.ID)
}

func (v *visit) receive() (upload.Upload, error) {
	v.r.Body = v.arriving()
	parts, err := v.r.MultipartReader()
	if err != nil {
		return upload.Upload{}, &account.Problem{Field: "file", Text: "choose a file"}
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return upload.Upload{}, &account.Problem{Field: "file", Text: "choose a file"}
		}
		if err != nil {
			return upload.Upload{}, &account.Problem{Field: "file", Text: "the upload broke off: try again"}
		}
		if part.FileName() == "" {
			continue
		}
		v.object = part.FileName()
		u, err := v.app.Uploads.Receive(v.User.Email, part.FileName(), part)
		return u, asProblem("file", err)
	}
}

// asProblem shows the person what is wrong with a file; other errors are ours.
func asProblem(field string, err error) error {
	if wrong, ok := errors.AsType[*listfile.Error](err); ok {
		return &account.Problem{Field: field, Text: wrong.Error()}
	}
	return err
}

// leadTo leads on to a page; a script is told the address.
func (v *visit) leadTo(path string) error {
	if !v.wantsData() {
		return v.redirect(path)
	}
	return v.json(http.StatusOK, map[string]string{"location": path})
}

// sampleRows of a file are shown.
const sampleRows = 5

type uploadView struct {
	Form
	Upload  upload.Upload
	Look    upload.Look
	Lists   []campaign.List
	Fields  []string // that a column may become
	Left    []bool   // columns that are left out
	Columns int      // that are imported
	People  int64    // who would get mail
	Undone  bool
	ListID  campaign.ListID // of an imported one
	Suggest string          // name of a new list
}

func showUpload(v *visit) error {
	u, err := v.app.Uploads.Get(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.upload(http.StatusOK, u, Form{})
}

func (v *visit) upload(status int, u upload.Upload, f Form) error {
	ctx := v.r.Context()
	body := uploadView{Form: f, Upload: u}
	var err error
	if body.Lists, err = v.app.Store.Lists(ctx); err != nil {
		return err
	}
	if r := u.Report; r != nil {
		body.People = r.New + r.Updated + r.Unchanged
	}
	switch {
	case u.Phase == upload.Imported:
		err = v.imported(&body)
	case !u.Phase.Busy():
		err = v.look(&body)
	}
	if err != nil {
		return asProblem("file", err)
	}
	return v.render(status, "upload", u.File, body)
}

func (v *visit) look(body *uploadView) error {
	u := body.Upload
	body.Suggest, _, _ = strings.Cut(u.File, ".")
	var err error
	if body.Look, err = v.app.Uploads.Look(u, u.Plan.Mapping, sampleRows); err != nil {
		return err
	}
	known, err := v.app.Store.Fields(v.r.Context())
	if err != nil {
		return err
	}
	fields := append([]string{"email", "name", "first_name", "last_name"}, known...)
	body.Left = make([]bool, len(body.Look.Columns))
	for i, c := range body.Look.Columns {
		fields = append(fields, c.Field)
		body.Left[i] = slices.Contains(u.Plan.LeaveOut, i)
		if !body.Left[i] {
			body.Columns++
		}
	}
	for _, f := range fields {
		if f != "" && !slices.Contains(body.Fields, f) {
			body.Fields = append(body.Fields, f)
		}
	}
	return nil
}

// imported finds out what has become of an import since.
func (v *visit) imported(body *uploadView) error {
	list, err := v.app.Store.ListByName(v.r.Context(), body.Upload.Plan.List)
	if errors.Is(err, campaign.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	body.ListID = list.ID
	imports, err := v.app.Store.Imports(v.r.Context(), list.ID, body.Upload.Report.Import+1, 1)
	if err == nil && len(imports) == 1 {
		body.Undone = imports[0].Undone
	}
	return err
}

func checkUpload(v *visit) error {
	u, err := v.app.Uploads.Get(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	v.object = u.File
	f, err := v.readForm("list", "new_list")
	if err != nil {
		return err
	}
	plan, err := planOf(v, u, f)
	if f.take(err) {
		u.Plan = plan
		return v.upload(http.StatusUnprocessableEntity, u, f)
	}
	if err != nil {
		return err
	}
	if _, err := v.app.Uploads.Check(u.ID, plan); err != nil {
		return err
	}
	return v.redirect("/uploads/" + u.ID)
}

// planOf reads the form: the list, and for each column the field it becomes, "+" for one
// that is named beside it, or "-" for none.
func planOf(v *visit, u upload.Upload, f Form) (upload.Plan, error) {
	plan := upload.Plan{List: strings.TrimSpace(f.Values["list"]), Mapping: campaign.Mapping{}}
	var errs []error
	if plan.List == "" {
		plan.List = strings.TrimSpace(f.Values["new_list"])
	}
	if problem := listNameProblem(plan.List); problem != "" {
		errs = append(errs, &account.Problem{Field: "new_list", Text: problem})
	}
	look, err := v.app.Uploads.Look(u, nil, 0)
	if err != nil {
		return plan, asProblem("file", err)
	}
	for i := range look.Columns {
		field := v.r.PostForm.Get("column-" + strconv.Itoa(i))
		if field == "+" {
			field = campaign.FieldName(v.r.PostForm.Get("name-" + strconv.Itoa(i)))
			if field == "" {
				errs = append(errs, &account.Problem{Field: "mapping", Text: fmt.Sprintf("give %s a name of Latin letters and digits, or choose one", look.Columns[i].Name)})
			}
		}
		switch {
		case field == "-":
			plan.LeaveOut = append(plan.LeaveOut, i)
		case field == "":
		case plan.Mapping[field] != "":
			errs = append(errs, &account.Problem{Field: "mapping", Text: fmt.Sprintf("two columns become %s: choose one of them", field)})
		default:
			plan.Mapping[field] = columnName(look.Columns, i)
		}
	}
	if plan.Mapping["email"] == "" {
		errs = append(errs, &account.Problem{Field: "mapping", Text: "say which column has the addresses: it becomes email"})
	}
	return plan, errors.Join(errs...)
}

func listNameProblem(name string) string {
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "give the list a name of 1 to 100 characters"
	}
	return ""
}

// columnName names a column so that a mapping finds it: by its number when another one
// is called the same.
func columnName(columns []campaign.ImportColumn, i int) string {
	for j, c := range columns {
		if j != i && strings.EqualFold(strings.TrimSpace(c.Name), strings.TrimSpace(columns[i].Name)) {
			return strconv.Itoa(i + 1)
		}
	}
	return columns[i].Name
}

func importUpload(v *visit) error {
	u, err := v.app.Uploads.Import(v.r.PathValue("id"))
	v.object = fmt.Sprintf("%s into %s", u.File, u.Plan.List)
	if err != nil {
		return err
	}
	return v.redirect("/uploads/" + u.ID)
}

func discardUpload(v *visit) error {
	u, err := v.app.Uploads.Get(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	v.object = u.File
	if err := v.app.Uploads.Discard(u.ID); err != nil {
		return err
	}
	v.flash("%s is removed. Nothing of it was imported.", u.File)
	return v.redirect("/lists")
}

func showRejects(v *visit) error {
	u, err := v.app.Uploads.Get(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	rejects, err := v.app.Uploads.Rejects(u.ID)
	if err != nil {
		return err
	}
	defer rejects.Close()
	v.download("rejects of " + u.File + ".csv")
	_, err = io.Copy(v.slowly(), rejects)
	return err
}
