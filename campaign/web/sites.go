package web

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

type sitesView struct {
	Pause, Limit Form
	Sites        []campaign.SiteState
	Busy         []campaign.SiteActivity // what the senders do now
	Names        []string                // of sites, to choose from
}

func showSites(v *visit) error { return v.sites(http.StatusOK, Form{}, Form{}) }

// sites shows the page with its two forms; the one of limits begins with what holds for
// the site that the query names.
func (v *visit) sites(status int, pause, limit Form) error {
	states, err := v.app.Sites.SiteStates(v.r.Context())
	if err != nil {
		return err
	}
	busy, err := v.app.Sites.Activity(v.r.Context())
	if err != nil {
		return err
	}
	if limit.Values == nil {
		limit.Values = limitOf(v.r.URL.Query().Get("limit"), busy)
	}
	return v.render(status, "sites", "Sites", sitesView{pause, limit, states, busy, siteNames(states, busy)})
}

// limitOf is what the form of limits has for a site: what a person ordered there last.
func limitOf(site string, busy []campaign.SiteActivity) map[string]string {
	values := map[string]string{"site": site}
	i := slices.IndexFunc(busy, func(a campaign.SiteActivity) bool { return a.Site == site })
	if i < 0 {
		return values
	}
	if rate := busy[i].Ordered.Rate; rate > 0 {
		values["rate"] = strconv.FormatFloat(rate, 'f', -1, 64)
	}
	if n := busy[i].Ordered.Connections; n > 0 {
		values["connections"] = strconv.Itoa(n)
	}
	return values
}

// siteNames are the large sites, and those of which something is known.
func siteNames(states []campaign.SiteState, busy []campaign.SiteActivity) []string {
	var names []string
	for _, l := range campaign.NamedLanes() {
		names = append(names, l.String())
	}
	for _, a := range busy {
		names = append(names, a.Site)
	}
	for _, s := range states {
		names = append(names, s.Site)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// siteName is what a site may be called: a provider of ours, or a domain.
var siteName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,252}$`)

// pauses are what the form offers; "" holds until somebody ends it.
var pauses = map[string]time.Duration{"": 0, "1h": time.Hour, "6h": 6 * time.Hour, "24h": 24 * time.Hour}

func pauseSite(v *visit) error {
	f, err := v.readForm("site", "for", "why")
	if err != nil {
		return err
	}
	site := strings.ToLower(strings.TrimSpace(f.Values["site"]))
	v.object = site
	length, ok := pauses[f.Values["for"]]
	if !siteName.MatchString(site) || !ok {
		f.take(&account.Problem{Field: "site", Text: "is a provider such as google, or the domain of a small one's servers"})
		return v.sites(http.StatusUnprocessableEntity, f, Form{})
	}
	until := time.Time{}
	if length > 0 {
		until = v.app.Now().Add(length)
	}
	why := strings.TrimSpace(f.Values["why"] + " (by " + v.User.Email + ")")
	if _, err := v.app.Sites.PauseSite(v.r.Context(), site, until, why[:min(len(why), 400)]); err != nil {
		return err
	}
	v.flash("%s gets no mail. Senders know within a second; its recipients wait.", site)
	return v.redirect("/sites")
}

// mostPerSecond and mostConnections are beyond what any site takes from anybody.
const (
	mostPerSecond   = 100_000
	mostConnections = 10_000
)

func limitSite(v *visit) error {
	f, err := v.readForm("site", "rate", "connections")
	if err != nil {
		return err
	}
	site := strings.ToLower(strings.TrimSpace(f.Values["site"]))
	v.object = site
	if !siteName.MatchString(site) {
		f.take(&account.Problem{Field: "site", Text: "is a provider such as google, or the domain of a small one's servers"})
		return v.sites(http.StatusUnprocessableEntity, Form{}, f)
	}
	rate, err := strconv.ParseFloat(cmp.Or(strings.TrimSpace(f.Values["rate"]), "0"), 64)
	if err != nil || !(rate >= 0 && rate <= mostPerSecond) {
		f.take(&account.Problem{Field: "rate", Text: "is messages per second, such as 20 or 0.5; empty for no limit"})
		return v.sites(http.StatusUnprocessableEntity, Form{}, f)
	}
	connections, err := strconv.Atoi(cmp.Or(strings.TrimSpace(f.Values["connections"]), "0"))
	if err != nil || connections < 0 || connections > mostConnections {
		f.take(&account.Problem{Field: "connections", Text: "is a whole number; empty for no limit"})
		return v.sites(http.StatusUnprocessableEntity, Form{}, f)
	}
	limit := campaign.SiteLimit{Rate: rate, Connections: connections, Since: v.app.Now(), Who: v.User.Email}
	if err := v.app.Sites.LimitSite(v.r.Context(), site, limit); err != nil {
		return err
	}
	if rate == 0 && connections == 0 {
		v.flash("%s is limited by its rules alone.", site)
	} else {
		v.flash("%s gets no more than that from now on. Senders know within a second.", site)
	}
	return v.redirect("/sites")
}

func resumeSite(v *visit) error {
	f, err := v.readForm("site")
	if err != nil {
		return err
	}
	v.object = f.Values["site"]
	if err := v.app.Sites.ResumeSite(v.r.Context(), f.Values["site"]); err != nil && !errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	v.flash("%s gets mail again.", f.Values["site"])
	return v.redirect("/sites")
}
