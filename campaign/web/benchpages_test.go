package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/campaign/token"
	"broadside/campaign/web/api"
)

// benchmarked are the addresses by which the benchmark asks for what is answered: by
// pattern, for the API by operation, several of each: the first and the last pages of what
// is paged, large and small runs, people with many runs and with few. upload and form are
// those of the site under test.
func (f filled) benchmarked(upload string, form signup.Form) map[string][]string {
	n, last, live := f.contacts, int64(f.large), int64(f.live)
	first := int64(campaign.FirstMessage)
	person := func(id int64) string {
		return fmt.Sprintf("person%08d@%s", id, []string{"gmail.com", "example.org", "example.net"}[id%3])
	}
	unsubscribe := func(run, contact int64) string {
		return "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, run, contact))
	}
	// In half of all runs, in two or three, in a message, and in none but the large run.
	contacts := []int64{17, n / 3, n - 3, 1 + n/2, min(smallRun, n) + 1}
	runs := []int64{last, live, int64(f.standing), 1, f.runs / 2}
	campaigns := []int64{1, 2, 3, 300, 400, 500}
	for i, c := range campaigns {
		campaigns[i] = 1 + (c-1)%max(1, f.runs-fillRuns+1)
	}
	v1 := api.Prefix
	segment := "city+%3D%3D+%22City+7%22"
	rare := "city+%3D%3D+%22nowhere%22"
	return map[string][]string{
		"/":             {"/nothing", "/campaigns/1/nothing"},
		"/u/":           {unsubscribe(last, 5), unsubscribe(last, n-3), unsubscribe(1, 17), unsubscribe(int64(f.standing), first+3), unsubscribe(last, 5) + "/lists"},
		"/join/":        {"/join/" + form.Slug},
		"/confirm/":     {"/confirm/" + string(linkTokens.Append(nil, token.SignUp, int64(form.ID), 2)), "/confirm/" + string(linkTokens.Append(nil, token.SignUp, int64(form.ID), 99_998))},
		v1 + "/":        {v1 + "/openapi.json", v1 + "/openapi.yaml"},
		"GET /healthz":  {"/healthz"},
		"GET /setup":    {"/setup"},
		"GET /login":    {"/login"},
		"GET /welcome":  {"/welcome?token=none"},
		"GET /api/docs": {"/api/docs"},
		"GET /account":  {"/account"},
		"GET /users":    {"/users"},
		"GET /audit":    {"/audit", "/audit?before=100000", "/audit?before=150"},

		"GET /favicon.ico":   {"/favicon.ico"},
		"GET /assets/{name}": {assetURL("app.css"), assetURL("app.js"), assetURL("run.js")},

		"GET /{$}":                      {"/"},
		"GET /campaigns":                {"/campaigns", fmt.Sprintf("/campaigns?before=%d", max(2, (f.runs-fillRuns)/2)), "/campaigns?archived=yes", "/campaigns?before=20"},
		"GET /campaigns/new":            {"/campaigns/new"},
		"GET /campaigns/{id}":           each("/campaigns/%d", campaigns),
		"GET /campaigns/{id}/preview":   append(each("/campaigns/%d/preview", campaigns), "/campaigns/1/preview?as="+person(n-3), "/campaigns/1/preview?as=longest", "/campaigns/1/preview?as=shortest"),
		"GET /campaigns/{id}/inbox":     append(each("/campaigns/%d/inbox", campaigns), "/campaigns/1/inbox?as=longest"),
		"GET /campaigns/{id}/review":    each("/campaigns/%d/review", campaigns),
		"GET /campaigns/{id}/audience":  each("/campaigns/%d/audience", campaigns),
		"GET /campaigns/{id}/clocks":    each("/campaigns/%d/clocks", campaigns),
		"GET /library":                  {"/library"},
		"GET /library/{key}":            {"/library/newsletter"},
		"GET /library/{key}/preview":    {"/library/newsletter/preview"},
		"GET /segments":                 {"/segments"},
		"GET /segments/new":             {"/segments/new"},
		"GET /segments/{id}":            {"/segments/1", "/segments/200"},
		"GET /segments/look":            {"/segments/look?expression=" + segment},
		"GET /segments/glance":          {"/segments/glance?list=everybody&expression=" + rare, "/segments/glance?list=list+2&expression=" + segment, "/segments/glance?expression=" + segment},
		"GET /sites":                    {"/sites"},
		"GET /webhooks":                 {"/webhooks"},
		"GET /webhooks/{id}":            {"/webhooks/1", "/webhooks/2?before=100000", "/webhooks/3?before=300", "/webhooks/1?state=failed", "/webhooks/1?state=retrying"},
		"GET /lists":                    {"/lists"},
		"GET /lists/{id}":               {"/lists/1", fmt.Sprintf("/lists/1?after=%d", n/2), fmt.Sprintf("/lists/1?after=%d", n-70), "/lists/2", fmt.Sprintf("/lists/2?after=%d", n/2)},
		"GET /lists/{id}/forms/new":     {"/lists/1/forms/new"},
		"GET /forms/{id}":               {fmt.Sprintf("/forms/%d", form.ID)},
		"GET /uploads/{id}":             {"/uploads/" + upload},
		"GET /uploads/{id}/events":      {"/uploads/" + upload + "/events"},
		"GET /uploads/{id}/rejects.csv": {"/uploads/" + upload + "/rejects.csv"},
		"GET /contacts":                 {"/contacts", "/contacts?q=person0009", "/contacts?q=person&after=" + person(n-3), "/contacts?after=" + person(n/2), "/contacts?q=nobody"},
		"GET /contacts/{id}":            append(each("/contacts/%d", contacts), "/contacts/17?run=500&row=17", fmt.Sprintf("/contacts/%d?run=20&row=%d", n/3, n/3)),
		"GET /suppressions":             {"/suppressions", "/suppressions?q=person00", "/suppressions?after=" + person(n/100*50), "/suppressions?q=nobody"},
		"GET /runs/{id}":                each("/runs/%d", runs),
		"GET /runs/{id}/compare":        append(each("/runs/%d/compare", runs), fmt.Sprintf("/runs/%d/compare?with=%d&with=1&with=%d", last, live, f.runs/2)),
		"GET /runs/{id}/compare.csv":    each("/runs/%d/compare.csv", runs),
		"GET /runs/{id}/events":         each("/runs/%d/events", runs),
		"GET /runs/{id}/replies":        each("/runs/%d/replies", runs),
		"GET /runs/{id}/people": append(append(each("/runs/%d/people?state=accepted", runs), each("/runs/%d/people?state=bounced&reason=1", runs)...),
			fmt.Sprintf("/runs/%d/people?state=accepted&lane=1&contact=%d", last, n-160), fmt.Sprintf("/runs/%d/people?state=accepted&lane=9&contact=%d", last, n/2),
			fmt.Sprintf("/runs/%d/people?state=bounced&reason=17", last), fmt.Sprintf("/runs/%d/people", last), fmt.Sprintf("/runs/%d/people?lane=9&contact=%d", last, n/2), fmt.Sprintf("/runs/%d/people?state=cancelled", last), fmt.Sprintf("/runs/%d/people?state=waiting", last),
			fmt.Sprintf("/runs/%d/people?state=deferred", live), fmt.Sprintf("/runs/%d/people?state=waiting&lane=16&contact=1", live)),

		"list-lists": {v1 + "/lists"}, "show-list": {v1 + "/lists/1", v1 + "/lists/99"},
		"list-members":   {v1 + "/lists/1/members", v1 + fmt.Sprintf("/lists/1/members?after=%d", n-70)},
		"list-imports":   {v1 + "/lists/1/imports", v1 + "/lists/1/imports?after=100"},
		"list-forms":     {v1 + "/lists/1/forms"},
		"show-form":      {v1 + fmt.Sprintf("/forms/%d", form.ID)},
		"list-uploads":   {v1 + "/uploads"},
		"show-upload":    {v1 + "/uploads/" + upload},
		"show-columns":   {v1 + "/uploads/" + upload + "/columns"},
		"show-rejects":   {v1 + "/uploads/" + upload + "/rejects"},
		"list-campaigns": {v1 + "/campaigns", v1 + "/campaigns?after=300"}, "show-campaign": each(v1+"/campaigns/%d", campaigns),
		"preview-campaign": each(v1+"/campaigns/%d/preview", campaigns), "lint-campaign": each(v1+"/campaigns/%d/lint", campaigns),
		"review-campaign": each(v1+"/campaigns/%d/review", campaigns),
		// Exactly, it counts everybody before it answers, and says so: of a list of few here.
		"count-audience":     append(each(v1+"/campaigns/%d/audience", campaigns), v1+fmt.Sprintf("/campaigns/%d/audience?exact=true", f.small())),
		"show-repetition":    {v1 + "/campaigns/1/repeat"},
		"list-campaign-runs": {v1 + "/campaigns/1/runs", v1 + "/campaigns/1/runs?after=100"},
		"list-runs":          {v1 + "/runs", v1 + fmt.Sprintf("/runs?after=%d", f.runs/2)},
		"show-run":           each(v1+"/runs/%d", runs), "show-report": each(v1+"/runs/%d/report", runs),
		"compare-runs": each(v1+"/runs/%d/comparison", runs), "download-comparison": each(v1+"/runs/%d/comparison.csv", runs),
		"list-recipients": {v1 + fmt.Sprintf("/runs/%d/recipients?state=accepted", last), v1 + fmt.Sprintf("/runs/%d/recipients?state=bounced&reason=user+unknown", last), v1 + "/runs/1/recipients?state=skipped"},
		"search-contacts": {v1 + "/contacts", v1 + "/contacts?prefix=person0009"}, "show-contact": each(v1+"/contacts/%d", contacts),
		"search-suppressions": {v1 + "/suppressions", v1 + "/suppressions?prefix=person00"},
		"list-segments":       {v1 + "/segments"}, "show-segment": {v1 + "/segments/1", v1 + "/segments/150"},
		"list-starters": {v1 + "/library"}, "show-starter": {v1 + "/library/newsletter"}, "preview-starter": {v1 + "/library/newsletter/preview"},
		"show-message": {v1 + fmt.Sprintf("/messages/%d", first), v1 + fmt.Sprintf("/messages/%d", first+fillMessages/2)},
		"list-sites":   {v1 + "/sites"}, "show-activity": {v1 + "/sites/activity"},
		"show-me": {v1 + "/me"}, "list-tokens": {v1 + "/tokens"}, "list-users": {v1 + "/users"},
		"list-audit":    {v1 + "/audit", v1 + "/audit?after=5000"},
		"list-webhooks": {v1 + "/webhooks"}, "show-webhook": {v1 + "/webhooks/1"}, "list-deliveries": {v1 + "/webhooks/1/deliveries", v1 + "/webhooks/2/deliveries?after=5000"},
	}
}

