package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/upload"
	"broadside/campaign/web/transfer"
)

// Upload is a file on its way into a list.
type Upload struct {
	ID       string                 `json:"id"`
	File     string                 `json:"file"`
	Size     int64                  `json:"size" doc:"Bytes."`
	By       string                 `json:"by" doc:"Whose it is."`
	At       time.Time              `json:"at"`
	Phase    string                 `json:"phase" enum:"received,checking,checked,importing,imported" doc:"A step that fails leads back to received."`
	Problem  string                 `json:"problem,omitempty" doc:"Why the last step failed."`
	Plan     upload.Plan            `json:"plan"`
	Progress *upload.Progress       `json:"progress,omitempty" doc:"Of the step under way."`
	Report   *campaign.ImportReport `json:"report,omitempty" doc:"Of the last step that did not fail: a dry run's, or the import's."`
}

func uploadOf(u upload.Upload) Upload {
	return Upload{ID: u.ID, File: u.File, Size: u.Size, By: u.By, At: u.At, Phase: string(u.Phase), Problem: u.Problem, Plan: u.Plan, Report: u.Report}
}

// UploadPath names an upload.
type UploadPath struct {
	Upload string `path:"upload" maxLength:"24" doc:"The upload's id."`
}

func (a *API) addUploads() {
	add(a, Operation{Method: "GET", Path: "/uploads", ID: "list-uploads", Tag: "uploads", Summary: "All uploads, newest first", Means: "A file that nobody imports goes after a week.", Need: account.Lists}, a.showUploads)
	add(a, Operation{Method: "POST", Path: "/uploads", ID: "upload-file", Tag: "uploads", Summary: "Upload a list: CSV, TSV, XLSX, NDJSON or JSON, also in gzip or zip", Means: "The body is the file itself, streamed, of 4 GB at most.", Need: account.Lists, Action: "upload file", Status: http.StatusCreated, Request: "application/octet-stream"}, a.receive)
	add(a, Operation{Method: "GET", Path: "/uploads/{upload}", ID: "show-upload", Tag: "uploads", Summary: "How far an upload is, and its report", Need: account.Lists}, a.showUpload)
	add(a, Operation{Method: "GET", Path: "/uploads/{upload}/columns", ID: "show-columns", Tag: "uploads", Summary: "The columns of a file, what each would become, and the first rows", Need: account.Lists}, a.showColumns)
	add(a, Operation{Method: "POST", Path: "/uploads/{upload}/check", ID: "check-upload", Tag: "uploads", Summary: "Begin a dry run", Means: "Read the upload until its phase is checked. Columns that the mapping leaves out are guessed.", Need: account.Lists, Action: "check file", Status: http.StatusAccepted}, a.check)
	add(a, Operation{Method: "GET", Path: "/uploads/{upload}/rejects", ID: "show-rejects", Tag: "uploads", Summary: "The rows that would not be imported, or get no mail, as CSV", Need: account.Lists, Answer: "text/csv"}, a.showRejects)
	add(a, Operation{Method: "POST", Path: "/uploads/{upload}/import", ID: "import-upload", Tag: "uploads", Summary: "Begin the import, as the dry run showed it", Means: "All valid rows, or nothing. Asking again changes nothing; read the upload until its phase is imported.", Need: account.Lists, Action: "import file", Status: http.StatusAccepted}, a.importUpload)
	add(a, Operation{Method: "DELETE", Path: "/uploads/{upload}", ID: "discard-upload", Tag: "uploads", Summary: "Remove an upload", Means: "What was imported stays.", Need: account.Lists, Action: "discard file", Status: http.StatusNoContent}, a.discard)
}

func (a *API) showUploads(_ context.Context, _ *call, _ *struct{}) (*body[Page[Upload]], error) {
	list, err := a.Uploads.List()
	return answer(all(list, uploadOf), err)
}

type newUpload struct {
	Name string `query:"name" required:"true" minLength:"1" maxLength:"200" doc:"The file's name."`
}

