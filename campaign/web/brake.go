package web

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"broadside/campaign"
	"broadside/campaign/account"
)

// brakeOf is what a form says of a campaign's brake; a problem when it cannot be. A
// form without the brake's fields leaves it as it is. What is left empty is the default.
func brakeOf(was campaign.Brake, form url.Values) (campaign.Brake, *account.Problem) {
	if !form.Has("brake") {
		return was, nil
	}
	b := was
	b.Off = form.Get("brake") == "off"
	usual := campaign.DefaultBrake
	for _, limit := range []struct {
		name  string
		share *float64
		usual float64
	}{{"brake_bounces", &b.Bounces, usual.Bounces}, {"brake_complaints", &b.Complaints, usual.Complaints}, {"brake_rejections", &b.Rejections, usual.Rejections}} {
		*limit.share = 0
		text := strings.ReplaceAll(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(form.Get(limit.name)), "%")), ",", ".")
		if text == "" {
			continue
		}
		share, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(share) || math.IsInf(share, 0):
			return was, &account.Problem{Field: limit.name, Text: "Where the brake is pulled is a number of percent, such as 5 or 0.3."}
		case share <= 0: // a stored 0 is the default
			return was, &account.Problem{Field: limit.name, Text: "Where the brake is pulled is above 0, or empty for the usual " + decimal(limit.usual) + " %."}
		}
		*limit.share = share
	}
	return b, nil
}

// Percent is a share of the brake as it is written; "" for the default.
func (composeView) Percent(share float64) string {
	if share == 0 {
		return ""
	}
	return decimal(share)
}

// decimal writes a number with as many digits as it has.
func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// brakeWords says what a campaign's brake does, for whoever decides whether it is sent: who
// wrote it may have turned the brake off.
func brakeWords(s campaign.Spec) string {
	switch {
	case s.Class == campaign.Transactional:
		return "off for transactional mail: the run goes on whatever the sites answer"
	case s.Brake.Off:
		return "off: the run goes on whatever the sites answer"
	}
	b := s.Brake.WithDefaults()
	return fmt.Sprintf("pauses the run by itself at a site with more than %s %% bounces, %s %% complaints or %s %% rejections, from %s recipients of the site on",
		decimal(b.Bounces), decimal(b.Complaints), decimal(b.Rejections), group(b.Least))
}

// DefaultBrake holds where nothing else is said.
func (composeView) DefaultBrake() campaign.Brake { return campaign.DefaultBrake }