// small is the campaign that goes to a list of few.
func (f filled) small() int64 { return f.runs - fillRuns + 1 }

func each(format string, ids []int64) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = fmt.Sprintf(format, id)
	}
	return all
}

// benchmarkable lists all that can be read: patterns, and operations of the API.
func benchmarkable(a *App) []string {
	var all []string
	for _, p := range a.patterns {
		if strings.Contains(p, "/login/openid") {
			continue // waits for somebody else, the provider
		}
		if method, _, ok := strings.Cut(p, " "); !ok || method == http.MethodGet {
			all = append(all, p)
		}
	}
	for _, op := range a.api.Operations() {
		if op.Method == http.MethodGet {
			all = append(all, op.ID)
		}
	}
	return all
}

// Whoever adds a page or an operation that reads says how the benchmark asks for it.
func TestEveryPageIsBenchmarked(t *testing.T) {
	a := newWorld(t).app
	asked := filled{contacts: 1000, runs: 300}.benchmarked("none", signup.Form{})
	for _, what := range benchmarkable(a) {
		if len(asked[what]) == 0 {
			t.Errorf("%s has no place in the benchmark of the pages: give it addresses in benchmarked", what)
		}
		delete(asked, what)
	}
	for what := range asked {
		t.Errorf("the benchmark asks for %s, which is not there", what)
	}
}
