package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"broadside/campaign"
)

type libraryView struct{ Starters []campaign.Starter }

func showLibrary(v *visit) error {
	all, err := v.app.Service.Starters(v.r.Context())
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "library", "Templates", libraryView{all})
}

type starterView struct {
	Form
	Starter campaign.Starter
	Format  string // "markdown" or "html"
}

func showStarter(v *visit) error {
	s, err := v.starter()
	if err != nil {
		return err
	}
	return v.starterPage(http.StatusOK, s, Form{})
}

func (v *visit) starter() (campaign.Starter, error) {
	s, err := v.app.Service.Starter(v.r.Context(), v.r.PathValue("key"))
	v.object = s.Name
	return s, err
}

func (v *visit) starterPage(status int, s campaign.Starter, f Form) error {
	body := starterView{Form: f, Starter: s, Format: "markdown"}
	if s.Content.HTML != "" {
		body.Format = "html"
	}
	return v.render(status, "starter", s.Name, body)
}

// previewStarter shows the message that a text makes, for a frame.
func previewStarter(v *visit) error {
	s, err := v.starter()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Security-Policy", previewPolicy)
	r, err := v.app.Service.RenderStarter(v.r.Context(), s.Content)
	if err != nil {
		return v.document(previewNote(err.Error()))
	}
	if r.HTML == "" {
		return v.document(previewText(r.Text, false))
	}
	return v.document(inScheme(r.HTML, v.r.URL.Query().Get("dark") != ""))
}

func changeStarter(v *visit) error {
	s, err := v.starter()
	if err != nil {
		return err
	}
	f, err := v.readForm("name", "means", "subject", "preheader", "content", "text")
	if err != nil {
		return err
	}
	text := func(name string) string { return strings.ReplaceAll(f.Values[name], "\r\n", "\n") }
	content := s.Content
	content.Means, content.Subject, content.Preheader, content.Text = f.Values["means"], f.Values["subject"], f.Values["preheader"], text("text")
	if content.HTML != "" {
		content.HTML = text("content")
	} else {
		content.Markdown = text("content")
	}
	saved, err := v.app.Service.UpdateStarter(v.r.Context(), s, f.Values["name"], content)
	if f.takeUnfit(err) {
		s.Content = content
		return v.starterPage(http.StatusUnprocessableEntity, s, f)
	}
	if err != nil {
		return err
	}
	v.flash("Template %s is saved. Campaigns that began with it keep theirs.", saved.Name)
	return v.redirect("/library/" + saved.Key)
}

// takeUnfit puts what cannot be used, and a name that is taken, beside their fields.
func (f Form) takeUnfit(err error) bool {
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		for _, finding := range unfit.Findings {
			field := finding.Where
			if _, known := f.Values[field]; !known {
				field = "content"
			}
			f.Errors[field] = finding.Where + ": " + finding.Text()
		}
		return true
	}
	if errors.Is(err, campaign.ErrExists) {
		f.Errors["name"] = err.Error()
		return true
	}
	return false
}

func deleteStarter(v *visit) error {
	s, err := v.starter()
	if err != nil {
		return err
	}
	if err := v.app.Service.DeleteStarter(v.r.Context(), s); err != nil {
		return err
	}
	v.flash("Template %s is deleted. Campaigns that began with it keep theirs.", s.Name)
	return v.redirect("/library")
}

// saveAsStarter puts a campaign's text into the library.
func saveAsStarter(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm("name")
	if err != nil {
		return err
	}
	name := strings.TrimSpace(f.Values["name"])
	v.object = name
	saved, err := v.app.Service.CreateStarter(v.r.Context(), name, campaign.StarterOf(c.Spec))
	if f.takeUnfit(err) {
		var problems []string
		for _, text := range f.Errors {
			problems = append(problems, text)
		}
		return v.refuse(http.StatusUnprocessableEntity, "Not saved as a template", strings.Join(problems, "; "))
	}
	if err != nil {
		return err
	}
	v.flash("Saved as template %s.", saved.Name)
	return v.redirect(fmt.Sprintf("/library/%s", saved.Key))
}
