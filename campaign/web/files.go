package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/message"
	"broadside/campaign/web/transfer"
)

const (
	maxFile  = 10 << 20 // bytes of an attachment or an image
	maxFiles = 20       // of a campaign
)

// addFile takes an attachment, or an image that the text shows as cid:NAME.
func addFile(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	v.r.Body = transfer.Reader(v.w, v.r)
	f, err := fileOf(v.r)
	if err != nil {
		return err
	}
	v.object += ", " + f.Name
	spec := c.Spec
	same := func(other message.File) bool { return other.Name == f.Name }
	spec.Inline = slices.DeleteFunc(slices.Clone(spec.Inline), same)
	spec.Attachments = slices.DeleteFunc(slices.Clone(spec.Attachments), same)
	if len(spec.Inline)+len(spec.Attachments) >= maxFiles {
		return &account.Problem{Field: "file", Text: fmt.Sprintf("a campaign has %d files at most", maxFiles)}
	}
	if v.r.URL.Query().Get("as") == "image" {
		spec.Inline = append(spec.Inline, f)
	} else {
		spec.Attachments = append(spec.Attachments, f)
	}
	return v.saveFiles(c, spec)
}

// fileOf reads the file of a form.
func fileOf(r *http.Request) (message.File, error) {
	none := &account.Problem{Field: "file", Text: "choose a file"}
	parts, err := r.MultipartReader()
	if err != nil {
		return message.File{}, none
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return message.File{}, none
		}
		if err != nil {
			return message.File{}, &account.Problem{Field: "file", Text: "the upload broke off: try again"}
		}
		if part.FileName() == "" {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(part, maxFile+1))
		switch {
		case err != nil:
			return message.File{}, &account.Problem{Field: "file", Text: "the upload broke off: try again"}
		case len(data) > maxFile:
			return message.File{}, &account.Problem{Field: "file", Text: fmt.Sprintf("has more than %d MB: link to it instead", maxFile>>20)}
		case len(data) == 0:
			return message.File{}, &account.Problem{Field: "file", Text: "is empty"}
		}
		return message.File{Name: plainName(part.FileName()), Data: data}, nil
	}
}

// plainName keeps of a file's name what a Content-ID and every disk can hold.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, path.Base(path.Clean("/"+strings.ReplaceAll(name, `\`, "/"))))
	name = strings.Trim(name[max(0, len(name)-100):], ".-")
	if name == "" {
		return "file"
	}
	return name
}

func removeFile(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	name := v.r.PathValue("name")
	v.object += ", " + name
	spec := c.Spec
	same := func(f message.File) bool { return f.Name == name }
	spec.Inline = slices.DeleteFunc(slices.Clone(spec.Inline), same)
	spec.Attachments = slices.DeleteFunc(slices.Clone(spec.Attachments), same)
	if len(spec.Inline)+len(spec.Attachments) == len(c.Spec.Inline)+len(c.Spec.Attachments) {
		return fmt.Errorf("file %q: %w", name, campaign.ErrNotFound)
	}
	return v.saveFiles(c, spec)
}

func (v *visit) saveFiles(c campaign.Campaign, spec campaign.Spec) error {
	if _, err := v.app.Service.SaveDraft(v.r.Context(), c, c.Updated, spec); err != nil {
		return err
	}
	return v.leadTo(fmt.Sprintf("/campaigns/%d", c.ID))
}
