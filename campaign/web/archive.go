package web

import "fmt"

func archiveCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	if _, err = v.app.Service.Archive(v.r.Context(), c); err != nil {
		return err
	}
	v.flash("%s is in the archive. Its runs and reports stay.", c.Spec.Name)
	return v.redirect("/campaigns")
}

func restoreCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	if _, err = v.app.Service.Restore(v.r.Context(), c); err != nil {
		return err
	}
	v.flash("%s is back.", c.Spec.Name)
	return v.redirect(fmt.Sprintf("/campaigns/%d", c.ID))
}
