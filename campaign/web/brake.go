package web

import (
	"net/url"
	"strconv"
	"strings"

	"broadside/campaign"
	"broadside/campaign/account"
)

// brakeOf is what a form says of a campaign's brake; a problem when it cannot be read. A
// form without the brake's fields leaves it as it is. What is left empty is the default.
func brakeOf(was campaign.Brake, form url.Values) (campaign.Brake, *account.Problem) {
	if !form.Has("brake") {
		return was, nil
	}
	b := was
	b.Off = form.Get("brake") == "off"
	for name, share := range map[string]*float64{"brake_bounces": &b.Bounces, "brake_complaints": &b.Complaints, "brake_rejections": &b.Rejections} {
		*share = 0
		text := strings.ReplaceAll(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(form.Get(name)), "%")), ",", ".")
		if text == "" {
			continue
		}
		var err error
		if *share, err = strconv.ParseFloat(text, 64); err != nil {
			return was, &account.Problem{Field: name, Text: "Where the brake is pulled is a number of percent, such as 5 or 0.3."}
		}
	}
	return b, nil
}

// Percent is a share of the brake as it is written; "" for the default.
func (composeView) Percent(share float64) string {
	if share == 0 {
		return ""
	}
	return strconv.FormatFloat(share, 'f', -1, 64)
}

// DefaultBrake holds where nothing else is said.
func (composeView) DefaultBrake() campaign.Brake { return campaign.DefaultBrake }