func (a *API) receive(_ context.Context, c *call, in *newUpload) (*body[Upload], error) {
	c.object = in.Name
	u, err := a.Uploads.Receive(c.user.Email, in.Name, transfer.Reader(c.w, c.r))
	return answer(uploadOf(u), err)
}

// upload finds the upload that the path names.
func (a *API) upload(c *call, in *UploadPath) (upload.Upload, error) {
	u, err := a.Uploads.Get(in.Upload)
	c.object = u.File
	return u, err
}

func (a *API) showUpload(_ context.Context, c *call, in *UploadPath) (*body[Upload], error) {
	u, err := a.upload(c, in)
	if err != nil {
		return nil, err
	}
	out := uploadOf(u)
	if u.Phase.Busy() {
		p, err := a.Uploads.Progress(u.ID)
		if err != nil {
			return nil, err
		}
		out.Progress = &p
	}
	return &body[Upload]{out}, nil
}

type columnsAsked struct {
	UploadPath
	Rows int `query:"rows" minimum:"0" maximum:"20" default:"5" doc:"How many rows to show."`
}

func (a *API) showColumns(_ context.Context, c *call, in *columnsAsked) (*body[upload.Look], error) {
	u, err := a.upload(c, &in.UploadPath)
	if err != nil {
		return nil, err
	}
	look, err := a.Uploads.Look(u, u.Plan.Mapping, in.Rows)
	return answer(look, err)
}

type checking struct {
	UploadPath
	Body struct {
		List     string            `json:"list" minLength:"1" maxLength:"100" pattern:"^\\P{Cc}+$" patternDescription:"text on one line" doc:"The list's name; it is made when it is new."`
		Mapping  map[string]string `json:"mapping,omitempty" doc:"Field → column: email, or an attribute's name, from a column's name or its number from 1."`
		LeaveOut []int             `json:"leave_out,omitempty" maxItems:"1000" nullable:"false" doc:"Columns of which nothing is kept, by their numbers from 0."`
	}
}

func (a *API) check(_ context.Context, c *call, in *checking) (*body[Upload], error) {
	u, err := a.upload(c, &in.UploadPath)
	if err != nil {
		return nil, err
	}
	if u.Phase == upload.Received || u.Phase == upload.Checked {
		look, err := a.Uploads.Look(u, in.Body.Mapping, 0)
		if err != nil {
			return nil, err
		}
		if look.Problem != "" {
			return nil, invalid("body.mapping", look.Problem)
		}
	}
	u, err = a.Uploads.Check(u.ID, upload.Plan{List: in.Body.List, Mapping: in.Body.Mapping, LeaveOut: in.Body.LeaveOut})
	return answer(uploadOf(u), err)
}

func (a *API) showRejects(_ context.Context, c *call, in *UploadPath) (*huma.StreamResponse, error) {
	u, err := a.upload(c, in)
	if err != nil {
		return nil, err
	}
	rejects, err := a.Uploads.Rejects(u.ID)
	if err != nil {
		return nil, err
	}
	return a.download(c, "rejects of "+u.File+".csv", func(w io.Writer) error {
		defer rejects.Close()
		_, err := io.Copy(w, rejects)
		return err
	}), nil
}

func (a *API) importUpload(_ context.Context, c *call, in *UploadPath) (*body[Upload], error) {
	u, err := a.upload(c, in)
	if err != nil {
		return nil, err
	}
	c.object = u.File + " into " + u.Plan.List
	begun, err := a.Uploads.Import(u.ID)
	if errors.Is(err, campaign.ErrConflict) && (begun.Phase == upload.Importing || begun.Phase == upload.Imported) {
		err = nil // asked again
	}
	return answer(uploadOf(begun), err)
}

func (a *API) discard(_ context.Context, c *call, in *UploadPath) (*struct{}, error) {
	u, err := a.upload(c, in)
	if err != nil {
		return nil, err
	}
	return nil, a.Uploads.Discard(u.ID)
}
